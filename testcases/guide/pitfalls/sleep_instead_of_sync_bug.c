// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: answer
/* Sleeping until the goroutine "must" be done: the result is usually there, and nothing orders it. */
#include <goroutine.h>
#include <stdio.h>

static int answer;

static void compute(void)
{
	answer = 42;
}

int main(void)
{
	go(compute);
	go_sleep(200 * GO_MS);
	printf("answer %d\n", answer);
}
