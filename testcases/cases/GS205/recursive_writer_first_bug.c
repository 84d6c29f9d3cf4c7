// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS205 recursive-rlock
// OBJECT: rw
/* The same as recursive_bug.c, and the writer comes first. */
#include "../../gate.h"

static go_rwmutex rw;
static int value;
static volatile int written;

static void reader(go_waitgroup *wg)
{
	gate_wait(&written);
	go_rwmutex_rlock(&rw);
	go_rwmutex_rlock(&rw);
	go_rwmutex_runlock(&rw);
	go_rwmutex_runlock(&rw);
	go_waitgroup_done(wg);
}

static void writer(go_waitgroup *wg)
{
	go_rwmutex_lock(&rw);
	value++;
	go_rwmutex_unlock(&rw);
	gate_open(&written);
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
