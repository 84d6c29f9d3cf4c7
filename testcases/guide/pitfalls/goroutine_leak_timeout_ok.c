// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The guide's solution with a timeout: no data for a while, and the consumer ends by itself. */
#include <goroutine.h>

static void consume(go_chan(int) ch, go_waitgroup *wg)
{
	go_defer(go_waitgroup_done, wg);
	int data;

	while (go_select(GO_RECV(ch, &data), GO_AFTER(20 * GO_MS)) == 0)
		;
}

int main(void)
{
	go_chan(int) ch = go_make(int, 1);
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 1);
	go(consume, ch, &wg);
	go_send(ch, 1);
	go_waitgroup_wait(&wg);
}
