// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXPECT-OUTPUT: unordered
// ~100 Worker [1-5] processing job \d+
// | Sum of results: 10100
/* Worker pool: five workers process a hundred jobs from a shared channel. */
#include "guide.h"

enum { JOBS = 100, WORKERS = 5 };

static void worker(int id, go_chan(int) jobs, go_chan(int) results)
{
	go_range(j, jobs) {
		printf("Worker %d processing job %d\n", id, j);
		go_sleep(GUIDE_MS(100)); /* simulate work */
		go_send(results, j * 2);
	}
}

int main(void)
{
	go_chan(int) jobs = go_make(int, JOBS);
	go_chan(int) results = go_make(int, JOBS);
	int sum = 0;

	for (int w = 1; w <= WORKERS; w++)
		go(worker, w, jobs, results);
	for (int j = 1; j <= JOBS; j++)
		go_send(jobs, j);
	go_close(jobs);
	for (int a = 1; a <= JOBS; a++)
		sum += go_recv(results);
	printf("Sum of results: %d\n", sum);
}
