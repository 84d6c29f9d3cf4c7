// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* go_defer runs Done on every path. */
#include <goroutine.h>

static void worker(int id, go_waitgroup *wg)
{
	go_defer(go_waitgroup_done, wg);
	if (id == 2)
		return;
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 3);
	for (int i = 0; i < 3; i++)
		go(worker, i, &wg);
	go_waitgroup_wait(&wg);
}
