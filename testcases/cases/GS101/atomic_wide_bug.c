// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: data
// LIBS: atomic
/* An atomic of 16 bytes, relaxed: the value is whole, and nothing else is ordered. */
#include <goroutine.h>

static int data;
static __int128 state;

static void publish(void)
{
	data = 42;
	__atomic_store_n(&state, (__int128)1 << 64, __ATOMIC_RELAXED);
}

int main(void)
{
	go(publish);
	while (!(__atomic_load_n(&state, __ATOMIC_ACQUIRE) >> 64))
		go_yield();
	return data != 42;
}
