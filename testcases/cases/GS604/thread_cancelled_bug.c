// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS604 exit-holding-lock
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: proved
// OBJECT: mu
// FUNCTIONS: worker
// FINDINGS: 1
/* A thread is cancelled while it holds a mutex and has no cleanup handler. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
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
	pthread_cancel(t);
	pthread_join(t, NULL);
}
