// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// FLAGS: -Wno-tsan
// OBJECT: data
/* The store is relaxed and no release fence is before it: an acquire fence alone gets nothing. */
#include <goroutine.h>
#include <stdatomic.h>

static int data;
static atomic_int ready;

static void publish(void)
{
	data = 42;
	atomic_store_explicit(&ready, 1, memory_order_relaxed);
}

int main(void)
{
	go(publish);
	while (atomic_load_explicit(&ready, memory_order_relaxed) != 1)
		go_yield();
	atomic_thread_fence(memory_order_acquire);
	return data != 42;
}
