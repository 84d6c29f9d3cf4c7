// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS401 waitgroup-add-in-goroutine
// OBJECT: wg
// GRADE: proved
// FINDINGS: 1
/* Incorrect WaitGroup usage, as the guide has it: ten goroutines Add for themselves, and nothing forces an
 * order. (The gates only keep main from returning before the ten have run.) */
#include "../../gate.h"

static volatile int ended[10];

static void work(int i, go_waitgroup *wg)
{
	go_waitgroup_add(wg, 1); /* wrong: may not run before the Wait */
	go_waitgroup_done(wg);
	gate_open(&ended[i]);
}

int main(void)
{
	static go_waitgroup wg;

	for (int i = 0; i < 10; i++)
		go(work, i, &wg);
	go_waitgroup_wait(&wg); /* may return immediately */
	for (int i = 0; i < 10; i++)
		gate_wait(&ended[i]);
}
