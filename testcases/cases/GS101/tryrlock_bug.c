// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: hits
// MATCH: rlock rw[\s\S]*both hold rw, but for reading only
/* A counter is written under a read lock, which others may hold, too. */
#include <goroutine.h>

static go_rwmutex rw;
static int hits;

static void count(go_waitgroup *wg)
{
	if (go_rwmutex_tryrlock(&rw)) {
		hits++;
		go_rwmutex_runlock(&rw);
	}
	go_waitgroup_done(wg);
}

int main(void)
{
	static go_waitgroup wg;

	go_waitgroup_add(&wg, 2);
	go(count, &wg);
	go(count, &wg);
	go_waitgroup_wait(&wg);
}
