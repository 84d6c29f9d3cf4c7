// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS204 double-lock
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: proved
// OBJECT: mu
// FUNCTIONS: helper main
// FINDINGS: 1
// OPTIONS: --timeout=1
/* A function locks a mutex of C11 that its caller holds. */
#include <threads.h>

static mtx_t mu;

static void helper(void)
{
	mtx_lock(&mu);
	mtx_unlock(&mu);
}

int main(void)
{
	mtx_init(&mu, mtx_plain);
	mtx_lock(&mu);
	helper();
	mtx_unlock(&mu);
	mtx_destroy(&mu);
}
