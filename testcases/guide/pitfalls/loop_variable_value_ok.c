// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXPECT-OUTPUT: unordered
// ~10 \d
/* The guide's first solution: the loop variable is an argument, each goroutine has its own copy. */
#include <goroutine.h>
#include <stdio.h>

static void print(int val, go_waitgroup *wg)
{
	printf("%d\n", val); /* prints 0 to 9 */
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	for (int i = 0; i < 10; i++) {
		go_waitgroup_add(&wg, 1);
		go(print, i, &wg);
	}
	go_waitgroup_wait(&wg);
}
