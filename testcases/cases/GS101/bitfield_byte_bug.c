// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: word
/* Two bit-fields of one unit that share its first byte. */
#include <goroutine.h>

static struct {
	unsigned low : 4;
	unsigned high : 12;
} word;

static void child(go_chan(int) done)
{
	word.high = 9;
	go_send(done, 0);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(child, done);
	word.low = 1;
	go_recv(done);
	return word.low != 1;
}
