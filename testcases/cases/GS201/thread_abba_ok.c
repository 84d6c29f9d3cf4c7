// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* Two threads take two mutexes in the same order. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static volatile int has_first[2];

static void transfer(int me, pthread_mutex_t *from, pthread_mutex_t *to)
{
	pthread_mutex_lock(from);
	gate_open(&has_first[me]);
	pthread_mutex_lock(to);
	pthread_mutex_unlock(to);
	pthread_mutex_unlock(from);
}

static void *other(void *arg)
{
	transfer(1, &a, &b);
	return arg;
}

int main(void)
{
	pthread_t t;

	pthread_create(&t, NULL, other, NULL);
	transfer(0, &a, &b);
	pthread_join(t, NULL);
}
