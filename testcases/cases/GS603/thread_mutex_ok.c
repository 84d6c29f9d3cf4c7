// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* It is destroyed after the join. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>
#include <stdlib.h>

struct job {
	pthread_mutex_t mu;
};
static volatile int locked, over;

static void *worker(void *arg)
{
	struct job *job = arg;

	pthread_mutex_lock(&job->mu);
	gate_open(&locked);
	pthread_mutex_unlock(&job->mu);
	return NULL;
}

int main(void)
{
	struct job *job = malloc(sizeof *job);
	pthread_t t;

	pthread_mutex_init(&job->mu, NULL);
	pthread_create(&t, NULL, worker, job);
	gate_wait(&locked);
	pthread_join(t, NULL);
	pthread_mutex_destroy(&job->mu);
	free(job);
}
