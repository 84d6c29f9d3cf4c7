// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The consumer is done with the block before main frees it. */
#include <goroutine.h>
#include <stdlib.h>

static int *volatile block;

static void consumer(go_chan(int) ch, go_chan(int) out)
{
	go_recv(ch);
	go_send(out, *block);
}

int main(void)
{
	go_chan(int) ch = go_make(int, 0), out = go_make(int, 0);

	block = malloc(sizeof *block * 16);
	*block = 1;
	go(consumer, ch, out);
	go_send(ch, 0);
	int got = go_recv(out);
	free(block);
	return got != 1;
}
