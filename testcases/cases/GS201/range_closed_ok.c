// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A goroutine closes the results when the workers are done. */
#include <goroutine.h>

static void worker(int id, go_chan(int) results, go_waitgroup *wg)
{
	go_send(results, id);
	go_waitgroup_done(wg);
}

static void close_results(go_chan(int) results, go_waitgroup *wg)
{
	go_waitgroup_wait(wg);
	go_close(results);
}

int main(void)
{
	go_chan(int) results = go_make(int, 0);
	go_waitgroup wg = {0};
	int sum = 0;

	go_waitgroup_add(&wg, 3);
	for (int i = 0; i < 3; i++)
		go(worker, i, results, &wg);
	go(close_results, results, &wg);
	go_range(r, results) {
		sum += r;
	}
	return sum != 3;
}
