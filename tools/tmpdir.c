/* SPDX-License-Identifier: Apache-2.0
 * tmpdir.c: see tmpdir.h.
 *
 * mkdtemp makes it with mode 0700: streams name files and functions of the program, which are nobody
 * else's business.
 */
#include "tmpdir.h"
#include "tool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int tmpdir_make(char *ret, size_t size, const char *prefix)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(ret, size, "%s/%s-XXXXXX", tmp && *tmp ? tmp : "/tmp", prefix);
	return mkdtemp(ret) ? 0 : -errno;
}

void tmpdir_remove(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)) != NULL)
		unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(dir);
}

void tmpdir_remove_tree(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[TOOL_PATH_MAX];

	while (d && (e = readdir(d)) != NULL)
		if (e->d_type == DT_DIR && strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    snprintf(path, sizeof path, "%s/%s", dir, e->d_name) < (int)sizeof path)
			tmpdir_remove(path);
	if (d)
		closedir(d);
	tmpdir_remove(dir);
}

/* The guard's end of the pipe says when everybody who has ours is gone: that includes children that still read the files.
 * A byte says instead that we remove them ourselves. Nothing but that descriptor is kept, so that whoever waits for the end
 * of our output does not wait for the guard. */
static void guard(int fd, const char *dir, void (*remove)(const char *))
{
	char byte;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_IGN);
	if (dup2(fd, 0) != 0)
		_exit(0);
	close_range(1, ~0U, 0);
	if (read(0, &byte, 1) == 0)
		remove(dir);
	_exit(0);
}

/* The guard is a grandchild: nobody has to wait for it, and no wait() of the tool's for other children sees it. */
int tmpdir_guard(const char *dir, void (*remove)(const char *))
{
	int fds[2];
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return -1;
	child = fork();
	if (child == 0) {
		close(fds[1]);
		if (fork() == 0)
			guard(fds[0], dir, remove);
		_exit(0);
	}
	close(fds[0]);
	if (child > 0)
		waitpid(child, NULL, 0);
	return fds[1];
}

/* Without a guard the pipe has no reader, and the byte would be a SIGPIPE. */
void tmpdir_unguard(int guard)
{
	void (*before)(int);

	if (guard < 0)
		return;
	before = signal(SIGPIPE, SIG_IGN);
	(void)!write(guard, "", 1);
	signal(SIGPIPE, before);
	close(guard);
}
