// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS603 destroy-in-use
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: proved
// OBJECT: changed
// FUNCTIONS: waiter main
// FINDINGS: 1
// OPTIONS: --timeout=1
/* A condition is destroyed while a thread waits for it; glibc waits with it. */
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
	pthread_mutex_unlock(&mu);
	pthread_cond_destroy(&changed);
}
