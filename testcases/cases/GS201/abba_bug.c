// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS201 deadlock
// EXIT: 2
// FUNCTIONS: transfer
/* Two goroutines take two locks in opposite orders, and the gates let each get its first one. main waits
 * for both, so nobody is left to run. */
#include "../../gate.h"

static go_mutex a, b;
static volatile int has[2];

static void transfer(int me, go_mutex *from, go_mutex *to, go_waitgroup *wg)
{
	go_mutex_lock(from);
	gate_open(&has[me]);
	gate_wait(&has[!me]);
	go_mutex_lock(to);
	go_mutex_unlock(to);
	go_mutex_unlock(from);
	go_waitgroup_done(wg);
}

int main(void)
{
	static go_waitgroup wg;

	go_waitgroup_add(&wg, 2);
	go(transfer, 0, &a, &b, &wg);
	go(transfer, 1, &b, &a, &wg);
	go_waitgroup_wait(&wg);
}
