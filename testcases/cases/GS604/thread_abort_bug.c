// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS604 exit-holding-lock
// INSTRUMENT: no
// RUNTIME: none
// EXIT: SIGABRT
// OBJECT: mu
// FINDINGS: 1
/* A thread has ended with a mutex locked before the program aborts: nobody else could have unlocked it any more. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER, own = PTHREAD_MUTEX_INITIALIZER;

static void *worker(void *arg)
{
	pthread_mutex_lock(&mu);
	return arg;
}

int main(void)
{
	pthread_t t;

	pthread_create(&t, NULL, worker, NULL);
	pthread_join(t, NULL);
	pthread_mutex_lock(&own);
	abort();
}
