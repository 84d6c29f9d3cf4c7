// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OPTIONS: --halt-on-error
// EXPECT-OUTPUT: ordered
/* --halt-on-error ends the program at the first finding: the line at the end is never printed. */
#include <goroutine.h>
#include <stdio.h>

int counter;

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
	printf("not reached\n");
}
