// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: late
/* What is written after arming the timer is not ordered with its function. */
#include <goroutine.h>

static int late;

static void fired(void *arg)
{
	go_chan(int) *out = arg;
	go_send(*out, late);
}

int main(void)
{
	go_chan(int) out = go_make(int, 1);

	go_timer *t = go_after_func(5 * GO_MS, fired, &out);
	late = 9;
	go_recv(out);
	go_timer_stop(t);
}
