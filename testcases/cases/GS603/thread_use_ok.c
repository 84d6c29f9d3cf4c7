// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
/* A mutex is destroyed and initialised again, and then used. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t mu;
static volatile int ready;

static void *worker(void *arg)
{
	gate_wait(&ready);
	if (pthread_mutex_lock(&mu) != 0 || pthread_mutex_unlock(&mu) != 0)
		_exit(3);
	return arg;
}

int main(void)
{
	pthread_t t;

	pthread_mutex_init(&mu, NULL);
	pthread_mutex_destroy(&mu);
	pthread_mutex_init(&mu, NULL);
	pthread_create(&t, NULL, worker, NULL);
	gate_open(&ready);
	return pthread_join(t, NULL);
}
