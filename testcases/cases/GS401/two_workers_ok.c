// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Both are counted by main, before they start. */
#include <goroutine.h>

static void worker(go_waitgroup *wg)
{
	go_waitgroup_done(wg);
}

int main(void)
{
	static go_waitgroup wg;

	go_waitgroup_add(&wg, 1);
	go(worker, &wg);
	go_waitgroup_add(&wg, 1);
	go(worker, &wg);
	go_waitgroup_wait(&wg);
}
