// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS502 close-of-closed
// EXIT: 2
// FUNCTIONS: main
/* Two workers both close the channel that they share when they are done. */
#include "../../gate.h"

static volatile int closed;

static void finish(go_chan(int) ch)
{
	go_close(ch);
	gate_open(&closed);
}

int main(void)
{
	go_chan(int) ch = go_make(int, 0);

	go(finish, ch);
	gate_wait(&closed);
	go_close(ch);
}
