// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS102 free-race
// OBJECT-KIND: heap
/* realloc() moves the block while another goroutine still has the old pointer. */
#include "../../gate.h"

#include <stdlib.h>

static volatile int moved, read_old;

static void reader(volatile int *items)
{
	gate_wait(&moved);
	(void)items[0];
	gate_open(&read_old);
}

int main(void)
{
	int *items = calloc(4, sizeof *items);
	int *barrier = malloc(16); /* the old block cannot grow in place */

	go(reader, items);
	int *grown = realloc(items, 1 << 20);
	gate_open(&moved);
	gate_wait(&read_old);
	free(grown);
	free(barrier);
}
