// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The guide's fix: the counter is up before the goroutine exists. */
#include <goroutine.h>

static void worker(go_waitgroup *wg)
{
	go_defer(go_waitgroup_done, wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	for (int i = 0; i < 10; i++) {
		go_waitgroup_add(&wg, 1);
		go(worker, &wg);
	}
	go_waitgroup_wait(&wg);
}
