// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS501 send-on-closed
// EXIT: 2
/* A send case of a select panics as well. */
#include <goroutine.h>

int main(void)
{
	go_chan(int) ch = go_make(int, 1), other = go_make(int, 0);

	go_close(ch);
	go_select(GO_SEND(ch, 1), GO_RECV(other, NULL));
}
