// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Each Add has its Done. */
#include <goroutine.h>

static void worker(go_waitgroup *wg)
{
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 2);
	go(worker, &wg);
	go_waitgroup_done(&wg);
	go_waitgroup_wait(&wg);
}
