// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS604 exit-holding-lock
// OBJECT: mu
// EXIT: 2
// FINDINGS: 1
/* A goroutine ended with the lock held, and now main waits for it: the cause is the end, not the wait. */
#include <goroutine.h>

static go_mutex mu;

static void worker(void)
{
	go_mutex_lock(&mu);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_go(&wg, worker);
	go_waitgroup_wait(&wg);
	go_mutex_lock(&mu);
}
