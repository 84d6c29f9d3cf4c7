// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* The second thread waits until the first one says that it is done: in no schedule do they meet. */
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

static void *first(void *arg)
{
	gate_blocked(&waiter, &changed, sizeof changed);
	a_then_b();
	pthread_mutex_lock(&mu);
	done = 1;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&mu);
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
