// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The only writer is done before the reader starts. */
#include <goroutine.h>

static go_rwmutex rw;

static void reader(go_waitgroup *wg)
{
	go_rwmutex_rlock(&rw);
	go_rwmutex_rlock(&rw);
	go_rwmutex_runlock(&rw);
	go_rwmutex_runlock(&rw);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_rwmutex_lock(&rw);
	go_rwmutex_unlock(&rw);
	go_waitgroup_add(&wg, 1);
	go(reader, &wg);
	go_waitgroup_wait(&wg);
}
