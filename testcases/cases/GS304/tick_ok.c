// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* go_tick() is for the rest of the program: there is nothing to stop. */
#include <goroutine.h>

int main(void)
{
	go_chan(int64_t) ticks = go_tick(2 * GO_MS);

	go_recv(ticks);
	go_recv(ticks);
}
