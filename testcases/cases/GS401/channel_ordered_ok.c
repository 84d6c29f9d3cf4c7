// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The goroutine adds for itself, but tells main so before main waits. */
#include <goroutine.h>

static void worker(go_waitgroup *wg, go_chan(go_unit) added)
{
	go_waitgroup_add(wg, 1);
	go_send(added, GO_UNIT);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};
	go_chan(go_unit) added = go_make(go_unit, 0);

	for (int i = 0; i < 4; i++)
		go(worker, &wg, added);
	for (int i = 0; i < 4; i++)
		go_recv(added);
	go_waitgroup_wait(&wg);
}
