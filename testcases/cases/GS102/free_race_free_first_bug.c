// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS102 free-race
// OBJECT-KIND: heap
// FUNCTIONS: worker main
/* The same pair as free_race_bug.c; the gate lets the free come first. */
#include "../../gate.h"

#include <stdlib.h>

static volatile int worked, freed;

static void worker(volatile int *block)
{
	gate_wait(&freed);
	(void)block[3];
	gate_open(&worked);
}

int main(void)
{
	int *block = calloc(16, sizeof *block);

	go(worker, block);
	free(block);
	gate_open(&freed);
	gate_wait(&worked);
}
