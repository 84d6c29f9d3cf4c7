// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXPECT-OUTPUT: ordered
// | answer 42
/* Proper synchronisation instead of the sleep: wait for the goroutine itself. */
#include <goroutine.h>
#include <stdio.h>

static int answer;

static void compute(void)
{
	answer = 42;
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_go(&wg, compute);
	go_waitgroup_wait(&wg);
	printf("answer %d\n", answer);
}
