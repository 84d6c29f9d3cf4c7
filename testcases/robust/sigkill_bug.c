// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// EXIT: SIGKILL
/* Even SIGKILL doesn't take away what was found before. */
#include <goroutine.h>
#include <signal.h>

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
	raise(SIGKILL);
}
