// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Two vectors that lie side by side. */
#include <goroutine.h>

typedef int vector __attribute__((vector_size(16)));

static vector value[2];

static void child(go_chan(int) done)
{
	value[0] = value[0] + 1;
	go_send(done, 0);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(child, done);
	value[1] = value[1] + 1;
	go_recv(done);
	return value[0][3] + value[1][0] != 2;
}
