// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Opposite orders of read locks don't block each other. */
#include <goroutine.h>

static go_rwmutex x, y;

static void look(go_rwmutex *first, go_rwmutex *second, go_waitgroup *wg)
{
	go_rwmutex_rlock(first);
	go_rwmutex_rlock(second);
	go_rwmutex_runlock(second);
	go_rwmutex_runlock(first);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 2);
	go(look, &x, &y, &wg);
	go(look, &y, &x, &wg);
	go_waitgroup_wait(&wg);
}
