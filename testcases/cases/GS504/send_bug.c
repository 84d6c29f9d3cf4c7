// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS504 nil-channel
// EXIT: 2
/* main sends to a channel that was never made: everything stands still, and this is why. */
#include <goroutine.h>

static go_chan(int) events;

int main(void)
{
	go_send(events, 1);
}
