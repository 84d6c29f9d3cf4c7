// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS401 waitgroup-add-in-goroutine
// OBJECT: wg
// GRADE: proved
// FUNCTIONS: work main
// FINDINGS: 1
/* Incorrect WaitGroup usage where the Wait runs first and returns immediately: the work isn't waited for. */
#include "../../gate.h"

static volatile int waited, ended;

static void work(go_waitgroup *wg)
{
	gate_wait(&waited);
	go_waitgroup_add(wg, 1); /* wrong: the Wait has returned already */
	go_waitgroup_done(wg);
	gate_open(&ended);
}

int main(void)
{
	static go_waitgroup wg;

	go(work, &wg);
	go_waitgroup_wait(&wg); /* returns at once */
	gate_open(&waited);
	gate_wait(&ended);
}
