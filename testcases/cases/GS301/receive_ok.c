// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The message comes, and main waits until the goroutine is through. */
#include <goroutine.h>

static void wait_for_it(go_chan(int) ch, go_waitgroup *wg)
{
	go_recv(ch);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_chan(int) ch = go_make(int, 0);
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 1);
	go(wait_for_it, ch, &wg);
	go_send(ch, 1);
	go_waitgroup_wait(&wg);
}
