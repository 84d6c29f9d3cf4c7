// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS203 lock-order
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: possible
// FUNCTIONS: first second
// FINDINGS: 1
/* Two threads say that something is done. This time it is the one with the locks that wakes the waiter; the other
 * one may be first. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER,
		       mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int done;
static volatile int waiter;

static void a_then_b(void)
{
	pthread_mutex_lock(&a);
	pthread_mutex_lock(&b);
	pthread_mutex_unlock(&b);
	pthread_mutex_unlock(&a);
}

static void say_done(void)
{
	pthread_mutex_lock(&mu);
	done = 1;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mu);
}

static void *first(void *arg)
{
	gate_blocked(&waiter, &changed, sizeof changed);
	a_then_b();
	say_done();
	return arg;
}

static volatile int passed;

static void *third(void *arg)
{
	say_done();
	return arg;
}

static void *second(void *arg)
{
	pthread_mutex_lock(&mu);
	gate_here(&waiter);
	while (!done)
		pthread_cond_wait(&changed, &mu);
	pthread_mutex_unlock(&mu);
	pthread_mutex_lock(&b);
	pthread_mutex_lock(&a);
	pthread_mutex_unlock(&a);
	pthread_mutex_unlock(&b);
	gate_open(&passed);
	return arg;
}

int main(void)
{
	pthread_t t[3];

	pthread_create(&t[0], NULL, first, NULL);
	pthread_create(&t[1], NULL, second, NULL);
	gate_wait(&passed);
	pthread_create(&t[2], NULL, third, NULL);
	pthread_join(t[0], NULL);
	pthread_join(t[2], NULL);
	pthread_join(t[1], NULL);
}
