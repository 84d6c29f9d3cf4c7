// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* The consumer is woken in any case. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>
#include <semaphore.h>

static sem_t ready;
static int items;

static void *consumer(void *arg)
{
	sem_wait(&ready);
	return arg;
}

int main(void)
{
	pthread_t t;

	sem_init(&ready, 0, 0);
	pthread_create(&t, NULL, consumer, NULL);
	if (items == 0)
		sem_post(&ready);
	pthread_join(t, NULL);
	sem_destroy(&ready);
}
