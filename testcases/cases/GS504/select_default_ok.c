// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A select with a default does not wait for a nil channel. */
#include <goroutine.h>

static go_chan(int) events;

int main(void)
{
	return go_select_default(GO_RECV(events)) != -1;
}
