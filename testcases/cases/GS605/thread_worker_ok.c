// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* A worker found its work without having to wait, and waits for more when the program ends. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static int jobs;
static volatile int signalled, tid;

static void *worker(void *arg)
{
	gate_wait(&signalled);
	pthread_mutex_lock(&mu);
	gate_here(&tid);
	for (;;) {
		while (jobs == 0)
			pthread_cond_wait(&more, &mu);
		jobs--;
	}
	return arg;
}

int main(void)
{
	pthread_t t;

	pthread_create(&t, NULL, worker, NULL);
	pthread_mutex_lock(&mu);
	jobs++;
	pthread_cond_signal(&more);
	pthread_mutex_unlock(&mu);
	gate_open(&signalled);
	gate_blocked(&tid, &more, sizeof more);
}
