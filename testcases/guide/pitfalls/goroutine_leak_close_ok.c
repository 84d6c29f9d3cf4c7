// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The simplest solution: the one that sends closes the channel when it is done. */
#include <goroutine.h>

static void consume(go_chan(int) ch, go_waitgroup *wg)
{
	go_defer(go_waitgroup_done, wg);
	int data;

	while (go_recv_ok(ch, &data))
		;
}

int main(void)
{
	go_chan(int) ch = go_make(int, 0);
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 1);
	go(consume, ch, &wg);
	go_send(ch, 1);
	go_close(ch);
	go_waitgroup_wait(&wg);
}
