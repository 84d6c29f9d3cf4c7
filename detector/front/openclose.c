/* SPDX-License-Identifier: Apache-2.0
 *
 * openclose.c: where descriptors begin and end. Their use is seen where the bytes are (intercept_io.c, socket.c).
 *
 * A close comes before the real call: afterwards the number may be another thread's. What replaces a descriptor (dup2)
 * is a use of it and no end: the number is valid all the time, which programs rely on to redirect their output.
 * What a child of vfork does to its descriptors it does not do to ours, though it shares our memory.
 *
 * Not seen: calls that make descriptors of rarer kinds (timers, signals, inotify, messages with descriptors in them),
 * close_range, and what libc opens for itself. What is used under a number that one of them gave out is recognised by
 * what it names (descriptor.c).
 */
#include "fd.h"
#include "intercept.h"
#include "session.h"

#include "../context.h"
#include "../descriptor.h"
#include "../module.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

int __open_2(const char *, int);
int __open64_2(const char *, int);
int __openat_2(int, const char *, int);
int __openat64_2(int, const char *, int);

static bool watched(void)
{
	return gosan_access_ready && !gosan_ignore && gosan_module_any_instrumented() &&
	       gosan_session_is_ours();
}

/* A failed call made nothing. What libc and the runtime make for themselves has no place that anybody wants to see. */
static int born(int fd, uintptr_t pc)
{
	int saved = errno;

	if (fd >= 0 && watched())
		gosan_descriptor_born(
			fd, gosan_intercept_sees(pc) ? gosan_context_place(gosan_engine_self(), pc) : 0);
	errno = saved;
	return fd;
}

static int born_pair(int rc, int fd[2], uintptr_t pc)
{
	int saved = errno;

	if (rc != 0)
		return rc;
	if (gosan_intercept_sees(pc))
		gosan_intercept_write(fd, 2 * sizeof(int), pc);
	born(fd[0], pc);
	born(fd[1], pc);
	errno = saved;
	return rc;
}

void gosan_fd_closing(int fd, uintptr_t pc)
{
	if (!watched())
		return;
	gosan_ipc_closing();
	if (gosan_intercept_sees(pc))
		gosan_descriptor_close(fd, pc);
	else
		gosan_descriptor_drop(fd);
}

void gosan_fd_made(int fd, uintptr_t pc)
{
	born(fd, pc);
}

/* ---- files ---- */

/* The third argument is there only if the flags ask for it. O_TMPFILE has more than one bit, and shares one with
 * O_DIRECTORY. */
static mode_t mode_of(int flags, va_list args)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(args, mode_t) : 0;
}

#define OPEN(name, params, args, last) \
	GOSAN_EXPORT int name params \
	{ \
		va_list more; \
		mode_t mode; \
\
		va_start(more, last); \
		mode = mode_of(last, more); \
		va_end(more); \
		return born(GOSAN_REAL(name) args, GOSAN_CALLER); \
	}
OPEN(open, (const char *path, int flags, ...), (path, flags, mode), flags)
OPEN(open64, (const char *path, int flags, ...), (path, flags, mode), flags)
OPEN(openat, (int at, const char *path, int flags, ...), (at, path, flags, mode), flags)
OPEN(openat64, (int at, const char *path, int flags, ...), (at, path, flags, mode), flags)

/* What makes one descriptor and needs no more than that said. */
#define MAKES(name, params, args) \
	GOSAN_EXPORT int name params \
	{ \
		return born(GOSAN_REAL(name) args, GOSAN_CALLER); \
	}
MAKES(__open_2, (const char *path, int flags), (path, flags))
MAKES(__open64_2, (const char *path, int flags), (path, flags))
MAKES(__openat_2, (int at, const char *path, int flags), (at, path, flags))
MAKES(__openat64_2, (int at, const char *path, int flags), (at, path, flags))
MAKES(creat, (const char *path, mode_t mode), (path, mode))
MAKES(creat64, (const char *path, mode_t mode), (path, mode))
MAKES(dup, (int fd), (fd))
MAKES(socket, (int domain, int type, int protocol), (domain, type, protocol))
MAKES(eventfd, (unsigned value, int flags), (value, flags))
MAKES(epoll_create, (int size), (size))
MAKES(epoll_create1, (int flags), (flags))

GOSAN_EXPORT int pipe(int fd[2])
{
	return born_pair(GOSAN_REAL(pipe)(fd), fd, GOSAN_CALLER);
}

GOSAN_EXPORT int pipe2(int fd[2], int flags)
{
	return born_pair(GOSAN_REAL(pipe2)(fd, flags), fd, GOSAN_CALLER);
}

GOSAN_EXPORT int socketpair(int domain, int type, int protocol, int fd[2])
{
	return born_pair(GOSAN_REAL(socketpair)(domain, type, protocol, fd), fd, GOSAN_CALLER);
}

/* The replacer uses the new one already. */
static int replaced(int fd, uintptr_t pc)
{
	born(fd, pc);
	if (fd >= 0)
		gosan_fd_using(fd, pc);
	return fd;
}

GOSAN_EXPORT int dup2(int from, int to)
{
	return replaced(GOSAN_REAL(dup2)(from, to), GOSAN_CALLER);
}

GOSAN_EXPORT int dup3(int from, int to, int flags)
{
	return replaced(GOSAN_REAL(dup3)(from, to, flags), GOSAN_CALLER);
}

GOSAN_EXPORT int close(int fd)
{
	gosan_fd_closing(fd, GOSAN_CALLER);
	return GOSAN_REAL(close)(fd);
}

/* ---- streams: libc opens past us (and closes: intercept_stream.c) ---- */

static FILE *born_stream(FILE *f, uintptr_t pc)
{
	if (f)
		born(fileno(f), pc);
	return f;
}

GOSAN_EXPORT FILE *fopen(const char *restrict path, const char *restrict mode)
{
	return born_stream(GOSAN_REAL(fopen)(path, mode), GOSAN_CALLER);
}

GOSAN_EXPORT FILE *fopen64(const char *restrict path, const char *restrict mode)
{
	return born_stream(GOSAN_REAL(fopen64)(path, mode), GOSAN_CALLER);
}
