// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The writers come when the readers are done. */
#include "../../gate.h"

static go_rwmutex a, b;
static volatile int has[2];

static void reader(int me, go_rwmutex *mine, go_rwmutex *other, go_waitgroup *wg)
{
	go_rwmutex_rlock(mine);
	gate_open(&has[me]);
	gate_wait(&has[!me]);
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

	go_waitgroup_add(&wg, 2);
	go(reader, 0, &a, &b, &wg);
	go(reader, 1, &b, &a, &wg);
	go_waitgroup_wait(&wg);
	go_waitgroup_add(&wg, 2);
	go(writer, &a, &wg);
	go(writer, &b, &wg);
	go_waitgroup_wait(&wg);
}
