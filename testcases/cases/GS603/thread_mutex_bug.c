// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS603 destroy-in-use
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: proved
// FUNCTIONS: worker main
// MATCH: destroyed while it is held
// FINDINGS: 1
/* A mutex is destroyed while another thread holds it. */
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
	gate_wait(&over);
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
	pthread_mutex_destroy(&job->mu);
	gate_open(&over);
	pthread_join(t, NULL);
	free(job);
}
