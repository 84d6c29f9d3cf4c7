// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A goroutine that waits for a signal when main returns is no leak. */
#include "../../gate.h"

#include <signal.h>

static void on_hangup(go_chan(int) signals)
{
	go_recv(signals);
}

int main(void)
{
	go_chan(int) signals = go_make(int, 1);

	go_notify(signals, SIGHUP, 0);
	go(on_hangup, signals);
	gate_parked("chan receive", 1);
}
