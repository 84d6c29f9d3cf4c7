// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// FLAGS: -O2
/* The second takes one lock after the other: an unlock that nobody saw would make it hold both. */
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
	go_mutex_unlock(&b);
	go_mutex_lock(&a);
	go_mutex_unlock(&a);
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
