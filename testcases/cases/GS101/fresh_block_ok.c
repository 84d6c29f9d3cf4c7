// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
/* The pointer is handed over by a release; the block moves and grows in the hands of its new owner. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static int *_Atomic shared, *_Atomic back;

static void *worker(void *arg)
{
	int *p;

	while (!(p = atomic_load_explicit(&shared, memory_order_acquire)))
		;
	*p = 1;
	p = realloc(p, 100000);
	p[1] = 2;
	atomic_store_explicit(&back, p, memory_order_release);
	return arg;
}

int main(void)
{
	pthread_t t;
	int *p;

	pthread_create(&t, NULL, worker, NULL);
	p = malloc(sizeof *p);
	atomic_store_explicit(&shared, p, memory_order_release);
	while (!(p = atomic_load_explicit(&back, memory_order_acquire)))
		;
	p[0]++;
	free(p);
	pthread_join(t, NULL);
	return 0;
}
