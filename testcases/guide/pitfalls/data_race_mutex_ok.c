// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The guide's first solution: a mutex around each increment. */
#include <goroutine.h>
#include <stdio.h>

static int counter;
static go_mutex mu;

static void increment(go_waitgroup *wg)
{
	go_mutex_lock(&mu);
	counter++;
	go_mutex_unlock(&mu);
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
