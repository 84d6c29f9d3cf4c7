// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS302 thread-leak
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// FINDINGS: 1
// COUNT: 10
// GRADE: proved
/* Ten of them from one place are one bug. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static volatile int tid[10];

static void *work(void *arg)
{
	gate_here(arg);
	return NULL;
}

int main(void)
{
	for (int i = 0; i < 10; i++) {
		pthread_t t;

		pthread_create(&t, NULL, work, (void *)&tid[i]);
		gate_gone(&tid[i]);
	}
}
