// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The results fit into the buffer. */
#include <goroutine.h>

static void worker(go_chan(int) results, go_waitgroup *wg)
{
	go_send(results, 1);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_chan(int) results = go_make(int, 2);
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 2);
	go(worker, results, &wg);
	go(worker, results, &wg);
	go_waitgroup_wait(&wg);
	return go_recv(results) + go_recv(results) != 2;
}
