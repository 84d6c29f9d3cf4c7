// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS203 lock-order
// GRADE: possible
// FUNCTIONS: first second
// FINDINGS: 1
// INSTRUMENT: no
// FLAGS: -O2
/* Without instrumentation and with optimisation, free locks are taken where they stand, unless somebody watches. */
#include "../../gate.h"

static go_mutex a, b;
static volatile int first_done;

static void first(go_waitgroup *wg)
{
	go_mutex_lock(&a);
	go_mutex_lock(&b);
	go_mutex_unlock(&b);
	go_mutex_unlock(&a);
	gate_open(&first_done);
	go_waitgroup_done(wg);
}

static void second(go_waitgroup *wg)
{
	gate_wait(&first_done);
	go_mutex_lock(&b);
	go_mutex_lock(&a);
	go_mutex_unlock(&a);
	go_mutex_unlock(&b);
	go_waitgroup_done(wg);
}

int main(void)
{
	static go_waitgroup wg;

	go_waitgroup_add(&wg, 2);
	go(first, &wg);
	go(second, &wg);
	go_waitgroup_wait(&wg);
}
