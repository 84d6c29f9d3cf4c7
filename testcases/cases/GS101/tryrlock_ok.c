// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The counter is written under the write lock; when that is taken, it is left alone. */
#include <goroutine.h>

static go_rwmutex rw;
static int hits;

static void count(go_waitgroup *wg)
{
	if (go_rwmutex_trylock(&rw)) {
		hits++;
		go_rwmutex_unlock(&rw);
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
