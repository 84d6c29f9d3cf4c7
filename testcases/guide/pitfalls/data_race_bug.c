// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: counter
// GRADE: proved
// FUNCTIONS: increment
/* Race condition: two goroutines increment the counter, and nothing orders them. */
#include <goroutine.h>
#include <stdio.h>

static int counter;

static void increment(go_waitgroup *wg)
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
	printf("counter %d\n", counter);
}
