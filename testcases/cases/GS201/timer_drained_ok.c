// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Drained without waiting, whether or not the value has been taken. */
#include <goroutine.h>

int main(void)
{
	go_timer *t = go_timer_new(GO_MS);

	go_recv(go_timer_chan(t));
	if (!go_timer_stop(t))
		go_select_default(GO_RECV(go_timer_chan(t)));
	go_timer_reset(t, GO_MS);
	go_recv(go_timer_chan(t));
}
