/* SPDX-License-Identifier: Apache-2.0
 *
 * exec.c: the program replaces itself. The stream gets an end line before, because afterwards nobody is left
 * to write one. glibc's variants call each other inside, so each is interposed; those with an argument list
 * collect it on the stack and go on as their vector twins.
 */
#include "front.h"
#include "intercept.h"
#include "mark.h"
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

extern char **environ;

/* The end line: not in a child of vfork, which writes into our memory. The mark: there too. */
static void leaving(const char *path)
{
	int saved;

	gosan_mark_put(getpid(), path);
	if (!gosan_session_is_ours() || !gosan_front_enter(&saved))
		return;
	gosan_session_exec();
	gosan_front_leave(saved);
}

/* Only a failed exec returns. */
static int stayed(int rc)
{
	int error = errno;

	gosan_mark_take(getpid());
	errno = error;
	return rc;
}

GOSAN_EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	leaving(path);
	return stayed(GOSAN_REAL(execve)(path, argv, envp));
}

GOSAN_EXPORT int execv(const char *path, char *const argv[])
{
	leaving(path);
	return stayed(GOSAN_REAL(execv)(path, argv));
}

GOSAN_EXPORT int execvp(const char *file, char *const argv[])
{
	leaving(file);
	return stayed(GOSAN_REAL(execvp)(file, argv));
}

GOSAN_EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	leaving(file);
	return stayed(GOSAN_REAL(execvpe)(file, argv, envp));
}

GOSAN_EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	/* No path: such a program goes without a mark. */
	leaving(NULL);
	return GOSAN_REAL(fexecve)(fd, argv, envp);
}

GOSAN_EXPORT int execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags)
{
	leaving(dir == AT_FDCWD ? path : NULL);
	return stayed(GOSAN_REAL(execveat)(dir, path, argv, envp, flags));
}

/* Arguments in the list, without the NULL that ends it. */
static size_t count(const char *first, va_list args)
{
	size_t n = 1;

	if (!first)
		return 0;
	while (va_arg(args, char *))
		n++;
	return n;
}

/* argv[n] is the NULL; in an empty list the first argument is that NULL. */
static void collect(char **argv, const char *first, size_t n, va_list args)
{
	argv[0] = (char *)(uintptr_t)first;
	for (size_t i = 1; i <= n; i++)
		argv[i] = va_arg(args, char *);
}

/* The list of a variadic exec as an array of the caller's frame; its end and what follows stay in `args`. */
#define COLLECT(first) \
	va_list args, counting; \
	size_t n; \
\
	va_start(args, first); \
	va_copy(counting, args); \
	n = count(first, counting); \
	va_end(counting); \
	char *argv[n + 1]; \
	collect(argv, first, n, args)

GOSAN_EXPORT int execl(const char *path, const char *first, ...)
{
	COLLECT(first);
	va_end(args);
	return execve(path, argv, environ);
}

GOSAN_EXPORT int execlp(const char *file, const char *first, ...)
{
	COLLECT(first);
	va_end(args);
	return execvp(file, argv);
}

GOSAN_EXPORT int execle(const char *path, const char *first, ...)
{
	char **envp;

	COLLECT(first);
	envp = va_arg(args, char **);
	va_end(args);
	return execve(path, argv, envp);
}
