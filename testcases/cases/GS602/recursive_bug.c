// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS602 unlock-by-other
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// OBJECT: mu
// FUNCTIONS: release
// MATCH: stays with its owner
// FINDINGS: 1
/* A recursive mutex refuses: it stays locked, and nobody looks at the error. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t mu = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

static void *release(void *arg)
{
	pthread_mutex_unlock(&mu);
	return arg;
}

int main(void)
{
	pthread_t t;

	pthread_mutex_lock(&mu);
	pthread_create(&t, NULL, release, NULL);
	pthread_join(t, NULL);
}
