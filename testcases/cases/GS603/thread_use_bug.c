// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS603 destroy-in-use
// RUNTIME: none
// FUNCTIONS: main worker
// FINDINGS: 1
/* A thread locks a mutex that was destroyed. The call fails, and nobody looks. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t mu;
static volatile int destroyed;

static void *worker(void *arg)
{
	gate_wait(&destroyed);
	if (pthread_mutex_lock(&mu) == 0)
		_exit(3);
	return arg;
}

int main(void)
{
	pthread_t t;

	pthread_mutex_init(&mu, NULL);
	pthread_mutex_destroy(&mu);
	pthread_create(&t, NULL, worker, NULL);
	gate_open(&destroyed);
	return pthread_join(t, NULL);
}
