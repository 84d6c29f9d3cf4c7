// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A worker that is still counted adds for the sub-work that it starts: the counter can't be zero then. */
#include <goroutine.h>

static void walk(int depth, go_waitgroup *wg)
{
	go_defer(go_waitgroup_done, wg);
	if (depth == 0)
		return;
	for (int i = 0; i < 2; i++) {
		go_waitgroup_add(wg, 1);
		go(walk, depth - 1, wg);
	}
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 1);
	go(walk, 5, &wg);
	go_waitgroup_wait(&wg);
}
