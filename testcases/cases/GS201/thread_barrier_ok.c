// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* The barrier was made for those who come. */
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

	pthread_barrier_init(&all, NULL, 2);
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, worker, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	pthread_barrier_destroy(&all);
}
