// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS602 unlock-by-other
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// OBJECT: mu
// FUNCTIONS: release main
// FINDINGS: 1
/* A mutex of C11 that main locked is unlocked by another thread. */
#include <threads.h>

static mtx_t mu;

static int release(void *arg)
{
	(void)arg;
	mtx_unlock(&mu);
	return 0;
}

int main(void)
{
	thrd_t t;

	mtx_init(&mu, mtx_plain);
	mtx_lock(&mu);
	thrd_create(&t, release, NULL);
	thrd_join(t, NULL);
	mtx_destroy(&mu);
}
