// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS204 double-lock
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: proved
// OBJECT: mu
// FUNCTIONS: helper main
// FINDINGS: 1
// OPTIONS: --timeout=1
/* A function locks a mutex that its caller holds. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;

static int helper(void)
{
	int rc = pthread_mutex_lock(&mu);

	if (rc == 0)
		pthread_mutex_unlock(&mu);
	return rc;
}

int main(void)
{
	int rc;

	pthread_mutex_lock(&mu);
	rc = helper();
	pthread_mutex_unlock(&mu);
	return rc;
}
