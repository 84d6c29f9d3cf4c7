// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS401 waitgroup-add-in-goroutine
// RUNTIME: static
// FUNCTIONS: work main
/* The runtime linked into the executable is found as well. */
#include "../gate.h"

static volatile int added;

static void work(go_waitgroup *wg)
{
	go_waitgroup_add(wg, 1);
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
