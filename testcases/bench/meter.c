/* SPDX-License-Identifier: Apache-2.0
 *
 * meter.c: run a program and write what it cost: "CPU-microseconds RSS-kilobytes" to a file.
 *
 *   meter FILE PROGRAM [ARG...]
 *
 * The kernel carries a process's largest resident set across execve, so a program that a large process (an
 * interpreter, say) starts can never look smaller than its parent. This small one stands in between.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static long long micros(struct timeval t)
{
	return t.tv_sec * 1000000LL + t.tv_usec;
}

int main(int argc, char **argv)
{
	struct rusage used;
	int status;

	if (argc < 3)
		return 64;
	pid_t pid = fork();
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	/* The rusage of wait4 includes the descendants that the child itself has waited for: `gosan run` and the
	 * program that it watches are one measurement. */
	if (pid < 0 || wait4(pid, &status, 0, &used) != pid)
		return 70;
	FILE *out = fopen(argv[1], "w");
	if (!out)
		return 70;
	fprintf(out, "%lld %ld\n", micros(used.ru_utime) + micros(used.ru_stime), used.ru_maxrss);
	if (fclose(out))
		return 70;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
