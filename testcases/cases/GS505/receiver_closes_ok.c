// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* main closes after it has received the only value: the send came before. */
#include <goroutine.h>

static void producer(go_chan(int) ch)
{
	go_send(ch, 1);
}

int main(void)
{
	go_chan(int) ch = go_make(int, 0);

	go(producer, ch);
	go_recv(ch);
	go_close(ch);
}
