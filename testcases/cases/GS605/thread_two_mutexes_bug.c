// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS605 cond-misuse
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: proved
// OBJECT: changed
// FUNCTIONS: waiter wait_a_little
// FINDINGS: 1
/* Two threads wait for one condition with two mutexes at the same time. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int done;
static volatile int tid;

static void *waiter(void *arg)
{
	pthread_mutex_lock(&a);
	gate_here(&tid);
	while (!done)
		pthread_cond_wait(&changed, &a);
	pthread_mutex_unlock(&a);
	return arg;
}

static void finish(void)
{
	pthread_mutex_lock(&a);
	done = 1;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&a);
}

static void wait_a_little(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	pthread_mutex_lock(&b);
	pthread_cond_timedwait(&changed, &b, &now);
	pthread_mutex_unlock(&b);
}

int main(void)
{
	pthread_t t;

	pthread_create(&t, NULL, waiter, NULL);
	gate_blocked(&tid, &changed, sizeof changed);
	wait_a_little();
	finish();
	pthread_join(t, NULL);
}
