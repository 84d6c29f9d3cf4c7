// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: seen
/* The same with a buffer of one: the send completes without the receiver. */
#include <goroutine.h>

int seen;

static void receiver(go_chan(int) ch, go_chan(int) done)
{
	seen = 1;
	go_recv(ch);
	go_send(done, 0);
}

int main(void)
{
	go_chan(int) ch = go_make(int, 1), done = go_make(int, 0);

	go(receiver, ch, done);
	go_send(ch, 0);
	int early = seen;
	go_recv(done);
	return early > 1;
}
