// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* main adds later, and hands the count over with a message. */
#include <goroutine.h>

static void worker(go_waitgroup *wg, go_chan(int) ch)
{
	go_recv(ch);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};
	go_chan(int) ch = go_make(int, 0);

	go(worker, &wg, ch);
	go_waitgroup_add(&wg, 1);
	go_send(ch, 0);
	go_waitgroup_wait(&wg);
}
