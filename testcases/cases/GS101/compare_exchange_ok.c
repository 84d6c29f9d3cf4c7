// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A flag is taken by a compare-exchange that acquires, and given back by a store that releases: a lock. */
#include <goroutine.h>
#include <stdatomic.h>

static int counter;
static atomic_int taken;

static void count(go_waitgroup *wg)
{
	int expected = 0;

	while (!atomic_compare_exchange_strong_explicit(&taken, &expected, 1, memory_order_acquire,
							memory_order_relaxed)) {
		expected = 0;
		go_yield();
	}
	counter++;
	atomic_store_explicit(&taken, 0, memory_order_release);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 4);
	for (int i = 0; i < 4; i++)
		go(count, &wg);
	go_waitgroup_wait(&wg);
	return counter != 4;
}
