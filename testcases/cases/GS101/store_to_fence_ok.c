// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// FLAGS: -Wno-tsan
/* A release store is read by a relaxed load before an acquire fence (C11 7.17.4p4). */
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
	go(publish);
	while (atomic_load_explicit(&ready, memory_order_relaxed) != 1)
		go_yield();
	atomic_thread_fence(memory_order_acquire);
	return data != 42;
}
