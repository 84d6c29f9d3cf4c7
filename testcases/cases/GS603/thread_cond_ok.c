// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* After a broadcast a condition may be destroyed, though its waiters have not returned yet. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int done;
static volatile int tid;

static void *waiter(void *arg)
{
	pthread_mutex_lock(&mu);
	gate_here(&tid);
	while (!done)
		pthread_cond_wait(&changed, &mu);
	pthread_mutex_unlock(&mu);
	return arg;
}

int main(void)
{
	pthread_t t;

	pthread_create(&t, NULL, waiter, NULL);
	gate_blocked(&tid, &changed, sizeof changed);
	pthread_mutex_lock(&mu);
	done = 1;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mu);
	pthread_cond_destroy(&changed);
	pthread_join(t, NULL);
}
