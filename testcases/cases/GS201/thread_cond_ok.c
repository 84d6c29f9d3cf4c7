// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* A broadcast wakes both. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int waiting, done;

static void *worker(void *arg)
{
	pthread_mutex_lock(&mu);
	waiting++;
	while (!done)
		pthread_cond_wait(&changed, &mu);
	pthread_mutex_unlock(&mu);
	return arg;
}

int main(void)
{
	pthread_t t[2];
	int n = 0;

	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, worker, NULL);
	while (n < 2) {
		pthread_mutex_lock(&mu);
		n = waiting;
		pthread_mutex_unlock(&mu);
		gate_pause(0);
	}
	pthread_mutex_lock(&mu);
	done = 1;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mu);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
}
