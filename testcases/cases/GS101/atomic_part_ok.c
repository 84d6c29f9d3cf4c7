// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Atomic stores of two halves of a word, then a plain read of the whole once both are done. */
#include <goroutine.h>

static union {
	int whole;
	short half[2];
} word;

static void child(go_chan(int) done)
{
	__atomic_store_n(&word.half[0], 1, __ATOMIC_RELAXED);
	go_send(done, 0);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(child, done);
	__atomic_store_n(&word.half[1], 1, __ATOMIC_RELAXED);
	go_recv(done);
	return word.whole != 0x10001;
}
