// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* With a buffer of one the late answer is put there and the worker ends. */
#include "../../gate.h"

static volatile int gave_up, sent;

static void slow(go_chan(int) result)
{
	gate_wait(&gave_up);
	go_send(result, 1);
	gate_open(&sent);
}

int main(void)
{
	go_chan(int) result = go_make(int, 1);
	int v;

	go(slow, result);
	if (go_select(GO_RECV(result, &v), GO_AFTER(5 * GO_MS)) == 1)
		gate_open(&gave_up);
	gate_wait(&sent);
}
