// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// FLAGS: -g0
// FUNCTIONS: increment
/* Without debug information there are no lines, but functions still have names. */
#include <goroutine.h>

int counter;

__attribute__((noinline)) void increment(go_waitgroup *wg)
{
	counter++;
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 2);
	go(increment, &wg);
	go(increment, &wg);
	go_waitgroup_wait(&wg);
}
