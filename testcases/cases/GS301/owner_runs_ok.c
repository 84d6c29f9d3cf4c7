// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A goroutine that waits for a lock whose owner is alive and running is no leak. */
#include "../../gate.h"

static go_mutex mu;
static volatile int locked;

static void owner(void)
{
	go_mutex_lock(&mu);
	gate_open(&locked);
	go_sleep(3600 * GO_SEC);
	go_mutex_unlock(&mu);
}

static void waiter(void)
{
	gate_wait(&locked);
	go_mutex_lock(&mu);
	go_mutex_unlock(&mu);
}

int main(void)
{
	go(owner);
	go(waiter);
	gate_parked("sync.Mutex.Lock", 1);
}
