// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXPECT-OUTPUT: ordered
// | Final counter value: 1000
/* Mutexes: 1000 goroutines increment one counter, each under the lock. */
#include "guide.h"

static int counter;
static go_mutex mu;
static go_waitgroup wg;

static void increment(void)
{
	go_defer(go_waitgroup_done, &wg);
	go_mutex_lock(&mu);
	counter++;
	go_mutex_unlock(&mu);
}

int main(void)
{
	for (int i = 0; i < 1000; i++) {
		go_waitgroup_add(&wg, 1);
		go(increment);
	}
	go_waitgroup_wait(&wg);
	printf("Final counter value: %d\n", counter);
}
