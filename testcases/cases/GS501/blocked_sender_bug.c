// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS501 send-on-closed
// EXIT: 2
/* The sender is already blocked in its send when the receiver closes the channel. */
#include "../../gate.h"

static void sender(go_chan(int) ch)
{
	go_send(ch, 1);
}

int main(void)
{
	go_chan(int) ch = go_make(int, 0), never = go_make(int, 0);

	go(sender, ch);
	gate_parked("chan send", 1);
	go_close(ch);
	go_select(GO_RECV(never, NULL), GO_AFTER(60 * GO_SEC));
}
