// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: value
/* A write of 16 bytes and a read of the last of them. */
#include <goroutine.h>

static __int128 value;

static void child(go_chan(int) done)
{
	value = -1;
	go_send(done, 0);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(child, done);
	int last = ((unsigned char *)&value)[15];
	go_recv(done);
	return last != 0 && last != 255;
}
