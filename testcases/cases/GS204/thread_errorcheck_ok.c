// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* An error-checking mutex refuses, and the program looks at what it was told. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t mu = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;

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
	return rc == 35 /* EDEADLK */ ? 0 : 1;
}
