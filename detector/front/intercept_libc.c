/* SPDX-License-Identifier: Apache-2.0
 *
 * intercept_libc.c: functions of libc that fill or permute the caller's memory where no hook sees it: formatted
 * output into strings, lines of a stream, sorting. What is written is known when they return, and no more than
 * that is noted: the rest of a buffer may be somebody else's.
 */
#include "intercept.h"

#include "fd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int compare(const void *, const void *);
typedef int compare_with(const void *, const void *, void *);

int __vsprintf_chk(char *, int, size_t, const char *, va_list);
int __vsnprintf_chk(char *, size_t, int, size_t, const char *, va_list);
int __sprintf_chk(char *, int, size_t, const char *, ...);
int __snprintf_chk(char *, size_t, int, size_t, const char *, ...);
char *__fgets_chk(char *, size_t, int, FILE *);

/* n as a printf function returned it: with its terminator, cut off where the room ends. */
static int did_print(char *s, size_t room, int n, uintptr_t pc)
{
	int saved = errno;
	size_t all = (size_t)n + 1;

	if (n >= 0 && room && gosan_intercept_sees(pc))
		gosan_intercept_write(s, all < room ? all : room, pc);
	errno = saved;
	return n;
}

static char *did_gets(char *s, FILE *f, uintptr_t pc)
{
	int saved = errno;

	gosan_fd_stream_read(f, pc);
	if (s && gosan_intercept_sees(pc))
		gosan_intercept_write(s, GOSAN_REAL(strlen)(s) + 1, pc);
	errno = saved;
	return s;
}

GOSAN_EXPORT int vsnprintf(char *restrict s, size_t room, const char *restrict format, va_list args)
{
	return did_print(s, room, GOSAN_REAL(vsnprintf)(s, room, format, args), GOSAN_CALLER);
}

GOSAN_EXPORT int vsprintf(char *restrict s, const char *restrict format, va_list args)
{
	return did_print(s, SIZE_MAX, GOSAN_REAL(vsprintf)(s, format, args), GOSAN_CALLER);
}

GOSAN_EXPORT int __vsnprintf_chk(char *s, size_t room, int flag, size_t size, const char *format,
				 va_list args)
{
	return did_print(s, room, GOSAN_REAL(__vsnprintf_chk)(s, room, flag, size, format, args),
			 GOSAN_CALLER);
}

GOSAN_EXPORT int __vsprintf_chk(char *s, int flag, size_t size, const char *format, va_list args)
{
	return did_print(s, SIZE_MAX, GOSAN_REAL(__vsprintf_chk)(s, flag, size, format, args), GOSAN_CALLER);
}

GOSAN_EXPORT int snprintf(char *restrict s, size_t room, const char *restrict format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = GOSAN_REAL(vsnprintf)(s, room, format, args);
	va_end(args);
	return did_print(s, room, n, GOSAN_CALLER);
}

GOSAN_EXPORT int sprintf(char *restrict s, const char *restrict format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = GOSAN_REAL(vsprintf)(s, format, args);
	va_end(args);
	return did_print(s, SIZE_MAX, n, GOSAN_CALLER);
}

GOSAN_EXPORT int __snprintf_chk(char *s, size_t room, int flag, size_t size, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = GOSAN_REAL(__vsnprintf_chk)(s, room, flag, size, format, args);
	va_end(args);
	return did_print(s, room, n, GOSAN_CALLER);
}

GOSAN_EXPORT int __sprintf_chk(char *s, int flag, size_t size, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = GOSAN_REAL(__vsprintf_chk)(s, flag, size, format, args);
	va_end(args);
	return did_print(s, SIZE_MAX, n, GOSAN_CALLER);
}

GOSAN_EXPORT char *fgets(char *restrict s, int n, FILE *restrict f)
{
	return did_gets(GOSAN_REAL(fgets)(s, n, f), f, GOSAN_CALLER);
}

GOSAN_EXPORT char *__fgets_chk(char *s, size_t size, int n, FILE *f)
{
	return did_gets(GOSAN_REAL(__fgets_chk)(s, size, n, f), f, GOSAN_CALLER);
}

/* The order of the elements is known only afterwards; that any of them may be moved, before. */
static void will_sort(void *base, size_t n, size_t size, uintptr_t pc)
{
	if (n > 1 && size && gosan_intercept_sees(pc))
		gosan_intercept_write(base, n * size, pc);
}

GOSAN_EXPORT void qsort(void *base, size_t n, size_t size, compare *cmp)
{
	will_sort(base, n, size, GOSAN_CALLER);
	GOSAN_REAL(qsort)(base, n, size, cmp);
}

GOSAN_EXPORT void qsort_r(void *base, size_t n, size_t size, compare_with *cmp, void *with)
{
	will_sort(base, n, size, GOSAN_CALLER);
	GOSAN_REAL(qsort_r)(base, n, size, cmp, with);
}
