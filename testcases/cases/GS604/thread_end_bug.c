// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS604 exit-holding-lock
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: proved
// OBJECT: mu
// FUNCTIONS: worker
// FINDINGS: 1
/* A thread leaves with a mutex locked; nobody will ever get it. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;

static void *worker(void *arg)
{
	pthread_mutex_lock(&mu);
	if (!arg)
		pthread_exit(NULL); /* forgets the unlock */
	pthread_mutex_unlock(&mu);
	return arg;
}

int main(void)
{
	pthread_t t;

	pthread_create(&t, NULL, worker, NULL);
	pthread_join(t, NULL);
}
