// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS102 free-race
// OBJECT-KIND: heap
// FUNCTIONS: consumer main
/* main frees the block and only then tells the consumer to look: ordered, and still wrong. */
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
	free(block);
	go_send(ch, 0);
	go_recv(out);
}
