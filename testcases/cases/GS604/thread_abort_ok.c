// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// EXIT: SIGABRT
// VERDICT: blind
/* Threads that are in the middle of something when the program aborts would have unlocked. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER, own = PTHREAD_MUTEX_INITIALIZER;
static volatile int locked;

static void *worker(void *arg)
{
	pthread_mutex_lock(&mu);
	gate_open(&locked);
	for (;;)
		pause();
	return arg;
}

int main(void)
{
	pthread_t t;

	pthread_create(&t, NULL, worker, NULL);
	gate_wait(&locked);
	pthread_mutex_lock(&own);
	abort();
}
