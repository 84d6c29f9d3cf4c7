// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A third case tells it to stop. */
#include <goroutine.h>

static void serve(go_chan(int) requests, go_chan(int) updates, go_chan(go_unit) stop, go_waitgroup *wg)
{
	int v;

	while (go_select(GO_RECV(requests, &v), GO_RECV(updates, &v), GO_RECV(stop, NULL)) != 2)
		;
	go_waitgroup_done(wg);
}

int main(void)
{
	go_chan(int) requests = go_make(int, 0), updates = go_make(int, 0);
	go_chan(go_unit) stop = go_make(go_unit, 0);
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 1);
	go(serve, requests, updates, stop, &wg);
	go_send(requests, 1);
	go_send(updates, 2);
	go_close(stop);
	go_waitgroup_wait(&wg);
}
