/* SPDX-License-Identifier: Apache-2.0
 *
 * intercept_fill.c: functions of libc, and calls of the kernel, that fill a structure or buffer of the caller's. What
 * was written is known when they return: nothing when they failed, and no more of a buffer than they say.
 */
#include "intercept.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* errno is the call's. Many of these take NULL for "not wanted". */
static void filled(void *p, size_t n, uintptr_t pc)
{
	int saved = errno;

	if (p && n && gosan_intercept_sees(pc))
		gosan_intercept_write(p, n, pc);
	errno = saved;
}

static void looked_at(const void *p, size_t n, uintptr_t pc)
{
	if (p && gosan_intercept_sees(pc))
		gosan_intercept_read(p, n, pc);
}

static size_t text(const char *s)
{
	return s ? GOSAN_REAL(strlen)(s) + 1 : 0;
}

/* FILLS(type, name, params, args, done, p, n): when `done` of its result rc, n bytes at p were written. */
#define FILLS(type, name, params, args, done, p, n) \
	GOSAN_EXPORT type name params \
	{ \
		type rc = GOSAN_REAL(name) args; \
\
		if (done) \
			filled(p, n, GOSAN_CALLER); \
		return rc; \
	}

/* ---- files ----
 *
 * Structures are taken as written to their last byte, padding and reserved fields included: the kernel copies them as
 * a whole. The names with 64 are functions of their own in glibc 2.33 and later; before, the compiler's calls go to
 * __xstat and its kin, which are not seen.
 */

FILLS(int, stat, (const char *restrict path, struct stat *restrict st), (path, st), rc == 0, st, sizeof(*st))
FILLS(int, lstat, (const char *restrict path, struct stat *restrict st), (path, st), rc == 0, st, sizeof(*st))
FILLS(int, fstat, (int fd, struct stat *st), (fd, st), rc == 0, st, sizeof(*st))
FILLS(int, fstatat, (int at, const char *restrict path, struct stat *restrict st, int flags),
      (at, path, st, flags), rc == 0, st, sizeof(*st))
FILLS(int, stat64, (const char *restrict path, struct stat64 *restrict st), (path, st), rc == 0, st,
      sizeof(*st))
FILLS(int, lstat64, (const char *restrict path, struct stat64 *restrict st), (path, st), rc == 0, st,
      sizeof(*st))
FILLS(int, fstat64, (int fd, struct stat64 *st), (fd, st), rc == 0, st, sizeof(*st))
FILLS(int, fstatat64, (int at, const char *restrict path, struct stat64 *restrict st, int flags),
      (at, path, st, flags), rc == 0, st, sizeof(*st))
FILLS(ssize_t, readlink, (const char *restrict path, char *restrict s, size_t room), (path, s, room), rc > 0,
      s, (size_t)rc)
FILLS(ssize_t, readlinkat, (int at, const char *restrict path, char *restrict s, size_t room),
      (at, path, s, room), rc > 0, s, (size_t)rc)
/* Without a buffer it allocates one, for the caller alone. */
FILLS(char *, getcwd, (char *s, size_t room), (s, room), rc != NULL && rc == s, s, text(s))

/* ---- time ----
 *
 * Clocks are asked in the innermost loops of some programs. What is added for a caller that is not checked is the
 * question who calls; the answer comes from the clock's page of the kernel, without a system call, as before.
 * The functions that return a buffer of libc's own (localtime, ctime) race by themselves, which POSIX says of them; that
 * buffer is not the program's memory, and nothing is noted.
 */

FILLS(time_t, time, (time_t * t), (t), rc != -1, t, sizeof(*t))
FILLS(int, clock_gettime, (clockid_t c, struct timespec *t), (c, t), rc == 0, t, sizeof(*t))
FILLS(int, clock_getres, (clockid_t c, struct timespec *t), (c, t), rc == 0, t, sizeof(*t))
FILLS(int, gettimeofday, (struct timeval *restrict t, void *restrict zone), (t, zone), rc == 0, t, sizeof(*t))
FILLS(clock_t, times, (struct tms * t), (t), rc != -1, t, sizeof(*t))
FILLS(int, getrusage, (__rusage_who_t who, struct rusage *r), (who, r), rc == 0, r, sizeof(*r))
FILLS(char *, asctime_r, (const struct tm *restrict tm, char *restrict s), (tm, s), rc != NULL, s, text(s))
FILLS(char *, ctime_r, (const time_t *restrict t, char *restrict s), (t, s), rc != NULL, s, text(s))
/* It brings its argument into its proper form. */
FILLS(time_t, mktime, (struct tm * tm), (tm), true, tm, sizeof(*tm))

#define BREAKS_DOWN(name) \
	GOSAN_EXPORT struct tm *name(const time_t *restrict t, struct tm *restrict tm) \
	{ \
		struct tm *rc = GOSAN_REAL(name)(t, tm); \
\
		looked_at(t, sizeof(*t), GOSAN_CALLER); \
		filled(rc, sizeof(*rc), GOSAN_CALLER); \
		return rc; \
	}
BREAKS_DOWN(localtime_r)
BREAKS_DOWN(gmtime_r)

GOSAN_EXPORT size_t strftime(char *restrict s, size_t room, const char *restrict format,
			     const struct tm *restrict tm)
{
	size_t n = GOSAN_REAL(strftime)(s, room, format, tm);

	looked_at(tm, sizeof(*tm), GOSAN_CALLER);
	filled(s, n ? n + 1 : 0, GOSAN_CALLER);
	return n;
}

/* ---- the system ----
 *
 * A wait that found no child (rc 0, with WNOHANG) leaves the status alone. That a child has ended orders nothing here:
 * it had memory of its own.
 */

FILLS(int, uname, (struct utsname * u), (u), rc == 0, u, sizeof(*u))
FILLS(int, sysinfo, (struct sysinfo * s), (s), rc == 0, s, sizeof(*s))
FILLS(ssize_t, getrandom, (void *p, size_t n, unsigned flags), (p, n, flags), rc > 0, p, (size_t)rc)
FILLS(int, getentropy, (void *p, size_t n), (p, n), rc == 0, p, n)
FILLS(pid_t, wait, (int *status), (status), rc > 0, status, sizeof(*status))
FILLS(pid_t, waitpid, (pid_t pid, int *status, int flags), (pid, status, flags), rc > 0, status,
      sizeof(*status))
FILLS(pid_t, wait3, (int *status, int flags, struct rusage *r), (status, flags, r), rc > 0, status,
      sizeof(*status))
FILLS(pid_t, wait4, (pid_t pid, int *status, int flags, struct rusage *r), (pid, status, flags, r), rc > 0,
      status, sizeof(*status))

/* Of each entry the kernel reads what is wanted and writes what is. */
static int polled(struct pollfd *p, nfds_t n, int rc, uintptr_t pc)
{
	for (nfds_t i = 0; rc >= 0 && i < n && gosan_intercept_sees(pc); i++) {
		looked_at(&p[i], offsetof(struct pollfd, revents), pc);
		filled(&p[i].revents, sizeof(p[i].revents), pc);
	}
	return rc;
}

GOSAN_EXPORT int poll(struct pollfd *p, nfds_t n, int ms)
{
	return polled(p, n, GOSAN_REAL(poll)(p, n, ms), GOSAN_CALLER);
}

GOSAN_EXPORT int ppoll(struct pollfd *p, nfds_t n, const struct timespec *t, const sigset_t *mask)
{
	return polled(p, n, GOSAN_REAL(ppoll)(p, n, t, mask), GOSAN_CALLER);
}

/* ---- addresses ----
 *
 * The length is the caller's, read before and written after the call: one that two threads share is a race, too.
 */

/* The length comes back as it would have been: the room may be less. */
#define NAMES(name) \
	GOSAN_EXPORT int name(int fd, __SOCKADDR_ARG a, socklen_t *restrict len) \
	{ \
		socklen_t room = *len; \
		int rc = GOSAN_REAL(name)(fd, a, len); \
\
		if (rc == 0) { \
			filled(a.__sockaddr__, *len < room ? *len : room, GOSAN_CALLER); \
			filled(len, sizeof(*len), GOSAN_CALLER); \
		} \
		return rc; \
	}
NAMES(getsockname)
NAMES(getpeername)

GOSAN_EXPORT int getsockopt(int fd, int level, int option, void *restrict p, socklen_t *restrict len)
{
	int rc = GOSAN_REAL(getsockopt)(fd, level, option, p, len);

	if (rc == 0) {
		filled(p, *len, GOSAN_CALLER);
		filled(len, sizeof(*len), GOSAN_CALLER);
	}
	return rc;
}

static size_t size_of_address(int family)
{
	return family == AF_INET ? sizeof(struct in_addr) : family == AF_INET6 ? sizeof(struct in6_addr) : 0;
}

GOSAN_EXPORT const char *inet_ntop(int family, const void *restrict from, char *restrict s, socklen_t room)
{
	const char *rc = GOSAN_REAL(inet_ntop)(family, from, s, room);

	if (rc) {
		looked_at(from, size_of_address(family), GOSAN_CALLER);
		filled(s, text(s), GOSAN_CALLER);
	}
	return rc;
}

GOSAN_EXPORT int inet_pton(int family, const char *restrict s, void *restrict to)
{
	int rc = GOSAN_REAL(inet_pton)(family, s, to);

	looked_at(s, text(s), GOSAN_CALLER);
	if (rc == 1)
		filled(to, size_of_address(family), GOSAN_CALLER);
	return rc;
}
