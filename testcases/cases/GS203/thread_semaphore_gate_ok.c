// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* A semaphore with one token is around both orders: it is the gate that keeps them apart. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>
#include <semaphore.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static sem_t lock;
static volatile int first_done;

static void *first(void *arg)
{
	sem_wait(&lock);
	pthread_mutex_lock(&a);
	pthread_mutex_lock(&b);
	pthread_mutex_unlock(&b);
	pthread_mutex_unlock(&a);
	sem_post(&lock);
	gate_open(&first_done);
	return arg;
}

static void *second(void *arg)
{
	gate_wait(&first_done);
	sem_wait(&lock);
	pthread_mutex_lock(&b);
	pthread_mutex_lock(&a);
	pthread_mutex_unlock(&a);
	pthread_mutex_unlock(&b);
	sem_post(&lock);
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
