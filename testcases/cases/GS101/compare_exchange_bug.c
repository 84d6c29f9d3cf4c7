// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: data
// FUNCTIONS: publish main
/* A compare-exchange that fails reads with its second order: relaxed, it acquires nothing. */
#include <goroutine.h>
#include <stdatomic.h>

static int data;
static atomic_int ready;

static void publish(void)
{
	data = 42;
	atomic_store_explicit(&ready, 1, memory_order_release);
}

int main(void)
{
	int expected = 2;

	go(publish);
	while (expected != 1) {
		expected = 2;
		atomic_compare_exchange_strong_explicit(&ready, &expected, 3, memory_order_acquire,
							memory_order_relaxed);
		go_yield();
	}
	return data != 42;
}
