// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// EXIT: SIGSEGV
/* What was found before the crash is reported. */
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
	volatile int *volatile nowhere = NULL;

	go_waitgroup_add(&wg, 2);
	go(increment, &wg);
	go(increment, &wg);
	go_waitgroup_wait(&wg);
	*nowhere = 1;
}
