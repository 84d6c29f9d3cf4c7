// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS301 goroutine-leak
// OBJECT: ch
// FUNCTIONS: consume
// FINDINGS: 1
/* Goroutine leak: the consumer only ends when the channel is closed, and nobody closes it. When main
 * returns, it still waits in the receive. */
#include "../../gate.h"

static void process(int data)
{
	(void)data;
}

static void consume(go_chan(int) ch)
{
	for (;;) {
		int data;
		if (!go_recv_ok(ch, &data))
			return; /* only exit if the channel is closed */
		process(data);
	}
}

int main(void)
{
	go_chan(int) ch = go_make(int, 0);

	go(consume, ch);
	go_send(ch, 1);
	gate_parked("chan receive", 1);
}
