// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Neighbouring volatile variables, each of one goroutine. */
#include <goroutine.h>

static volatile int flag, other;

static void child(go_chan(int) done)
{
	flag = 1;
	go_send(done, 0);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(child, done);
	int seen = other;
	go_recv(done);
	return seen > 1;
}
