// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS203 lock-order
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: possible
// FUNCTIONS: first second
// FINDINGS: 1
/* A spin lock and a mutex in both orders. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER;
static pthread_spinlock_t b;
static volatile int first_done;

static void *first(void *arg)
{
	pthread_mutex_lock(&a);
	pthread_spin_lock(&b);
	pthread_spin_unlock(&b);
	pthread_mutex_unlock(&a);
	gate_open(&first_done);
	return arg;
}

static void *second(void *arg)
{
	gate_wait(&first_done);
	pthread_spin_lock(&b);
	pthread_mutex_lock(&a);
	pthread_mutex_unlock(&a);
	pthread_spin_unlock(&b);
	return arg;
}

int main(void)
{
	pthread_t t[2];

	pthread_spin_init(&b, PTHREAD_PROCESS_PRIVATE);
	pthread_create(&t[0], NULL, first, NULL);
	pthread_create(&t[1], NULL, second, NULL);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
}
