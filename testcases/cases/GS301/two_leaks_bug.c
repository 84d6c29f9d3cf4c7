// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS301 goroutine-leak
// FINDINGS: 2
/* Two different leaks are two findings. */
#include "../../gate.h"

static void wait_for_it(go_chan(int) ch)
{
	go_recv(ch);
}

static void offer(go_chan(int) ch)
{
	go_send(ch, 1);
}

int main(void)
{
	go_chan(int) a = go_make(int, 0), b = go_make(int, 0);

	go(wait_for_it, a);
	go(offer, b);
	gate_parked("chan receive", 1);
	gate_parked("chan send", 1);
}
