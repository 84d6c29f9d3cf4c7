// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS201 deadlock
// EXIT: 2
// MATCH: nobody but a timer, a signal or I/O
/* A timer that fired is stopped and drained, as the manual says; but its value has been taken already. */
#include <goroutine.h>

int main(void)
{
	go_timer *t = go_timer_new(GO_MS);

	go_recv(go_timer_chan(t));
	if (!go_timer_stop(t))
		go_recv(go_timer_chan(t));
}
