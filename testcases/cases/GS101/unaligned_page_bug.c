// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: bytes
/* An unaligned write over two pages, and a read of its last byte. */
#include <goroutine.h>
#include <stdint.h>

typedef uint64_t __attribute__((aligned(1), may_alias)) loose;

static _Alignas(4096) unsigned char bytes[8192];

static void *at(unsigned offset)
{
	return &bytes[offset];
}

static void child(go_chan(int) done)
{
	*(loose *)at(4093) = ~UINT64_C(0);
	go_send(done, 0);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(child, done);
	int last = bytes[4100];
	go_recv(done);
	return last != 0 && last != 255;
}
