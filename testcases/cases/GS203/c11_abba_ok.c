// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* The same with one order. */
#define GATE_THREADS
#include "../../gate.h"

#include <threads.h>

static mtx_t a, b;
static volatile int first_done;

static void nest(mtx_t *outer, mtx_t *inner)
{
	mtx_lock(outer);
	mtx_lock(inner);
	mtx_unlock(inner);
	mtx_unlock(outer);
}

static int first(void *arg)
{
	(void)arg;
	nest(&a, &b);
	gate_open(&first_done);
	return 0;
}

static int second(void *arg)
{
	(void)arg;
	gate_wait(&first_done);
	nest(&a, &b);
	return 0;
}

int main(void)
{
	thrd_t t[2];

	mtx_init(&a, mtx_plain);
	mtx_init(&b, mtx_plain);
	thrd_create(&t[0], first, NULL);
	thrd_create(&t[1], second, NULL);
	thrd_join(t[0], NULL);
	thrd_join(t[1], NULL);
	mtx_destroy(&a);
	mtx_destroy(&b);
}
