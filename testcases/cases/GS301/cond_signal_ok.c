// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The condition becomes true for three waiters, and all are woken. */
#include "../../gate.h"

static go_mutex mu;
static go_cond ready_cond;
static bool ready;

static void waiter(go_waitgroup *wg)
{
	go_mutex_lock(&mu);
	while (!ready)
		go_cond_wait(&ready_cond);
	go_mutex_unlock(&mu);
	go_waitgroup_done(wg);
}

int main(void)
{
	static go_waitgroup wg;

	ready_cond = GO_COND(&mu);
	go_waitgroup_add(&wg, 3);
	for (int i = 0; i < 3; i++)
		go(waiter, &wg);
	gate_parked("sync.Cond.Wait", 3);
	go_mutex_lock(&mu);
	ready = true;
	go_cond_broadcast(&ready_cond);
	go_mutex_unlock(&mu);
	go_waitgroup_wait(&wg);
}
