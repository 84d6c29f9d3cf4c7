// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS301 goroutine-leak
// FINDINGS: 1
// COUNT: 2
// GRADE: likely
// MATCH: only main\s+is not blocked[\s\S]*go_cond_broadcast
/* The condition becomes true for three waiters, and one is woken. */
#include "../../gate.h"

static go_mutex mu;
static go_cond ready_cond;
static bool ready;
static volatile int woken;

static void waiter(void)
{
	go_mutex_lock(&mu);
	while (!ready)
		go_cond_wait(&ready_cond);
	go_mutex_unlock(&mu);
	gate_open(&woken);
}

int main(void)
{
	ready_cond = GO_COND(&mu);
	for (int i = 0; i < 3; i++)
		go(waiter);
	gate_parked("sync.Cond.Wait", 3);
	go_mutex_lock(&mu);
	ready = true;
	go_cond_signal(&ready_cond); /* should have been a broadcast */
	go_mutex_unlock(&mu);
	gate_wait(&woken);
}
