// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A zero-width field makes them two memory locations. */
#include <goroutine.h>

static struct {
	unsigned ready : 1;
	unsigned : 0;
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
