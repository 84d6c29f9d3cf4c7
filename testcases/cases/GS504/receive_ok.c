// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The channel is made first. */
#include <goroutine.h>

static go_chan(int) events;

static void waiter(go_waitgroup *wg)
{
	go_recv(events);
	go_waitgroup_done(wg);
}

int main(void)
{
	static go_waitgroup wg;

	events = go_make(int, 0);
	go_waitgroup_add(&wg, 1);
	go(waiter, &wg);
	go_send(events, 1);
	go_waitgroup_wait(&wg);
}
