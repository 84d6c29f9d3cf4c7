// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// FLAGS: -Wno-tsan
// OBJECT: data
/* A fence of the strongest order on one side only orders no data. */
#include <goroutine.h>
#include <stdatomic.h>

static int data;
static atomic_int ready;

static void publish(void)
{
	data = 42;
	atomic_thread_fence(memory_order_seq_cst);
	atomic_store_explicit(&ready, 1, memory_order_relaxed);
}

int main(void)
{
	go(publish);
	while (atomic_load_explicit(&ready, memory_order_relaxed) != 1)
		go_yield();
	return data != 42;
}
