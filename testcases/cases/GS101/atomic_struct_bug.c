// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: data
// LIBS: atomic
/* A struct that is atomic by a lock of libatomic: that lock is no promise, and relaxed orders nothing. */
#include <goroutine.h>
#include <stdatomic.h>

struct place {
	long x, y, z;
};

static int data;
static _Atomic struct place place;

static void publish(void)
{
	struct place here = {1, 2, 3};

	data = 42;
	atomic_store_explicit(&place, here, memory_order_relaxed);
}

int main(void)
{
	struct place seen;

	go(publish);
	do {
		go_yield();
		seen = atomic_load_explicit(&place, memory_order_relaxed);
	} while (seen.z != 3);
	return data != 42;
}
