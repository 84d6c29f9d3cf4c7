// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The guide's solution with a done channel: closing it tells the consumer to end. */
#include <goroutine.h>

static void consume(go_chan(int) ch, go_chan(go_unit) done, go_waitgroup *wg)
{
	go_defer(go_waitgroup_done, wg);
	int data;

	while (go_select(GO_RECV(ch, &data), GO_RECV(done, NULL)) == 0)
		;
}

int main(void)
{
	go_chan(int) ch = go_make(int, 0);
	go_chan(go_unit) done = go_make(go_unit, 0);
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 1);
	go(consume, ch, done, &wg);
	go_send(ch, 1);
	go_close(done);
	go_waitgroup_wait(&wg);
}
