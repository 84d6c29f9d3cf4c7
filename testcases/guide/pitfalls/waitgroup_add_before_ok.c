// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The guide's solution: Add in the parent, before each go statement. */
#include <goroutine.h>

static void work(go_waitgroup *wg)
{
	go_defer(go_waitgroup_done, wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	for (int i = 0; i < 10; i++) {
		go_waitgroup_add(&wg, 1);
		go(work, &wg);
	}
	go_waitgroup_wait(&wg);
}
