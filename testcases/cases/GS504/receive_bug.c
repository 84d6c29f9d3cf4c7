// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS504 nil-channel
// FUNCTIONS: waiter
/* A goroutine receives from a channel that was never made, while main goes on and returns. */
#include "../../gate.h"

static go_chan(int) events;

static void waiter(void)
{
	go_recv(events);
}

int main(void)
{
	go(waiter);
	gate_parked("chan operation (nil chan)", 1);
}
