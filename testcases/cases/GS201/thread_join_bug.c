// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS201 deadlock
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: proved
// OBJECT: mu
// FUNCTIONS: worker main
// FINDINGS: 1
// MATCH: waits for the end of thread
// OPTIONS: --timeout=1
/* Main joins a thread while it holds a mutex that the thread needs to come to its end. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static volatile int started, locked;

static void *worker(void *arg)
{
	gate_open(&started);
	gate_wait(&locked);
	pthread_mutex_lock(&mu);
	pthread_mutex_unlock(&mu);
	return arg;
}

int main(void)
{
	pthread_t t;

	pthread_create(&t, NULL, worker, NULL);
	gate_wait(&started);
	pthread_mutex_lock(&mu);
	gate_open(&locked);
	pthread_join(t, NULL);
	pthread_mutex_unlock(&mu);
}
