// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// FLAGS: -Wno-tsan
/* The store that a release fence published through would head a release sequence; another goroutine's relaxed
 * read-modify-write continues it, and an acquire fence reads from there (C11 7.17.4p2). */
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

static void bump(void)
{
	while (atomic_load_explicit(&ready, memory_order_relaxed) != 1)
		go_yield();
	atomic_fetch_add_explicit(&ready, 1, memory_order_relaxed);
}

int main(void)
{
	go(publish);
	go(bump);
	while (atomic_load_explicit(&ready, memory_order_relaxed) != 2)
		go_yield();
	atomic_thread_fence(memory_order_acquire);
	return data != 42;
}
