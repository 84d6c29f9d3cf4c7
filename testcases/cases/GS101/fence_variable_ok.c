// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// FLAGS: -Wno-tsan
/* One release fence publishes through every later store, one acquire fence acquires through every earlier load. */
#include <goroutine.h>
#include <stdatomic.h>

static int data;
static atomic_int ready, other;

static void publish(void)
{
	data = 42;
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&other, 1, memory_order_relaxed);
	atomic_store_explicit(&ready, 1, memory_order_relaxed);
}

int main(void)
{
	go(publish);
	while (!atomic_load_explicit(&ready, memory_order_relaxed))
		go_yield();
	int seen = atomic_load_explicit(&other, memory_order_relaxed);
	atomic_thread_fence(memory_order_acquire);
	return !(seen >= 0 && data == 42);
}
