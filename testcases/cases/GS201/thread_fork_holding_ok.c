// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* The thread that forks holds the mutex itself, so its child can give it back. Another one, which the child does not
 * touch, is held by another thread. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER, other = PTHREAD_MUTEX_INITIALIZER;
static volatile int held, forked;

static void *worker(void *arg)
{
	pthread_mutex_lock(&other);
	gate_open(&held);
	gate_wait(&forked);
	pthread_mutex_unlock(&other);
	return arg;
}

int main(void)
{
	pthread_t t;
	pid_t child;

	pthread_create(&t, NULL, worker, NULL);
	gate_wait(&held);
	pthread_mutex_lock(&mu);
	child = fork();
	pthread_mutex_unlock(&mu);
	if (child == 0)
		exit(0);
	gate_open(&forked);
	pthread_join(t, NULL);
	waitpid(child, NULL, 0);
}
