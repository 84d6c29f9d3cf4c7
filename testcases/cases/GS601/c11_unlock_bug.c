// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS601 unlock-of-unlocked
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: proved
// OBJECT: mu
// FUNCTIONS: main
// FINDINGS: 1
/* A mutex of C11 is unlocked twice. */
#include <threads.h>

static mtx_t mu;

int main(void)
{
	mtx_init(&mu, mtx_plain);
	mtx_lock(&mu);
	mtx_unlock(&mu);
	mtx_unlock(&mu);
}
