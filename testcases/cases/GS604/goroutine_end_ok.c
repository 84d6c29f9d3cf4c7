// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* go_defer unlocks on every path, also on go_exit(). */
#include <goroutine.h>

static go_mutex mu;

static void worker(int n)
{
	go_mutex_lock(&mu);
	go_defer(go_mutex_unlock, &mu);
	if (n == 0)
		go_exit();
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_go(&wg, worker, 0);
	go_waitgroup_go(&wg, worker, 1);
	go_waitgroup_wait(&wg);
}
