// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A nil channel is the way to switch one case of a select off; the others go on. */
#include <goroutine.h>

static void count_to(int n, go_chan(int) ch)
{
	for (int i = 0; i < n; i++)
		go_send(ch, i);
	go_close(ch);
}

int main(void)
{
	go_chan(int) a = go_make(int, 0), b = go_make(int, 0);
	int v, n = 0;
	bool ok;

	go(count_to, 3, a);
	go(count_to, 5, b);
	while (a || b) {
		int i = go_select(GO_RECV_OK(a, &v, &ok), GO_RECV_OK(b, &v, &ok));
		n += ok;
		if (!ok && i == 0)
			a = NULL; /* closed: never ready again */
		if (!ok && i == 1)
			b = NULL;
	}
	return n != 8;
}
