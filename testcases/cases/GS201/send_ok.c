// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* With a buffer of one the send completes. */
#include <goroutine.h>

static void receiver(go_chan(int) ch, go_chan(int) done)
{
	go_send(done, go_recv(ch));
}

int main(void)
{
	go_chan(int) ch = go_make(int, 1), done = go_make(int, 0);

	go_send(ch, 1);
	go(receiver, ch, done);
	return go_recv(done) != 1;
}
