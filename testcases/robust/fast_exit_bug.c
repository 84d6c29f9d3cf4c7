// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
/* _exit() from a goroutine: no atexit handler runs, and the report comes all the same. */
#include <goroutine.h>
#include <unistd.h>

static int counter;

static void increment(go_waitgroup *wg)
{
	counter++;
	go_waitgroup_done(wg);
}

static void leave(void)
{
	_exit(0);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 2);
	go(increment, &wg);
	go(increment, &wg);
	go_waitgroup_wait(&wg);
	go(leave);
	go_sleep(60 * GO_SEC);
}
