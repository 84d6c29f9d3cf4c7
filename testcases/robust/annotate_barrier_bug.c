// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: counter
// RUNTIME: none
/* The barrier of ThreadSanitizer's own tests orders threads in time and nothing else. */
#include "annotate.h"

static uint64_t barrier;
static int counter;

static void *worker(void *arg)
{
	for (int round = 0; round < 100; round++) {
		__tsan_testonly_barrier_wait(&barrier);
		if (arg == &counter)
			counter++;
		__tsan_testonly_barrier_wait(&barrier);
		if (arg != &counter)
			counter++;
	}
	return arg;
}

int main(void)
{
	pthread_t t;

	__tsan_testonly_barrier_init(&barrier, 2);
	if (pthread_create(&t, NULL, worker, NULL))
		return 1;
	worker(&counter);
	pthread_join(t, NULL);
	return counter != 200;
}
