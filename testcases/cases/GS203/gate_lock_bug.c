// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS203 lock-order
/* Two different outer locks protect nothing. The channel is not used to order: each runs when the other
 * is done only because of the gate. */
#include "../../gate.h"

static go_mutex outer_1, outer_2, a, b;
static volatile int first_done;

static void both(go_mutex *outer, go_mutex *x, go_mutex *y, volatile int *after, go_waitgroup *wg)
{
	if (after)
		gate_wait(after);
	go_mutex_lock(outer);
	go_mutex_lock(x);
	go_mutex_lock(y);
	go_mutex_unlock(y);
	go_mutex_unlock(x);
	go_mutex_unlock(outer);
	gate_open(&first_done);
	go_waitgroup_done(wg);
}

int main(void)
{
	static go_waitgroup wg;

	go_waitgroup_add(&wg, 2);
	go(both, &outer_1, &a, &b, NULL, &wg);
	go(both, &outer_2, &b, &a, &first_done, &wg);
	go_waitgroup_wait(&wg);
}
