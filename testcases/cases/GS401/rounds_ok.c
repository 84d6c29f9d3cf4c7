// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* One WaitGroup for round after round, each waited for before the next begins. */
#include <goroutine.h>

static void worker(go_waitgroup *wg)
{
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	for (int round = 0; round < 20; round++) {
		go_waitgroup_add(&wg, 5);
		for (int i = 0; i < 5; i++)
			go(worker, &wg);
		go_waitgroup_wait(&wg);
	}
}
