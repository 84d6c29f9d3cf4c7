// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* It is detached. */
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
	thrd_detach(t);
	gate_gone(&tid);
}
