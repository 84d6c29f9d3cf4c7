// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS203 lock-order
/* A reader of x takes the mutex, the holder of the mutex writes x. */
#include "../../gate.h"

static go_rwmutex x;
static go_mutex mu;
static volatile int first_done;

static void reader(go_waitgroup *wg)
{
	go_rwmutex_rlock(&x);
	go_mutex_lock(&mu);
	go_mutex_unlock(&mu);
	go_rwmutex_runlock(&x);
	gate_open(&first_done);
	go_waitgroup_done(wg);
}

static void writer(go_waitgroup *wg)
{
	gate_wait(&first_done);
	go_mutex_lock(&mu);
	go_rwmutex_lock(&x);
	go_rwmutex_unlock(&x);
	go_mutex_unlock(&mu);
	go_waitgroup_done(wg);
}

int main(void)
{
	static go_waitgroup wg;

	go_waitgroup_add(&wg, 2);
	go(reader, &wg);
	go(writer, &wg);
	go_waitgroup_wait(&wg);
}
