// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS201 deadlock
// EXIT: 2
// MATCH: which goroutine [0-9]+ \(writer\)\s+wants to\s+write first
// FUNCTIONS: reader writer
/* Two readers want to read each other's rwmutex, which alone is no conflict; but a writer has queued at each, and a
 * writer that waits holds back new readers. */
#include "../../gate.h"

static go_rwmutex a, b;
static volatile int has[2], queued;

static void reader(int me, go_rwmutex *mine, go_rwmutex *other, go_waitgroup *wg)
{
	go_rwmutex_rlock(mine);
	gate_open(&has[me]);
	gate_wait(&has[!me]);
	gate_wait(&queued);
	go_rwmutex_rlock(other);
	go_rwmutex_runlock(other);
	go_rwmutex_runlock(mine);
	go_waitgroup_done(wg);
}

static void writer(go_rwmutex *rw, go_waitgroup *wg)
{
	go_rwmutex_lock(rw);
	go_rwmutex_unlock(rw);
	go_waitgroup_done(wg);
}

int main(void)
{
	static go_waitgroup wg;

	go_waitgroup_add(&wg, 4);
	go(reader, 0, &a, &b, &wg);
	go(reader, 1, &b, &a, &wg);
	gate_wait(&has[0]);
	gate_wait(&has[1]);
	go(writer, &a, &wg);
	go(writer, &b, &wg);
	gate_parked("sync.RWMutex.Lock", 2);
	gate_open(&queued);
	go_waitgroup_wait(&wg);
}
