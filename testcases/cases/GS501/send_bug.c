// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS501 send-on-closed
// EXIT: 2
// FUNCTIONS: producer main
/* main closes the channel while a producer still has something to send. */
#include "../../gate.h"

static volatile int closed;

static void producer(go_chan(int) ch)
{
	gate_wait(&closed);
	go_send(ch, 1);
}

int main(void)
{
	go_chan(int) ch = go_make(int, 1), never = go_make(int, 0);

	go(producer, ch);
	go_close(ch);
	gate_open(&closed);
	go_select(GO_RECV(never, NULL), GO_AFTER(60 * GO_SEC));
}
