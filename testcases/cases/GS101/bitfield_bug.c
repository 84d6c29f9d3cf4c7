// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: flags
/* Adjacent bit-fields are one memory location: writing one rewrites its neighbour. */
#include <goroutine.h>

struct {
	unsigned ready : 1;
	unsigned error : 1;
} flags;

static void set_error(go_chan(int) done)
{
	flags.error = 1;
	go_send(done, 0);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(set_error, done);
	flags.ready = 1;
	go_recv(done);
}
