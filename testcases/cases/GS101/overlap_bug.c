// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: value
/* An 8-byte write and a 1-byte read of its last byte overlap. */
#include <goroutine.h>

static union {
	unsigned long whole;
	unsigned char bytes[8];
} value;

static void set(go_chan(int) done)
{
	value.whole = ~0ul;
	go_send(done, 0);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(set, done);
	int last = value.bytes[7];
	go_recv(done);
	return last != 0 && last != 255;
}
