// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* main adds, a helper waits: the helper started after all Adds. */
#include <goroutine.h>

static void worker(go_waitgroup *wg)
{
	go_waitgroup_done(wg);
}

static void close_when_done(go_waitgroup *wg, go_chan(go_unit) done)
{
	go_waitgroup_wait(wg);
	go_close(done);
}

int main(void)
{
	go_waitgroup wg = {0};
	go_chan(go_unit) done = go_make(go_unit, 0);

	for (int i = 0; i < 5; i++) {
		go_waitgroup_add(&wg, 1);
		go(worker, &wg);
	}
	go(close_when_done, &wg, done);
	go_recv(done);
}
