// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS302 thread-leak
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: proved
// FINDINGS: 1
/* A thread of C11 that nobody joined. */
#define GATE_THREADS
#include "../../gate.h"

#include <threads.h>

static volatile int tid;

static int work(void *arg)
{
	(void)arg;
	gate_here(&tid);
	return 0;
}

int main(void)
{
	thrd_t t;

	thrd_create(&t, work, NULL);
	gate_gone(&tid);
}
