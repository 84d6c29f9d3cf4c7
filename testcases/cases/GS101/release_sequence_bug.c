// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: data
/* A relaxed store by another goroutine ends the release sequence: the acquire load of 2 gets nothing. */
#include <goroutine.h>
#include <stdatomic.h>

static int data;
static atomic_int state;

static void publish(void)
{
	data = 42;
	atomic_store_explicit(&state, 1, memory_order_release);
}

static void overwrite(void)
{
	while (atomic_load_explicit(&state, memory_order_relaxed) != 1)
		go_yield();
	atomic_store_explicit(&state, 2, memory_order_relaxed);
}

int main(void)
{
	go(publish);
	go(overwrite);
	while (atomic_load_explicit(&state, memory_order_relaxed) != 2)
		go_yield();
	atomic_load_explicit(&state, memory_order_acquire);
	return data != 42;
}
