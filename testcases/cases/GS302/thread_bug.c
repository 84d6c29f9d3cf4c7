// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS302 thread-leak
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: proved
// FUNCTIONS: main
// FINDINGS: 1
/* A thread ended, and nobody joined or detached it. */
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
	gate_gone(&tid);
}
