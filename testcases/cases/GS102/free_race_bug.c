// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS102 free-race
// OBJECT-KIND: heap
// FUNCTIONS: worker main
/* main frees without waiting; the gate lets the worker's access come first, so that nothing crashes. */
#include "../../gate.h"

#include <stdlib.h>

static volatile int worked, freed;

static void worker(int *block)
{
	block[3] = 1;
	gate_open(&worked);
	gate_wait(&freed);
}

int main(void)
{
	int *block = calloc(16, sizeof *block);

	go(worker, block);
	gate_wait(&worked);
	free(block);
	gate_open(&freed);
}
