// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS505 send-close-race
// FUNCTIONS: closer other
/* Of two producers the one closes the channel without asking the other. */
#include "../../gate.h"

static volatile int sent;

static void closer(go_chan(int) ch, go_waitgroup *wg)
{
	go_send(ch, 1);
	gate_wait(&sent);
	go_close(ch);
	go_waitgroup_done(wg);
}

static void other(go_chan(int) ch, go_waitgroup *wg)
{
	go_send(ch, 2);
	gate_open(&sent);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_chan(int) ch = go_make(int, 2);
	static go_waitgroup wg;

	go_waitgroup_add(&wg, 2);
	go(closer, ch, &wg);
	go(other, ch, &wg);
	go_waitgroup_wait(&wg);
}
