// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// RUNTIME: none
// OBJECT: hits
// FINDINGS: 1
// FUNCTIONS: main worker
/* main returns at once and joins nobody: that the thread often has not begun by then must not hide the race. */
#include <pthread.h>

static int hits;

static void *worker(void *arg)
{
	hits++;
	return arg;
}

int main(void)
{
	pthread_t t;

	pthread_create(&t, NULL, worker, NULL);
	pthread_detach(t);
	hits++;
	return 0;
}
