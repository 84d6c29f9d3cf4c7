// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A relaxed read-modify-write by another goroutine keeps the release sequence alive. */
#include <goroutine.h>
#include <stdatomic.h>

static int data;
static atomic_int state;

static void publish(void)
{
	data = 42;
	atomic_store_explicit(&state, 1, memory_order_release);
}

static void bump(void)
{
	while (atomic_load_explicit(&state, memory_order_relaxed) != 1)
		go_yield();
	atomic_fetch_add_explicit(&state, 1, memory_order_relaxed);
}

int main(void)
{
	go(publish);
	go(bump);
	while (atomic_load_explicit(&state, memory_order_relaxed) != 2)
		go_yield();
	atomic_load_explicit(&state, memory_order_acquire);
	return data != 42;
}
