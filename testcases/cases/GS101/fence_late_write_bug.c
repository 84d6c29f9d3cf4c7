// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// FLAGS: -Wno-tsan
// OBJECT: data
/* The data is written between the release fence and the store: the fence publishes what was before it. */
#include <goroutine.h>
#include <stdatomic.h>

static int data;
static atomic_int ready;

static void publish(void)
{
	atomic_thread_fence(memory_order_release);
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
