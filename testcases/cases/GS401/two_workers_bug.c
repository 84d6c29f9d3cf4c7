// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS401 waitgroup-add-in-goroutine
// OBJECT: wg
// FUNCTIONS: late main
/* The counter is positive when `late` adds, because another worker is still counted, but that worker does
 * not wait for `late`: in another schedule it is done first, and the Wait returns before the Add. */
#include "../../gate.h"

static volatile int added;

static void early(go_waitgroup *wg)
{
	gate_wait(&added);
	go_waitgroup_done(wg);
}

static void late(go_waitgroup *wg)
{
	go_waitgroup_add(wg, 1);
	gate_open(&added);
	go_waitgroup_done(wg);
}

int main(void)
{
	static go_waitgroup wg;

	go_waitgroup_add(&wg, 1);
	go(early, &wg);
	go(late, &wg);
	go_waitgroup_wait(&wg);
	gate_wait(&added);
}
