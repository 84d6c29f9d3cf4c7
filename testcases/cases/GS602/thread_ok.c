// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* A semaphore may be posted by anybody. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>
#include <semaphore.h>

static sem_t ready;

static void *release(void *arg)
{
	sem_post(&ready);
	return arg;
}

int main(void)
{
	pthread_t t;

	sem_init(&ready, 0, 0);
	pthread_create(&t, NULL, release, NULL);
	sem_wait(&ready);
	pthread_join(t, NULL);
	sem_destroy(&ready);
}
