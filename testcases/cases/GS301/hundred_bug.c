// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS301 goroutine-leak
// FINDINGS: 1
// COUNT: 100
/* A hundred goroutines leaked at one place are one finding, a hundred times. */
#include "../../gate.h"

static void wait_for_it(go_chan(int) ch)
{
	go_recv(ch);
}

int main(void)
{
	go_chan(int) ch = go_make(int, 0);

	for (int i = 0; i < 100; i++)
		go(wait_for_it, ch);
	gate_parked("chan receive", 100);
}
