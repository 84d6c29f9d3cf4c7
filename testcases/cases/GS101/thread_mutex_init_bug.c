// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// RUNTIME: none
// OBJECT: mu
// FUNCTIONS: main worker
/* A thread uses a mutex whose initialisation nothing puts before it. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t mu;
static volatile int ready;

static void *worker(void *arg)
{
	gate_wait(&ready);
	pthread_mutex_lock(&mu);
	pthread_mutex_unlock(&mu);
	return arg;
}

int main(void)
{
	pthread_t t;

	pthread_create(&t, NULL, worker, NULL);
	pthread_mutex_init(&mu, NULL);
	gate_open(&ready);
	pthread_join(t, NULL);
	return pthread_mutex_destroy(&mu);
}
