// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A goroutine that waits for the next tick when main returns is no leak. */
#include "../../gate.h"

static void on_tick(go_chan(int64_t) ticks)
{
	go_range(t, ticks) {
		(void)t;
	}
}

int main(void)
{
	go(on_tick, go_tick(3600 * GO_SEC));
	gate_parked("chan receive", 1);
}
