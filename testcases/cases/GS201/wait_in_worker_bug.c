// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS201 deadlock
// EXIT: 2
/* Results are collected after the Wait, but the workers can't be done before somebody collects. */
#include <goroutine.h>

static void worker(go_chan(int) results, go_waitgroup *wg)
{
	go_send(results, 1);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_chan(int) results = go_make(int, 0);
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 2);
	go(worker, results, &wg);
	go(worker, results, &wg);
	go_waitgroup_wait(&wg);
	go_recv(results);
	go_recv(results);
}
