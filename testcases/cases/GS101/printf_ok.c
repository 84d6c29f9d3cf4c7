// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* What snprintf() had room for and did not use is somebody else's. */
#include <goroutine.h>
#include <stdio.h>

char line[32];

static void format(int n, go_chan(int) done)
{
	snprintf(line, sizeof(line), "%d", n);
	go_send(done, 0);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(format, 42, done);
	line[3] = '!';
	go_recv(done);
}
