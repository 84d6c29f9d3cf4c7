// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS401 waitgroup-add-in-goroutine
// FUNCTIONS: walk main
/* The same, but Done comes before the sub-work is added: for a moment nobody is counted. */
#include "../../gate.h"

static volatile int ended;

static void leaf(go_waitgroup *wg)
{
	go_waitgroup_done(wg);
	gate_open(&ended);
}

static void walk(go_waitgroup *wg)
{
	go_waitgroup_done(wg); /* too early */
	go_waitgroup_add(wg, 1);
	go(leaf, wg);
}

int main(void)
{
	static go_waitgroup wg;

	go_waitgroup_add(&wg, 1);
	go(walk, &wg);
	go_waitgroup_wait(&wg);
	gate_wait(&ended);
}
