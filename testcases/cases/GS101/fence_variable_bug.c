// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// FLAGS: -Wno-tsan
// OBJECT: data
/* The acquire fence follows a load of another variable than the one that was published through. */
#include <goroutine.h>
#include <stdatomic.h>
#include "../../gate.h"

static int data;
static atomic_int ready, other;
static volatile int published;

static void publish(void)
{
	data = 42;
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&ready, 1, memory_order_relaxed);
	gate_open(&published);
}

int main(void)
{
	go(publish);
	gate_wait(&published);
	int seen = atomic_load_explicit(&other, memory_order_relaxed);
	atomic_thread_fence(memory_order_acquire);
	return seen || data != 42;
}
