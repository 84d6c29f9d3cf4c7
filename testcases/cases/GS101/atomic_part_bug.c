// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: word
/* An atomic store of a word, and a plain read of one byte of it. */
#include <goroutine.h>

static union {
	int whole;
	unsigned char bytes[4];
} word;

static void child(go_chan(int) done)
{
	__atomic_store_n(&word.whole, 1 << 24, __ATOMIC_RELEASE);
	go_send(done, 0);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(child, done);
	int last = word.bytes[3];
	go_recv(done);
	return last > 1;
}
