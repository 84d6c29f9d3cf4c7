// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The counter is right: the closer gets through. */
#include <goroutine.h>

static void closer(go_waitgroup *wg, go_chan(int) ch)
{
	go_waitgroup_wait(wg);
	go_close(ch);
}

int main(void)
{
	static go_waitgroup wg;
	go_chan(int) ch = go_make(int, 1);

	go_waitgroup_add(&wg, 1);
	go(closer, &wg, ch);
	go_send(ch, 1);
	go_waitgroup_done(&wg);
	while (go_recv_ok(ch, NULL))
		;
}
