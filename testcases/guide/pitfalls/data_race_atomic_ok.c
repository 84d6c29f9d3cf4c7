// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The guide's second solution: an atomic counter. */
#include <goroutine.h>
#include <stdatomic.h>
#include <stdio.h>

static atomic_int counter;

static void increment(go_waitgroup *wg)
{
	atomic_fetch_add(&counter, 1);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 2);
	go(increment, &wg);
	go(increment, &wg);
	go_waitgroup_wait(&wg);
	printf("counter %d\n", atomic_load(&counter));
}
