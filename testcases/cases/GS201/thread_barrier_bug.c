// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS201 deadlock
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: proved
// FUNCTIONS: worker main
// MATCH: 2 of 3
// FINDINGS: 1
// OPTIONS: --timeout=1
/* The barrier was made for three, main included, but main does not come. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_barrier_t all;

static void *worker(void *arg)
{
	pthread_barrier_wait(&all);
	return arg;
}

int main(void)
{
	pthread_t t[2];

	pthread_barrier_init(&all, NULL, 3);
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, worker, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	pthread_barrier_destroy(&all);
}
