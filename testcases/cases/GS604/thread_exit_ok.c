// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* The program ends while threads hold locks, main among them: the process is over, nobody needs them. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER, other = PTHREAD_MUTEX_INITIALIZER;
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

	pthread_mutex_lock(&other);
	pthread_create(&t, NULL, worker, NULL);
	gate_wait(&locked);
}
