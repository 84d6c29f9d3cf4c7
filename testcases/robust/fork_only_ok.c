// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXPECT-OUTPUT: ordered
// | status 3
/* A child that doesn't exec, but ends with _exit, after touching memory that the parent's goroutines used. */
#include <goroutine.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int shared;

static void work(go_chan(int) done)
{
	shared = 1;
	go_send(done, 1);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);
	int status;

	go(work, done);
	go_recv(done);
	pid_t pid = fork();
	if (pid == 0) {
		shared++;
		_exit(shared + 1);
	}
	waitpid(pid, &status, 0);
	printf("status %d\n", WEXITSTATUS(status));
}
