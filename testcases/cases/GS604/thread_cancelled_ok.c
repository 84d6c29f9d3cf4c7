// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* A cleanup handler unlocks. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static volatile int locked;

static void unlock(void *arg)
{
	pthread_mutex_unlock(arg);
}

static void *worker(void *arg)
{
	pthread_mutex_lock(&mu);
	pthread_cleanup_push(unlock, &mu);
	gate_open(&locked);
	for (;;)
		pause();
	pthread_cleanup_pop(1);
	return arg;
}

int main(void)
{
	pthread_t t;

	pthread_create(&t, NULL, worker, NULL);
	gate_wait(&locked);
	pthread_cancel(t);
	pthread_join(t, NULL);
}
