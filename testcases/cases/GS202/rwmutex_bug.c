// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS202 partial-deadlock
/* A reader of x wants to write y, a reader of y wants to write x. */
#include "../../gate.h"

static go_rwmutex x, y;
static volatile int has[2];

static void upgrade(int me, go_rwmutex *mine, go_rwmutex *other)
{
	go_rwmutex_rlock(mine);
	gate_open(&has[me]);
	gate_wait(&has[!me]);
	go_rwmutex_lock(other);
	go_rwmutex_unlock(other);
	go_rwmutex_runlock(mine);
}

int main(void)
{
	go(upgrade, 0, &x, &y);
	go(upgrade, 1, &y, &x);
	gate_parked("sync.RWMutex.Lock", 2);
}
