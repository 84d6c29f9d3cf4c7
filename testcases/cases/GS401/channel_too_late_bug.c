// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS401 waitgroup-add-in-goroutine
// OBJECT: wg
/* The message comes before the Add: it orders nothing. */
#include "../../gate.h"

static volatile int ended;

static void worker(go_waitgroup *wg, go_chan(go_unit) ready)
{
	go_send(ready, GO_UNIT);
	go_waitgroup_add(wg, 1);
	go_waitgroup_done(wg);
	gate_open(&ended);
}

int main(void)
{
	static go_waitgroup wg;
	go_chan(go_unit) ready = go_make(go_unit, 0);

	go(worker, &wg, ready);
	go_recv(ready);
	go_waitgroup_wait(&wg);
	gate_wait(&ended);
}
