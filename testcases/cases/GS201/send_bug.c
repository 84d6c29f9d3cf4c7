// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS201 deadlock
// EXIT: 2
/* An unbuffered send before the go statement of its receiver never completes. */
#include <goroutine.h>

static void receiver(go_chan(int) ch)
{
	go_recv(ch);
}

int main(void)
{
	go_chan(int) ch = go_make(int, 0);

	go_send(ch, 1);
	go(receiver, ch);
}
