// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The same receive with a sender. */
#include <goroutine.h>

static void send_zero(go_chan(int) ch)
{
	go_send(ch, 0);
}

int main(void)
{
	go_chan(int) ch = go_make(int, 0);

	go(send_zero, ch);
	return go_recv(ch);
}
