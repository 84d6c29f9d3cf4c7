// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS401 waitgroup-add-in-goroutine
// OBJECT: wg
// FUNCTIONS: close_when_done main
/* The helper that waits is started first: main's Adds don't happen before its Wait. The gate lets the Adds
 * come first in this run. */
#include "../../gate.h"

static volatile int all_added;

static void worker(go_waitgroup *wg)
{
	go_waitgroup_done(wg);
}

static void close_when_done(go_waitgroup *wg, go_chan(go_unit) done)
{
	gate_wait(&all_added);
	go_waitgroup_wait(wg);
	go_close(done);
}

int main(void)
{
	static go_waitgroup wg;
	go_chan(go_unit) done = go_make(go_unit, 0);

	go(close_when_done, &wg, done);
	go_waitgroup_add(&wg, 5);
	for (int i = 0; i < 5; i++)
		go(worker, &wg);
	gate_open(&all_added);
	go_recv(done);
}
