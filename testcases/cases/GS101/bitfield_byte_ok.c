// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Two members beside a bit-field, which a zero-width field ends: different memory locations. */
#include <goroutine.h>

static struct {
	unsigned char low : 4;
	unsigned char : 0;
	unsigned char high : 4;
	unsigned char last;
} word;

static void child(go_chan(int) done)
{
	word.high = 9;
	word.last = 1;
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
