// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS301 goroutine-leak
// FUNCTIONS: serve
/* A server selects over two channels, and has no way to be told to stop. */
#include "../../gate.h"

static void serve(go_chan(int) requests, go_chan(int) updates)
{
	int v;

	for (;;)
		go_select(GO_RECV(requests, &v), GO_RECV(updates, &v));
}

int main(void)
{
	go_chan(int) requests = go_make(int, 0), updates = go_make(int, 0);

	go(serve, requests, updates);
	go_send(requests, 1);
	go_send(updates, 2);
	gate_parked("select", 1);
}
