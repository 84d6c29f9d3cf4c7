// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
// PROCS: 1
/* Wait and signal as they should be, with data that the mutex protects. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int done;

static void *waiter(void *arg)
{
	pthread_mutex_lock(&mu);
	while (!done)
		pthread_cond_wait(&changed, &mu);
	pthread_mutex_unlock(&mu);
	return arg;
}

int main(void)
{
	pthread_t t;

	pthread_create(&t, NULL, waiter, NULL);
	pthread_mutex_lock(&mu);
	done = 1;
	pthread_mutex_unlock(&mu);
	pthread_cond_signal(&changed);
	pthread_join(t, NULL);
}
