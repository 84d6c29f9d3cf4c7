// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// FLAGS: -Wno-tsan
/* A release fence before a relaxed store meets an acquire load (C11 7.17.4p3). */
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
	while (atomic_load_explicit(&ready, memory_order_acquire) != 1)
		go_yield();
	return data != 42;
}
