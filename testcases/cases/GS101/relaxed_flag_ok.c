// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Publishing by a release store and an acquire load. */
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
	while (!atomic_load_explicit(&ready, memory_order_acquire))
		go_yield();
	return data != 42;
}
