/* SPDX-License-Identifier: Apache-2.0
 *
 * intercept_stream.c: streams: the caller's buffers and strings, and the order that a stream over a pipe or socket
 * makes. libc reads and writes the descriptor by itself, when its buffer is empty, full or flushed; so each call that
 * may have written publishes before, and each that may have read acquires after it.
 *
 * The standard streams order nothing: a process does not read its own output.
 *
 * More order than there is may come of it: a line that stays in the buffer has been told of already. That hides races
 * between what was written last before the line left and who reads it, and invents none. The FILE itself has a lock of
 * libc's and is not looked at.
 */
#ifndef __NO_INLINE__
#define __NO_INLINE__ 1 /* or <stdio.h> has bodies for some of them */
#endif
#include "intercept.h"

#include "fd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int __vfprintf_chk(FILE *, int, const char *, va_list);
int __fprintf_chk(FILE *, int, const char *, ...);
ssize_t __getdelim(char **, size_t *, int, FILE *);

/* NULL is "all of them" to fflush. fileno says -1 of a stream without a descriptor, and sets errno. */
static void will_write(FILE *f, uintptr_t pc)
{
	int saved = errno;

	if (f && f != stdout && f != stderr && gosan_intercept_sees(pc))
		gosan_fd_release(fileno(f));
	errno = saved;
}

void gosan_fd_stream_read(FILE *f, uintptr_t pc)
{
	int saved = errno;

	if (gosan_intercept_sees(pc))
		gosan_fd_acquire(fileno(f));
	errno = saved;
}

static void reads(const void *p, size_t n, uintptr_t pc)
{
	int saved = errno;

	if (n && gosan_intercept_sees(pc))
		gosan_intercept_read(p, n, pc);
	errno = saved;
}

GOSAN_EXPORT size_t fread(void *restrict buf, size_t size, size_t n, FILE *restrict f)
{
	size_t got = GOSAN_REAL(fread)(buf, size, n, f);
	int saved = errno;

	gosan_fd_stream_read(f, GOSAN_CALLER);
	if (got && gosan_intercept_sees(GOSAN_CALLER))
		gosan_intercept_write(buf, got * size, GOSAN_CALLER);
	errno = saved;
	return got;
}

GOSAN_EXPORT size_t fwrite(const void *restrict buf, size_t size, size_t n, FILE *restrict f)
{
	reads(buf, n * size, GOSAN_CALLER);
	will_write(f, GOSAN_CALLER);
	return GOSAN_REAL(fwrite)(buf, size, n, f);
}

#define PUTS(name, params, args, f) \
	GOSAN_EXPORT int name params \
	{ \
		reads(s, GOSAN_REAL(strlen)(s) + 1, GOSAN_CALLER); \
		will_write(f, GOSAN_CALLER); \
		return GOSAN_REAL(name) args; \
	}
PUTS(puts, (const char *s), (s), stdout)
PUTS(fputs, (const char *restrict s, FILE *restrict f), (s, f), f)
PUTS(fputs_unlocked, (const char *restrict s, FILE *restrict f), (s, f), f)

/* What the arguments of a format point to is not looked at. */
#define PRINTS(name, params, args) \
	GOSAN_EXPORT int name params \
	{ \
		will_write(f, GOSAN_CALLER); \
		return GOSAN_REAL(name) args; \
	}
PRINTS(vfprintf, (FILE *restrict f, const char *restrict format, va_list more), (f, format, more))
PRINTS(__vfprintf_chk, (FILE *restrict f, int flag, const char *restrict format, va_list more),
       (f, flag, format, more))

GOSAN_EXPORT int fprintf(FILE *restrict f, const char *restrict format, ...)
{
	va_list more;
	int n;

	will_write(f, GOSAN_CALLER);
	va_start(more, format);
	n = GOSAN_REAL(vfprintf)(f, format, more);
	va_end(more);
	return n;
}

GOSAN_EXPORT int __fprintf_chk(FILE *restrict f, int flag, const char *restrict format, ...)
{
	va_list more;
	int n;

	will_write(f, GOSAN_CALLER);
	va_start(more, format);
	n = GOSAN_REAL(__vfprintf_chk)(f, flag, format, more);
	va_end(more);
	return n;
}

GOSAN_EXPORT int fflush(FILE *f)
{
	will_write(f, GOSAN_CALLER);
	return GOSAN_REAL(fflush)(f);
}

/* Streams without a descriptor say -1. */
GOSAN_EXPORT int fclose(FILE *f)
{
	int saved = errno;

	will_write(f, GOSAN_CALLER);
	gosan_fd_closing(fileno(f), GOSAN_CALLER);
	errno = saved;
	return GOSAN_REAL(fclose)(f);
}

/* The line, with its end; the pointer and the room may have changed with it. */
static ssize_t got_line(char **line, size_t *room, ssize_t n, FILE *f, uintptr_t pc)
{
	int saved = errno;

	gosan_fd_stream_read(f, pc);
	if (n >= 0 && gosan_intercept_sees(pc)) {
		gosan_intercept_write(line, sizeof(*line), pc);
		gosan_intercept_write(room, sizeof(*room), pc);
		gosan_intercept_write(*line, (size_t)n + 1, pc);
	}
	errno = saved;
	return n;
}

#define GETS_LINE(name, params, args) \
	GOSAN_EXPORT ssize_t name params \
	{ \
		ssize_t n = GOSAN_REAL(name) args; \
\
		return got_line(line, room, n, f, GOSAN_CALLER); \
	}
GETS_LINE(getline, (char **restrict line, size_t *restrict room, FILE *restrict f), (line, room, f))
GETS_LINE(getdelim, (char **restrict line, size_t *restrict room, int end, FILE *restrict f),
	  (line, room, end, f))
GETS_LINE(__getdelim, (char **restrict line, size_t *restrict room, int end, FILE *restrict f),
	  (line, room, end, f))
