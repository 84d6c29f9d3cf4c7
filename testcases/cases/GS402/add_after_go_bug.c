// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS402 waitgroup-negative
// OBJECT: wg
// FUNCTIONS: worker main
/* The Add comes after the go statement: a quick worker's Done is first in another schedule, and panics. */
#include "../../gate.h"

static volatile int added;

static void worker(go_waitgroup *wg)
{
	gate_wait(&added);
	go_waitgroup_done(wg);
}

int main(void)
{
	static go_waitgroup wg;

	go(worker, &wg);
	go_waitgroup_add(&wg, 1);
	gate_open(&added);
	go_waitgroup_wait(&wg);
}
