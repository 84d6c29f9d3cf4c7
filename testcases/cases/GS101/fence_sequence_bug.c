// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// FLAGS: -Wno-tsan
// OBJECT: data
/* Another goroutine's relaxed store ends the sequence that a release fence began: the acquire fence gets nothing.
 * The gate keeps main from reading the first value, which would order. */
#include <goroutine.h>
#include <stdatomic.h>
#include "../../gate.h"

static int data;
static atomic_int ready;
static volatile int over;

static void publish(void)
{
	data = 42;
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&ready, 1, memory_order_relaxed);
}

static void overwrite(void)
{
	while (atomic_load_explicit(&ready, memory_order_relaxed) != 1)
		go_yield();
	atomic_store_explicit(&ready, 2, memory_order_relaxed);
	gate_open(&over);
}

int main(void)
{
	go(publish);
	go(overwrite);
	gate_wait(&over);
	int seen = atomic_load_explicit(&ready, memory_order_relaxed);
	atomic_thread_fence(memory_order_acquire);
	return seen != 2 || data != 42;
}
