// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS603 destroy-in-use
// FUNCTIONS: waiter main
/* A channel is freed while a goroutine waits on it. */
#include "../../gate.h"

static void waiter(go_chan(int) ch)
{
	go_recv(ch);
}

int main(void)
{
	go_chan(int) ch = go_make(int, 0);

	go(waiter, ch);
	gate_parked("chan receive", 1);
	go_chan_free(ch);
}
