// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// RUNTIME: none
// OBJECT-KIND: heap
// FINDINGS: 1
// FUNCTIONS: main worker
// MATCH: previous alloc
/* A block whose pointer is handed over without order: who gets it writes to memory that is none yet, as far as that
 * thread can know. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static int *_Atomic shared;

static void *worker(void *arg)
{
	int *p;

	while (!(p = atomic_load_explicit(&shared, memory_order_relaxed)))
		;
	*p = 1;
	return arg;
}

int main(void)
{
	pthread_t t;
	int *p;

	pthread_create(&t, NULL, worker, NULL);
	p = malloc(sizeof *p);
	atomic_store_explicit(&shared, p, memory_order_relaxed);
	pthread_join(t, NULL);
	free(p);
	return 0;
}
