// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXPECT-OUTPUT: unordered
// ~5 Worker [1-5] starting
// ~5 Worker [1-5] done
// | All workers done
/* WaitGroups: increment the counter before each go statement, pass the WaitGroup by pointer, Done when the
 * worker ends, Wait for all of them. */
#include "guide.h"

static void worker(int id, go_waitgroup *wg)
{
	go_defer(go_waitgroup_done, wg);
	printf("Worker %d starting\n", id);
	go_sleep(GUIDE_MS(1000));
	printf("Worker %d done\n", id);
}

int main(void)
{
	go_waitgroup wg = {0};

	for (int i = 1; i <= 5; i++) {
		go_waitgroup_add(&wg, 1); /* before launching the goroutine */
		go(worker, i, &wg);
	}
	go_waitgroup_wait(&wg);
	printf("All workers done\n");
}
