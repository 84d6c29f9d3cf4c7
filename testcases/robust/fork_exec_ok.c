// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXPECT-OUTPUT: ordered
// | child says hello
// | status 5
/* A goroutine program forks and execs, and the child's status arrives. */
#include <goroutine.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void work(go_chan(int) done)
{
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
		execl("/bin/sh", "sh", "-c", "echo child says hello; exit 5", (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	printf("status %d\n", WEXITSTATUS(status));
}
