// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// OPTIONS: --no-checks=race
/* A check that is switched off reports nothing. */
#include <goroutine.h>

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
}
