// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* Two threads of C11 take two mutexes in the same order. */
#define GATE_THREADS
#include "../../gate.h"

#include <threads.h>

static mtx_t a, b;
static volatile int has_first[2];

static int transfer(void *arg)
{
	int me = *(int *)arg;
	mtx_t *from = &a, *to = &b;

	mtx_lock(from);
	gate_open(&has_first[me]);
	mtx_lock(to);
	mtx_unlock(to);
	mtx_unlock(from);
	return 0;
}

int main(void)
{
	int zero = 0, one = 1;
	thrd_t t;

	mtx_init(&a, mtx_plain);
	mtx_init(&b, mtx_plain);
	thrd_create(&t, transfer, &one);
	transfer(&zero);
	thrd_join(t, NULL);
	mtx_destroy(&a);
	mtx_destroy(&b);
}
