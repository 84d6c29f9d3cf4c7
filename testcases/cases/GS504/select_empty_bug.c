// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS504 nil-channel
// EXIT: 2
/* A select whose only case is a nil channel can't ever go on. */
#include <goroutine.h>

static go_chan(int) events;

int main(void)
{
	go_select(GO_RECV(events));
}
