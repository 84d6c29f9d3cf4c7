// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS603 destroy-in-use
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: proved
// FUNCTIONS: worker main
// MATCH: freed while it is held
// FINDINGS: 1
/* A block is freed while a thread holds the mutex in it. The program ends there, so that nothing else goes wrong. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>
#include <stdlib.h>

struct job {
	pthread_mutex_t mu;
};
static pthread_mutex_t books = PTHREAD_MUTEX_INITIALIZER;
static volatile int locked, over;

static void *worker(void *arg)
{
	struct job *job = arg;

	pthread_mutex_lock(&job->mu);
	pthread_mutex_lock(&books);
	pthread_mutex_unlock(&books);
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
	free(job);
	_exit(0);
}
