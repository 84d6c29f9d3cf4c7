// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS401 waitgroup-add-in-goroutine
// OBJECT: wg
// FUNCTIONS: worker main
// FINDINGS: 1
/* Each worker adds for itself: the Wait may come first, see zero, and return with the work undone. */
#include "../../gate.h"

static volatile int ended[3]; /* only keep main from leaving before the workers ran */

static void worker(int id, go_waitgroup *wg)
{
	go_waitgroup_add(wg, 1); /* too late: the Wait may have returned */
	go_waitgroup_done(wg);
	gate_open(&ended[id]);
}

int main(void)
{
	static go_waitgroup wg;

	for (int id = 0; id < 3; id++)
		go(worker, id, &wg);
	go_waitgroup_wait(&wg);
	for (int id = 0; id < 3; id++)
		gate_wait(&ended[id]);
}
