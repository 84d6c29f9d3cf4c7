// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS401 waitgroup-add-in-goroutine
// OBJECT: wg
// FUNCTIONS: leaf main
/* The sub-work adds for itself, when the worker that started it may be done already. The gate keeps that
 * worker counted in this run. */
#include "../../gate.h"

static volatile int added, ended;

static void leaf(go_waitgroup *wg)
{
	go_waitgroup_add(wg, 1); /* walk should have done this, before the go statement */
	gate_open(&added);
	go_waitgroup_done(wg);
	gate_open(&ended);
}

static void walk(go_waitgroup *wg)
{
	go(leaf, wg);
	gate_wait(&added);
	go_waitgroup_done(wg);
}

int main(void)
{
	static go_waitgroup wg;

	go_waitgroup_add(&wg, 1);
	go(walk, &wg);
	go_waitgroup_wait(&wg);
	gate_wait(&ended);
}
