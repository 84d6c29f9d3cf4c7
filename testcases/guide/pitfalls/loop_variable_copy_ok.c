// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXPECT-OUTPUT: unordered
// ~10 \d
/* The guide's second solution, a new variable per iteration: in C it must live on after the iteration. */
#include <goroutine.h>
#include <stdio.h>
#include <stdlib.h>

static void print(int *i, go_waitgroup *wg)
{
	printf("%d\n", *i);
	free(i);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	for (int i = 0; i < 10; i++) {
		int *copy = malloc(sizeof *copy);
		if (!copy)
			return 1;
		*copy = i;
		go_waitgroup_add(&wg, 1);
		go(print, copy, &wg);
	}
	go_waitgroup_wait(&wg);
}
