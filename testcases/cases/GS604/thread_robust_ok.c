// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* The next owner of a robust mutex is told that the last one died, and mends what it protects. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>
#include <errno.h>

static pthread_mutex_t mu;

static void *worker(void *arg)
{
	pthread_mutex_lock(&mu);
	return arg;
}

int main(void)
{
	pthread_mutexattr_t attr;
	pthread_t t;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&mu, &attr);
	pthread_create(&t, NULL, worker, NULL);
	pthread_join(t, NULL);
	if (pthread_mutex_lock(&mu) != EOWNERDEAD)
		return 1;
	pthread_mutex_consistent(&mu);
	pthread_mutex_unlock(&mu);
	pthread_mutex_destroy(&mu);
}
