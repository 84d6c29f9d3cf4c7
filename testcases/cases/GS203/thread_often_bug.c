// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS203 lock-order
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: possible
// FUNCTIONS: take both first second
// FINDINGS: 1
/* The first thread posts before its section, so the second may meet it there.
 * Both sections are entered so often that the detector keeps notes instead of hearing of each lock. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>
#include <semaphore.h>

#define OFTEN 300

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static sem_t done;
static volatile int first_done;

static __attribute__((noinline)) void take(pthread_mutex_t *m)
{
	pthread_mutex_lock(m);
}

static __attribute__((noinline)) void give(pthread_mutex_t *m)
{
	pthread_mutex_unlock(m);
}

static __attribute__((noinline)) void both(pthread_mutex_t *outer, pthread_mutex_t *inner)
{
	take(outer);
	take(inner);
	give(inner);
	give(outer);
}

static void *first(void *arg)
{
	for (int i = 0; i < OFTEN; i++) {
		take(&a);
		give(&a);
		sem_post(&done);
		sem_wait(&done);
	}
	sem_post(&done);
	for (int i = 0; i < OFTEN; i++)
		both(&a, &b);
	gate_open(&first_done);
	return arg;
}

static void *second(void *arg)
{
	gate_wait(&first_done);
	sem_wait(&done);
	for (int i = 0; i < OFTEN; i++)
		both(&b, &a);
	return arg;
}

int main(void)
{
	pthread_t t[2];

	sem_init(&done, 0, 0);
	pthread_create(&t[0], NULL, first, NULL);
	pthread_create(&t[1], NULL, second, NULL);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
}
