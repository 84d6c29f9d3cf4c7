// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS402 waitgroup-negative
// OBJECT: wg
/* Two Dones, but only one Add happens before both: the second Add is not ordered with the first worker. */
#include "../../gate.h"

static volatile int added;

static void twice(go_waitgroup *wg)
{
	go_waitgroup_done(wg);
	gate_wait(&added);
	go_waitgroup_done(wg); /* whose? */
}

int main(void)
{
	static go_waitgroup wg;

	go_waitgroup_add(&wg, 1);
	go(twice, &wg);
	go_waitgroup_add(&wg, 1);
	gate_open(&added);
	go_waitgroup_wait(&wg);
}
