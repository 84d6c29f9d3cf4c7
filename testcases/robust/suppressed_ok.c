// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// OPTIONS: --suppressions={dir}/suppressed.txt
// COUNTER: suppressed
/* A known race, suppressed by its function: clean, and the report says that something was suppressed. */
#include <goroutine.h>

int counter;

static void increment_known(go_waitgroup *wg)
{
	counter++;
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 2);
	go(increment_known, &wg);
	go(increment_known, &wg);
	go_waitgroup_wait(&wg);
}
