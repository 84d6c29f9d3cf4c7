// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: static
/* And a right program with it is clean. */
#include <goroutine.h>

static int shared;

static void work(go_chan(int) done)
{
	shared = 1;
	go_send(done, 1);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(work, done);
	go_recv(done);
	return shared != 1;
}
