// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS602 unlock-by-other
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: proved
// OBJECT: mu
// FUNCTIONS: release main
// FINDINGS: 1
/* A mutex that main locked is unlocked by another thread. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;

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
