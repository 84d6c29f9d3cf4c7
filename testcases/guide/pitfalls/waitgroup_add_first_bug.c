// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS401 waitgroup-add-in-goroutine
// OBJECT: wg
// GRADE: proved
// FUNCTIONS: work main
// FINDINGS: 1
/* Incorrect WaitGroup usage where the Add happens to run before the Wait, so that everything looks right. */
#include "../../gate.h"

static volatile int added;

static void work(go_waitgroup *wg)
{
	go_waitgroup_add(wg, 1); /* wrong: only luck puts it before the Wait */
	gate_open(&added);
	go_waitgroup_done(wg);
}

int main(void)
{
	static go_waitgroup wg;

	go(work, &wg);
	gate_wait(&added);
	go_waitgroup_wait(&wg);
}
