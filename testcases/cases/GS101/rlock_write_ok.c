// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Writers under the write lock, readers under the read lock. */
#include <goroutine.h>

static int shared;
static go_rwmutex rw;

static void add(go_waitgroup *wg)
{
	go_rwmutex_lock(&rw);
	shared++;
	go_rwmutex_unlock(&rw);
	go_waitgroup_done(wg);
}

static void look(go_chan(int) out, go_waitgroup *wg)
{
	go_rwmutex_rlock(&rw);
	int seen = shared;
	go_rwmutex_runlock(&rw);
	go_send(out, seen);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_chan(int) out = go_make(int, 8);
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 16);
	for (int i = 0; i < 8; i++) {
		go(add, &wg);
		go(look, out, &wg);
	}
	go_waitgroup_wait(&wg);
	return shared != 8;
}
