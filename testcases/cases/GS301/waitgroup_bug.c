// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS301 goroutine-leak
// FUNCTIONS: closer
/* The closer waits for a worker that never does Done; main does not wait for the closer. */
#include "../../gate.h"

static void closer(go_waitgroup *wg, go_chan(int) ch)
{
	go_waitgroup_wait(wg);
	go_close(ch);
}

int main(void)
{
	static go_waitgroup wg;
	go_chan(int) ch = go_make(int, 1);

	go_waitgroup_add(&wg, 1); /* one too many */
	go(closer, &wg, ch);
	go_send(ch, 1);
	go_recv(ch);
	gate_parked("sync.WaitGroup.Wait", 1);
}
