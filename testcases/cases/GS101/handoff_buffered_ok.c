// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Hand-off over a buffered channel: each message is written before its send, read after its receive. */
#include <goroutine.h>

static int slots[64];

static void producer(go_chan(int) ch)
{
	for (int i = 0; i < 64; i++) {
		slots[i] = i;
		go_send(ch, i);
	}
	go_close(ch);
}

int main(void)
{
	go_chan(int) ch = go_make(int, 7);
	int sum = 0;

	go(producer, ch);
	go_range(i, ch) {
		sum += slots[i];
	}
	return sum != 2016;
}
