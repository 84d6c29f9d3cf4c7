// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The producer closes the channel after its last send. */
#include <goroutine.h>

static void producer(go_chan(int) ch)
{
	go_send(ch, 1);
	go_close(ch);
}

int main(void)
{
	go_chan(int) ch = go_make(int, 1);

	go(producer, ch);
	while (go_recv_ok(ch, NULL))
		;
}
