/* SPDX-License-Identifier: Apache-2.0
 *
 * mark.c: one small file <pid>.exec beside the streams, with the program's path and a line end in it.
 *
 * The rule that the tool reads by: a mark is answered when the stream of its process has an image that did not
 * end by exec. So a mark needs no removal when all goes well, and it does not matter whether starter or started
 * was faster.
 *
 * posix_spawn is here because glibc execs inside it, past our exec functions. What glibc starts for its own
 * use (system, popen) is /bin/sh, which reports itself.
 */
#include "mark.h"

#include "front.h"
#include "intercept.h"
#include "session.h"

#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* False: no tool around us. */
static bool file_of(char *buf, size_t size, pid_t pid)
{
	const char *dir = gosan_session_dir();

	return dir[0] && snprintf(buf, size, "%s/%d.exec", dir, (int)pid) < (int)size;
}

/* System calls only: in a child of vfork the memory is the parent's, and its locks may be held. */
void gosan_mark_put(pid_t pid, const char *path)
{
	char text[PATH_MAX];
	size_t n = 0;

	if (!path || !file_of(text, sizeof(text), pid))
		return;
	long fd = syscall(SYS_openat, AT_FDCWD, text, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	/* With the directory, unless PATH decides. getcwd's system call counts the final 0. */
	if (path[0] != '/' && strchr(path, '/')) {
		long used = syscall(SYS_getcwd, text, sizeof(text));

		n = used > 1 ? (size_t)used - 1 : 0;
		text[n++] = '/';
		while (strncmp(path, "./", 2) == 0)
			path += 2;
	}
	size_t rest = strnlen(path, sizeof(text) - 1 - n);
	memcpy(text + n, path, rest);
	text[n + rest] = '\n';
	(void)!syscall(SYS_write, (int)fd, text, n + rest + 1);
	syscall(SYS_close, (int)fd);
}

void gosan_mark_take(pid_t pid)
{
	char path[PATH_MAX];

	if (file_of(path, sizeof(path), pid))
		syscall(SYS_unlink, path);
}

/* The child's number is known only afterwards; by then it may have ended, which the rule allows for. */
static void spawned(int rc, const pid_t *child, const char *path)
{
	int saved;

	if (rc != 0 || !gosan_session_is_ours() || !gosan_front_enter(&saved))
		return;
	gosan_mark_put(*child, path);
	gosan_front_leave(saved);
}

GOSAN_EXPORT int posix_spawn(pid_t *ret, const char *path, const posix_spawn_file_actions_t *actions,
			     const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	pid_t child = 0;
	int rc = GOSAN_REAL(posix_spawn)(&child, path, actions, attr, argv, envp);

	spawned(rc, &child, path);
	if (rc == 0 && ret)
		*ret = child;
	return rc;
}

GOSAN_EXPORT int posix_spawnp(pid_t *ret, const char *file, const posix_spawn_file_actions_t *actions,
			      const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	pid_t child = 0;
	int rc = GOSAN_REAL(posix_spawnp)(&child, file, actions, attr, argv, envp);

	spawned(rc, &child, file);
	if (rc == 0 && ret)
		*ret = child;
	return rc;
}
