// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A recursive read lock without any writer in the program. */
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

	go_waitgroup_add(&wg, 2);
	go(reader, &wg);
	go(reader, &wg);
	go_waitgroup_wait(&wg);
}
