// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Arming a timer happens before its function runs. */
#include <goroutine.h>

static int armed;

static void fired(void *arg)
{
	go_chan(int) *out = arg;
	go_send(*out, armed);
}

int main(void)
{
	go_chan(int) out = go_make(int, 1);

	armed = 9;
	go_timer *t = go_after_func(5 * GO_MS, fired, &out);
	int got = go_recv(out);
	go_timer_stop(t);
	return got != 9;
}
