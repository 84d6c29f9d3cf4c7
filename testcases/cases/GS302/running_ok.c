// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* A background thread that waits for work when the program is over is no leak. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static volatile int tid;

static void *background(void *arg)
{
	pthread_mutex_lock(&mu);
	gate_here(&tid);
	for (;;)
		pthread_cond_wait(&more, &mu);
	return arg;
}

int main(void)
{
	pthread_t t;

	pthread_create(&t, NULL, background, NULL);
	gate_blocked(&tid, &more, sizeof more);
}
