// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS605 cond-misuse
// FUNCTIONS: waiter
/* The same in a goroutine that main does not wait for. */
#include "../../gate.h"

static go_mutex mu;
static go_cond c = GO_COND(&mu);
static volatile int signalled;

static void waiter(void)
{
	gate_wait(&signalled);
	go_mutex_lock(&mu);
	go_cond_wait(&c);
	go_mutex_unlock(&mu);
}

int main(void)
{
	go(waiter);
	go_cond_signal(&c);
	gate_open(&signalled);
	gate_parked("sync.Cond.Wait", 1);
}
