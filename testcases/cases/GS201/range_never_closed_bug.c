// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS201 deadlock
// EXIT: 2
/* main ranges over results that nobody closes; the workers have all ended. */
#include <goroutine.h>

static void worker(int id, go_chan(int) results)
{
	go_send(results, id);
}

int main(void)
{
	go_chan(int) results = go_make(int, 0);
	int sum = 0;

	for (int i = 0; i < 3; i++)
		go(worker, i, results);
	go_range(r, results) {
		sum += r;
	}
	return sum;
}
