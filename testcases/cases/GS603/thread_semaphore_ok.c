// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* It is posted and the thread joined first. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>
#include <semaphore.h>

static sem_t ready;
static volatile int tid;

static void *waiter(void *arg)
{
	gate_here(&tid);
	sem_wait(&ready);
	return arg;
}

int main(void)
{
	pthread_t t;

	sem_init(&ready, 0, 0);
	pthread_create(&t, NULL, waiter, NULL);
	gate_blocked(&tid, &ready, sizeof ready);
	sem_post(&ready);
	pthread_join(t, NULL);
	sem_destroy(&ready);
}
