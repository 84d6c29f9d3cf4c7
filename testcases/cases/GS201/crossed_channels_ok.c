// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* One of them receives first. */
#include <goroutine.h>

static void peer(go_chan(int) out, go_chan(int) in)
{
	go_send(out, 1);
	go_recv(in);
}

int main(void)
{
	go_chan(int) a = go_make(int, 0), b = go_make(int, 0);

	go(peer, a, b);
	go_recv(a);
	go_send(b, 1);
}
