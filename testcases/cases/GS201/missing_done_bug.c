// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS201 deadlock
// EXIT: 2
// MATCH: wait
/* One path through the worker forgets Done, and main waits for ever. */
#include <goroutine.h>

static void worker(int id, go_waitgroup *wg)
{
	if (id == 2)
		return; /* no Done */
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 3);
	for (int i = 0; i < 3; i++)
		go(worker, i, &wg);
	go_waitgroup_wait(&wg);
}
