// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS301 goroutine-leak
// FUNCTIONS: slow
/* The caller gives up after a timeout; the worker then sends to nobody. */
#include "../../gate.h"

static volatile int gave_up;

static void slow(go_chan(int) result)
{
	gate_wait(&gave_up);
	go_send(result, 1);
}

int main(void)
{
	go_chan(int) result = go_make(int, 0);
	int v;

	go(slow, result);
	if (go_select(GO_RECV(result, &v), GO_AFTER(5 * GO_MS)) == 1)
		gate_open(&gave_up);
	gate_parked("chan send", 1);
}
