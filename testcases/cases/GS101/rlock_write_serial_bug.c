// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: shared
/* The same, one after the other: the second's read lock is not ordered by the first's read unlock. */
#include "../../gate.h"

static int shared;
static go_rwmutex rw;
static volatile int first_done;

static void first(go_waitgroup *wg)
{
	go_rwmutex_rlock(&rw);
	shared++;
	go_rwmutex_runlock(&rw);
	gate_open(&first_done);
	go_waitgroup_done(wg);
}

static void second(go_waitgroup *wg)
{
	gate_wait(&first_done);
	go_rwmutex_rlock(&rw);
	shared++;
	go_rwmutex_runlock(&rw);
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
