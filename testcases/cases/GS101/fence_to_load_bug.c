// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// FLAGS: -Wno-tsan
// OBJECT: data
/* The store comes before the release fence: the fence publishes through later stores only, and there is none. */
#include <goroutine.h>
#include <stdatomic.h>

static int data;
static atomic_int ready;

static void publish(void)
{
	data = 42;
	atomic_store_explicit(&ready, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

int main(void)
{
	go(publish);
	while (atomic_load_explicit(&ready, memory_order_acquire) != 1)
		go_yield();
	return data != 42;
}
