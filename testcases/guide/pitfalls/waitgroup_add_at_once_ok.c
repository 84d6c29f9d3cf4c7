// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The second right form: Add for all of them at once, before the first go statement. */
#include <goroutine.h>

static void work(go_waitgroup *wg)
{
	go_defer(go_waitgroup_done, wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 10);
	for (int i = 0; i < 10; i++)
		go(work, &wg);
	go_waitgroup_wait(&wg);
}
