// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS203 lock-order
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: possible
// FUNCTIONS: first second
// FINDINGS: 1
/* Both orders of two read-write locks, for writing. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_rwlock_t a = PTHREAD_RWLOCK_INITIALIZER, b = PTHREAD_RWLOCK_INITIALIZER;
static volatile int first_done;

static void *first(void *arg)
{
	pthread_rwlock_wrlock(&a);
	pthread_rwlock_wrlock(&b);
	pthread_rwlock_unlock(&b);
	pthread_rwlock_unlock(&a);
	gate_open(&first_done);
	return arg;
}

static void *second(void *arg)
{
	gate_wait(&first_done);
	pthread_rwlock_wrlock(&b);
	pthread_rwlock_wrlock(&a);
	pthread_rwlock_unlock(&a);
	pthread_rwlock_unlock(&b);
	return arg;
}

int main(void)
{
	pthread_t t[2];

	pthread_create(&t[0], NULL, first, NULL);
	pthread_create(&t[1], NULL, second, NULL);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
}
