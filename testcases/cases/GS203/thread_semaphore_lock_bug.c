// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS203 lock-order
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: possible
// FUNCTIONS: first second
// FINDINGS: 1
/* Both use a semaphore as a lock, for something else, and this time one was after the other: that is no order. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>
#include <semaphore.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static sem_t lock;
static volatile int first_done;
static int counter;

static void count(void)
{
	sem_wait(&lock);
	counter++;
	sem_post(&lock);
}

static void *first(void *arg)
{
	pthread_mutex_lock(&a);
	pthread_mutex_lock(&b);
	pthread_mutex_unlock(&b);
	pthread_mutex_unlock(&a);
	count();
	gate_open(&first_done);
	return arg;
}

static void *second(void *arg)
{
	gate_wait(&first_done);
	count();
	pthread_mutex_lock(&b);
	pthread_mutex_lock(&a);
	pthread_mutex_unlock(&a);
	pthread_mutex_unlock(&b);
	return arg;
}

int main(void)
{
	pthread_t t[2];

	sem_init(&lock, 0, 1);
	pthread_create(&t[0], NULL, first, NULL);
	pthread_create(&t[1], NULL, second, NULL);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
}
