// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The same with a buffer: the receive of the last value orders the sends before the close. */
#include <goroutine.h>

static void producer(go_chan(int) ch)
{
	for (int i = 0; i < 8; i++)
		go_send(ch, i);
}

int main(void)
{
	go_chan(int) ch = go_make(int, 3);

	go(producer, ch);
	for (int i = 0; i < 8; i++)
		go_recv(ch);
	go_close(ch);
}
