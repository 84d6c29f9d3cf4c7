// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: shared
/* Two goroutines write under a read lock: read locks don't exclude each other. The gates keep both locks
 * held at once. */
#include "../../gate.h"

static int shared;
static go_rwmutex rw;
static volatile int in[2];

static void add(int me, go_waitgroup *wg)
{
	go_rwmutex_rlock(&rw);
	gate_open(&in[me]);
	gate_wait(&in[!me]);
	shared++;
	go_rwmutex_runlock(&rw);
	go_waitgroup_done(wg);
}

int main(void)
{
	static go_waitgroup wg;

	go_waitgroup_add(&wg, 2);
	go(add, 0, &wg);
	go(add, 1, &wg);
	go_waitgroup_wait(&wg);
}
