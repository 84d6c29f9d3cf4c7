// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* Each unlocks what it locked. */
#include <threads.h>

static mtx_t mu;

static int release(void *arg)
{
	mtx_lock(&mu);
	(void)arg;
	mtx_unlock(&mu);
	return 0;
}

int main(void)
{
	thrd_t t;

	mtx_init(&mu, mtx_plain);
	thrd_create(&t, release, NULL);
	thrd_join(t, NULL);
	mtx_destroy(&mu);
}
