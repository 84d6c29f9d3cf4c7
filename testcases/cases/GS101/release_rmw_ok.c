// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Two goroutines publish by read-modify-writes: the second continues the sequence that the first heads, so that the
 * load which reads its value acquires both. */
#include <goroutine.h>
#include <stdatomic.h>

static int data[2];
static atomic_int ready;

static void publish(int i)
{
	data[i] = 21;
	atomic_fetch_add_explicit(&ready, 1, memory_order_release);
}

int main(void)
{
	go(publish, 0);
	go(publish, 1);
	while (atomic_load_explicit(&ready, memory_order_acquire) != 2)
		go_yield();
	return data[0] + data[1] != 42;
}
