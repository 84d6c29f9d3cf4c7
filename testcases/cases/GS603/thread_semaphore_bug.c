// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS603 destroy-in-use
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: proved
// OBJECT: ready
// FUNCTIONS: waiter main
// FINDINGS: 1
/* A semaphore is destroyed while a thread waits for it. */
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
	sem_destroy(&ready);
}
