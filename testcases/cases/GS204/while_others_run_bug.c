// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS204 double-lock
// OBJECT: mu
/* A goroutine locks twice and hangs for ever; main goes on and returns. */
#include "../../gate.h"

static go_mutex mu;

static void stuck(void)
{
	go_mutex_lock(&mu);
	go_mutex_lock(&mu);
	go_mutex_unlock(&mu);
}

int main(void)
{
	go(stuck);
	gate_parked("sync.Mutex.Lock", 1);
}
