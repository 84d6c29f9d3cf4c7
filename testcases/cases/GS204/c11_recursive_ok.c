// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* The same with a recursive mutex. */
#include <threads.h>

static mtx_t mu;

static void helper(void)
{
	mtx_lock(&mu);
	mtx_unlock(&mu);
}

int main(void)
{
	mtx_init(&mu, mtx_plain | mtx_recursive);
	mtx_lock(&mu);
	helper();
	mtx_unlock(&mu);
	mtx_destroy(&mu);
}
