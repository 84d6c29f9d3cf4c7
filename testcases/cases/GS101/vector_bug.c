// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: value
/* A vector of four ints is changed, its last one is read. */
#include <goroutine.h>

typedef int vector __attribute__((vector_size(16)));

static vector value;

static void child(go_chan(int) done)
{
	value = value + 1;
	go_send(done, 0);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(child, done);
	int last = ((int *)&value)[3];
	go_recv(done);
	return last > 1;
}
