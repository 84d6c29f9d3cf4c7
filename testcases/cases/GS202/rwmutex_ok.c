// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Two read locks at once are no conflict: nobody waits. */
#include "../../gate.h"

static go_rwmutex x, y;
static volatile int has[2];

static void look(int me, go_rwmutex *mine, go_rwmutex *other, go_waitgroup *wg)
{
	go_rwmutex_rlock(mine);
	gate_open(&has[me]);
	gate_wait(&has[!me]);
	go_rwmutex_rlock(other);
	go_rwmutex_runlock(other);
	go_rwmutex_runlock(mine);
	go_waitgroup_done(wg);
}

int main(void)
{
	static go_waitgroup wg;

	go_waitgroup_add(&wg, 2);
	go(look, 0, &x, &y, &wg);
	go(look, 1, &y, &x, &wg);
	go_waitgroup_wait(&wg);
}
