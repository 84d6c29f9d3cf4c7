// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// LINK: -s
// FUNCTIONS-MAY-BE-UNKNOWN: yes
/* Stripped: modules and offsets are left, and the verdict is the same. */
#include <goroutine.h>

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
}
