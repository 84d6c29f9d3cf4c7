// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// EXPECT: GS303 context-leak
// EXPECT: GS304 timer-leak
// EXPECT: GS401 waitgroup-add-in-goroutine
// FINDINGS: 4
/* Four different bugs in one program are four findings in one run. */
#include "../gate.h"

int counter;
static volatile int added;

static void work(go_waitgroup *wg)
{
	counter++;
	go_waitgroup_add(wg, 1);
	gate_open(&added);
	go_waitgroup_done(wg);
}

int main(void)
{
	static go_waitgroup wg;

	go_with_cancel(go_background());
	go_ticker_new(GO_SEC);
	go(work, &wg);
	counter++;
	gate_wait(&added);
	go_waitgroup_wait(&wg);
}
