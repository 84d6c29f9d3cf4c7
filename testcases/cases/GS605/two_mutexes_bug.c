// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS605 cond-misuse
/* Two waiters of one condition variable with two different mutexes: it was set up anew in between. */
#include "../../gate.h"

static go_mutex mu_a, mu_b;
static go_cond c = GO_COND(&mu_a);
static go_chan(int) done;

static void waiter(go_mutex *mu)
{
	go_mutex_lock(mu);
	go_cond_wait(&c);
	go_mutex_unlock(c.go__mu);
	go_send(done, 0);
}

int main(void)
{
	done = go_make(int, 2);
	go(waiter, &mu_a);
	gate_parked("sync.Cond.Wait", 1);
	c.go__mu = &mu_b;
	go(waiter, &mu_b);
	gate_parked("sync.Cond.Wait", 2);
	go_mutex_lock(&mu_b);
	go_cond_broadcast(&c);
	go_mutex_unlock(&mu_b);
	go_recv(done);
	go_recv(done);
}
