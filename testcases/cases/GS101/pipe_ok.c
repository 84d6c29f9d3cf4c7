// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A write to a pipe happens before the read that gets it. */
#include <goroutine.h>
#include <unistd.h>

static int shared;

static void writer(int fd)
{
	shared = 1;
	go_write(fd, "x", 1);
}

int main(void)
{
	int fd[2];
	char c;

	if (pipe(fd))
		return 1;
	go(writer, fd[1]);
	if (go_read(fd[0], &c, 1) != 1)
		return 2;
	return shared != 1;
}
