// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: line
// FUNCTIONS: format main
/* snprintf() fills the buffer, with its terminator, while another goroutine writes a byte of it. */
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
	line[2] = '!';
	go_recv(done);
}
