// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS505 send-close-race
// FUNCTIONS: producer main
/* The send is a case of a select. */
#include "../../gate.h"

static volatile int sent;

static void producer(go_chan(int) ch, go_chan(int) never)
{
	go_select(GO_SEND(ch, 1), GO_RECV(never));
	gate_open(&sent);
}

int main(void)
{
	go_chan(int) ch = go_make(int, 1), never = go_make(int, 0);

	go(producer, ch, never);
	gate_wait(&sent);
	go_close(ch);
}
