// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// FLAGS: -Wno-tsan
// OBJECT: data
/* The acquire fence comes before the load that reads the value: it acquires what earlier loads read. */
#include <goroutine.h>
#include <stdatomic.h>

static int data;
static atomic_int ready;

static void publish(void)
{
	data = 42;
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&ready, 1, memory_order_relaxed);
}

int main(void)
{
	go(publish);
	atomic_thread_fence(memory_order_acquire);
	while (atomic_load_explicit(&ready, memory_order_relaxed) != 1)
		go_yield();
	return data != 42;
}
