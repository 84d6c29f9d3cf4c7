// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A goroutine that waits for input when main returns is no leak. */
#include "../../gate.h"

static void reader(int fd)
{
	char c;

	go_read(fd, &c, 1);
}

int main(void)
{
	int fd[2];

	if (pipe(fd))
		return 1;
	go(reader, fd[0]);
	gate_parked("IO wait", 1);
}
