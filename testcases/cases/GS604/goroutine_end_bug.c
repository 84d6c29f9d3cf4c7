// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS604 exit-holding-lock
// OBJECT: mu
// FUNCTIONS: worker
/* An early return leaves the mutex locked; nobody ever unlocks it. */
#include <goroutine.h>

static go_mutex mu;

static void worker(int n, go_chan(int) done)
{
	go_mutex_lock(&mu);
	go_send(done, n);
	if (n == 0)
		return; /* forgets the unlock */
	go_mutex_unlock(&mu);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);
	go_waitgroup wg = {0};

	go_waitgroup_go(&wg, worker, 0, done);
	go_recv(done);
	go_waitgroup_wait(&wg);
}
