// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS603 destroy-in-use
// FUNCTIONS: reader main
/* main frees an object that a reader still holds locked. */
#include "../../gate.h"

#include <stdlib.h>

struct table {
	go_rwmutex rw;
};
static volatile int reading, freed;

static void reader(struct table *t)
{
	go_rwmutex_rlock(&t->rw);
	gate_open(&reading);
	gate_wait(&freed);
}

int main(void)
{
	struct table *t = calloc(1, sizeof *t);

	go(reader, t);
	gate_wait(&reading);
	free(t);
	gate_open(&freed);
}
