// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS201 deadlock
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// OPTIONS: --timeout=1
// FINDINGS: 1
// OBJECT: mu
// FUNCTIONS: main
/* A child inherits a mutex that another thread of its parent holds: in the child, nobody will give it back. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static volatile int held, forked;

static void *worker(void *arg)
{
	pthread_mutex_lock(&mu);
	gate_open(&held);
	gate_wait(&forked);
	pthread_mutex_unlock(&mu);
	return arg;
}

int main(void)
{
	pthread_t t;
	pid_t child;

	pthread_create(&t, NULL, worker, NULL);
	gate_wait(&held);
	child = fork();
	if (child == 0) {
		pthread_mutex_lock(&mu);
		pthread_mutex_unlock(&mu);
		exit(0);
	}
	gate_open(&forked);
	pthread_join(t, NULL);
	waitpid(child, NULL, 0);
}
