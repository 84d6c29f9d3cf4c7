// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Values that arrive through a select are ordered like those of a plain receive. */
#include <goroutine.h>

static int from_a, from_b;

static void send_a(go_chan(int) ch)
{
	from_a = 1;
	go_send(ch, 1);
}

static void send_b(go_chan(int) ch)
{
	from_b = 2;
	go_send(ch, 2);
}

int main(void)
{
	go_chan(int) a = go_make(int, 0), b = go_make(int, 1);
	int sum = 0, v;

	go(send_a, a);
	go(send_b, b);
	for (int i = 0; i < 2; i++) {
		if (go_select(GO_RECV(a, &v), GO_RECV(b, &v)) == 0)
			sum += from_a;
		else
			sum += from_b;
	}
	return sum != 3;
}
