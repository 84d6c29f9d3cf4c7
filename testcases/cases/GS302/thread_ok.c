// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* It is joined. */
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

	pthread_create(&t, NULL, work, NULL);
	pthread_join(t, NULL);
	gate_gone(&tid);
}
