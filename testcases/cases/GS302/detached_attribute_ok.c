// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* It was created detached. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static volatile int tid;

static void *work(void *arg)
{
	gate_here(&tid);
	return arg;
}

int main(void)
{
	pthread_t t;
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_create(&t, &attr, work, NULL);
	pthread_attr_destroy(&attr);
	gate_gone(&tid);
}
