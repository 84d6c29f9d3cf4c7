// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* On an unbuffered channel the receive happens before the send completes: the sender may look. */
#include <goroutine.h>

static int seen;

static void receiver(go_chan(int) ch)
{
	seen = 1;
	go_recv(ch);
}

int main(void)
{
	go_chan(int) ch = go_make(int, 0);

	go(receiver, ch);
	go_send(ch, 0);
	return seen != 1;
}
