// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* main waits for the worker, and then frees. */
#include <goroutine.h>
#include <stdlib.h>

static void worker(int *block, go_waitgroup *wg)
{
	block[3] = 1;
	go_waitgroup_done(wg);
}

int main(void)
{
	int *block = calloc(16, sizeof *block);
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 1);
	go(worker, block, &wg);
	go_waitgroup_wait(&wg);
	free(block);
}
