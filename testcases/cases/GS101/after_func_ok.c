// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A timer that was stopped in time has not run its function; one that has fired says so over a channel. */
#include <goroutine.h>

static int hits;

static void count(void *done)
{
	hits++;
	go_close((go_chan(int))done);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);
	go_timer *t = go_after_func(GO_MS, count, (void *)done);

	if (!go_timer_stop(t))
		go_recv(done);
	hits++;
}
