// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS301 goroutine-leak
// FINDINGS: 1
/* One runs the function of a once, which needs a lock; the other has the lock and waits for the once. */
#include "../../gate.h"

static go_mutex mu;
static go_once once;
static volatile int in_once, locked;

static void set_up(void)
{
	gate_open(&in_once);
	gate_wait(&locked);
	go_mutex_lock(&mu);
	go_mutex_unlock(&mu);
}

static void first(void)
{
	go_once_do(&once, set_up);
}

static void second(void)
{
	gate_wait(&in_once);
	go_mutex_lock(&mu);
	gate_open(&locked);
	go_once_do(&once, set_up);
	go_mutex_unlock(&mu);
}

int main(void)
{
	go(first);
	go(second);
	gate_parked("sync.Mutex.Lock", 1);
	gate_parked("sync.Once.Do", 1);
}
