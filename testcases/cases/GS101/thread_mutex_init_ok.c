// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
/* The mutex is initialised before the thread is created; the gate changes nothing. */
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

	pthread_mutex_init(&mu, NULL);
	pthread_create(&t, NULL, worker, NULL);
	gate_open(&ready);
	pthread_join(t, NULL);
	return pthread_mutex_destroy(&mu);
}
