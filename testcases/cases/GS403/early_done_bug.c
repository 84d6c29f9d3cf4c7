// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS403 waitgroup-reuse
// OBJECT: wg
// EXIT: 2
// PROCS: 1
// FINDINGS: 1
/* A worker counts itself down, and then adds for its sub-work while main is still about to return from its
 * Wait: the runtime panics, as Go's does. (On one processor main can't get away in between.) */
#include "../../gate.h"

static void walk(go_waitgroup *wg)
{
	gate_parked("sync.WaitGroup.Wait", 1);
	go_waitgroup_done(wg); /* too early */
	go_waitgroup_add(wg, 1);
	go_yield(); /* main returns from its Wait, and finds the counter at one */
	go_waitgroup_done(wg);
}

int main(void)
{
	static go_waitgroup wg;

	go_waitgroup_add(&wg, 1);
	go(walk, &wg);
	go_waitgroup_wait(&wg);
}
