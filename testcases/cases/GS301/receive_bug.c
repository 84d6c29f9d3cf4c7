// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS301 goroutine-leak
// FUNCTIONS: wait_for_it
// FINDINGS: 1
/* A goroutine waits for a message that nobody sends. */
#include "../../gate.h"

static void wait_for_it(go_chan(int) ch)
{
	go_recv(ch);
}

int main(void)
{
	go_chan(int) ch = go_make(int, 0);

	go(wait_for_it, ch);
	gate_parked("chan receive", 1);
}
