// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The waiter is released and has ended before the channel is freed. */
#include <goroutine.h>

static void waiter(go_chan(int) ch, go_waitgroup *wg)
{
	go_recv(ch);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_chan(int) ch = go_make(int, 0);
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 1);
	go(waiter, ch, &wg);
	go_close(ch);
	go_waitgroup_wait(&wg);
	go_chan_free(ch);
}
