// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS202 partial-deadlock
/* Three philosophers, three forks, each holds one and waits for the next. */
#include "../../gate.h"

static go_mutex fork_[3];
static volatile int has[3];

static void philosopher(int i)
{
	go_mutex_lock(&fork_[i]);
	gate_open(&has[i]);
	for (int k = 0; k < 3; k++)
		gate_wait(&has[k]);
	go_mutex_lock(&fork_[(i + 1) % 3]);
	go_mutex_unlock(&fork_[(i + 1) % 3]);
	go_mutex_unlock(&fork_[i]);
}

int main(void)
{
	for (int i = 0; i < 3; i++)
		go(philosopher, i);
	gate_parked("sync.Mutex.Lock", 3);
}
