// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS505 send-close-race
// FUNCTIONS: producer main
/* The send came before the close in this run only because of the gate; the other way round it panics. */
#include "../../gate.h"

static volatile int sent;

static void producer(go_chan(int) ch)
{
	go_send(ch, 1);
	gate_open(&sent);
}

int main(void)
{
	go_chan(int) ch = go_make(int, 1);

	go(producer, ch);
	gate_wait(&sent);
	go_close(ch);
}
