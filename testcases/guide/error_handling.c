// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXPECT-OUTPUT: unordered
// | Error: error processing job 0
// | Error: error processing job 3
// | Error: error processing job 6
// | Error: error processing job 9
// | Result: 1
// | Result: 4
// | Result: 16
// | Result: 25
// | Result: 49
// | Result: 64
/* Error handling: results and errors travel over one channel of structs. */
#include "guide.h"

struct result {
	int value;
	char err[40]; /* "" when there is none */
};

static void worker(go_chan(int) jobs, go_chan(struct result) results, go_waitgroup *wg)
{
	go_defer(go_waitgroup_done, wg);
	go_range(j, jobs) {
		struct result r = {0};

		if (j % 3 == 0) { /* simulate some errors */
			snprintf(r.err, sizeof r.err, "error processing job %d", j);
		} else {
			go_sleep(GUIDE_MS(100));
			r.value = j * j;
		}
		go_send(results, r);
	}
}

static void close_results(go_waitgroup *wg, go_chan(struct result) results)
{
	go_waitgroup_wait(wg);
	go_close(results);
}

int main(void)
{
	go_chan(int) jobs = go_make(int, 10);
	go_chan(struct result) results = go_make(struct result, 10);
	go_waitgroup wg = {0};

	for (int i = 0; i < 3; i++) {
		go_waitgroup_add(&wg, 1);
		go(worker, jobs, results, &wg);
	}
	for (int j = 0; j < 10; j++)
		go_send(jobs, j);
	go_close(jobs);
	go(close_results, &wg, results);

	go_range(r, results) {
		if (r.err[0])
			printf("Error: %s\n", r.err);
		else
			printf("Result: %d\n", r.value);
	}
}
