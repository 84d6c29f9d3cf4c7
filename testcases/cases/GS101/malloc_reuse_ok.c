// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A block freed by one goroutine and given to another by malloc is a new object. The gate orders them so
 * that the second very likely gets the first's block. */
#include "../../gate.h"

#include <stdlib.h>
#include <string.h>

static volatile int turn[64];

static void use_heap(int i, go_waitgroup *wg)
{
	if (i > 0)
		gate_wait(&turn[i - 1]);
	char *block = malloc(100);
	memset(block, i, 100);
	free(block);
	gate_open(&turn[i]);
	go_waitgroup_done(wg);
}

int main(void)
{
	static go_waitgroup wg;

	go_waitgroup_add(&wg, 64);
	for (int i = 0; i < 64; i++)
		go(use_heap, i, &wg);
	go_waitgroup_wait(&wg);
}
