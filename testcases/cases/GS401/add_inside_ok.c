// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* main adds before each go statement. */
#include <goroutine.h>

static void worker(int id, go_waitgroup *wg)
{
	(void)id;
	go_waitgroup_done(wg);
}

int main(void)
{
	static go_waitgroup wg;

	for (int id = 0; id < 3; id++) {
		go_waitgroup_add(&wg, 1);
		go(worker, id, &wg);
	}
	go_waitgroup_wait(&wg);
}
