// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The other waiter says when it is through, and only then the WaitGroup is used again. */
#include <goroutine.h>

static void worker(go_waitgroup *wg)
{
	go_waitgroup_done(wg);
}

static void other_waiter(go_waitgroup *wg, go_chan(go_unit) through)
{
	go_waitgroup_wait(wg);
	go_send(through, GO_UNIT);
}

int main(void)
{
	go_chan(go_unit) through = go_make(go_unit, 0);
	static go_waitgroup wg;

	go_waitgroup_add(&wg, 1);
	go(other_waiter, &wg, through);
	go(worker, &wg);
	go_waitgroup_wait(&wg);
	go_recv(through);
	go_waitgroup_add(&wg, 1);
	go(worker, &wg);
	go_waitgroup_wait(&wg);
}
