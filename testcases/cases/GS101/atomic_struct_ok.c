// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// LIBS: atomic
/* A struct of 24 bytes is atomic by a lock of libatomic, and orders like any other. */
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
	atomic_store_explicit(&place, here, memory_order_release);
}

int main(void)
{
	struct place seen;

	go(publish);
	do {
		go_yield();
		seen = atomic_load_explicit(&place, memory_order_acquire);
	} while (seen.z != 3);
	return data != 42;
}
