/* SPDX-License-Identifier: Apache-2.0
 *
 * intercept_text.c: more of libc's functions on strings, bytes and wide strings; the common ones are in
 * intercept_str.c, whose rules hold here: only what the function is entitled to read is noted, and all by libc itself
 * where its length is asked.
 */
#include "intercept.h"

#include <errno.h>
#include <string.h>
#include <wchar.h>

#define READ(p, n)  gosan_intercept_read(p, n, GOSAN_CALLER)
#define WRITE(p, n) gosan_intercept_write(p, n, GOSAN_CALLER)
#define SEES()      __builtin_expect(gosan_intercept_sees(GOSAN_CALLER), 0)
#define LEN(s)      GOSAN_REAL(strlen)(s)
#define WIDE(n)     ((n) * sizeof(wchar_t))

int __xpg_strerror_r(int, char *, size_t);

/* ---- bytes ----
 *
 * A search that finds reads no further than what it found, from either end. One that does not has read all.
 */

GOSAN_EXPORT void *memrchr(const void *s, int c, size_t n)
{
	char *at = GOSAN_REAL(memrchr)(s, c, n);

	if (SEES() && at)
		READ(at, n - (size_t)(at - (const char *)s));
	else if (SEES())
		READ(s, n);
	return at;
}

GOSAN_EXPORT void *memmem(const void *s, size_t n, const void *what, size_t m)
{
	const char *at = GOSAN_REAL(memmem)(s, n, what, m);

	if (SEES()) {
		READ(what, m);
		READ(s, at ? (size_t)(at - (const char *)s) + m : n);
	}
	return (void *)(uintptr_t)at;
}

/* Up to and with c, if it is there. */
GOSAN_EXPORT void *memccpy(void *restrict d, const void *restrict s, int c, size_t n)
{
	if (SEES()) {
		const char *at = GOSAN_REAL(memchr)(s, c, n);
		size_t copied = at ? (size_t)(at - (const char *)s) + 1 : n;

		READ(s, copied);
		WRITE(d, copied);
	}
	return GOSAN_REAL(memccpy)(d, s, c, n);
}

/* ---- strings ----
 *
 * The functions that walk through a string and keep their place in a variable of libc's (strtok) or of the caller's
 * (strtok_r, strsep) are not here: what they read depends on calls before.
 */

/* The span, and the byte that ended it. */
#define SPANS(name) \
	GOSAN_EXPORT size_t name(const char *s, const char *set) \
	{ \
		size_t n = GOSAN_REAL(name)(s, set); \
\
		if (SEES()) { \
			READ(s, n + 1); \
			READ(set, LEN(set) + 1); \
		} \
		return n; \
	}
SPANS(strspn)
SPANS(strcspn)

GOSAN_EXPORT char *strpbrk(const char *s, const char *set)
{
	char *at = GOSAN_REAL(strpbrk)(s, set);

	if (SEES()) {
		READ(s, at ? (size_t)(at - s) + 1 : LEN(s) + 1);
		READ(set, LEN(set) + 1);
	}
	return at;
}

GOSAN_EXPORT char *strcasestr(const char *s, const char *what)
{
	char *at = GOSAN_REAL(strcasestr)(s, what);

	if (SEES()) {
		READ(what, LEN(what) + 1);
		READ(s, at ? (size_t)(at - s) + LEN(what) : LEN(s) + 1);
	}
	return at;
}

/* The GNU function: the message of a known error is a constant of libc, and the buffer stays as it was. */
GOSAN_EXPORT char *strerror_r(int error, char *s, size_t room)
{
	char *text = GOSAN_REAL(strerror_r)(error, s, room);
	int saved = errno;

	if (text == s && room && SEES())
		WRITE(s, LEN(s) + 1);
	errno = saved;
	return text;
}

GOSAN_EXPORT int __xpg_strerror_r(int error, char *s, size_t room)
{
	int rc = GOSAN_REAL(__xpg_strerror_r)(error, s, room);
	int saved = errno;

	if (room && rc != ERANGE && SEES())
		WRITE(s, LEN(s) + 1);
	errno = saved;
	return rc;
}

/* ---- wide strings ----
 *
 * Compilers expand none of these, so that their own accesses never stand in for ours. Lengths are in characters, sizes
 * in bytes. The length of the source is asked again for each use: these are rare, and short.
 */

#define WLEN(s) GOSAN_REAL(wcslen)(s)

GOSAN_EXPORT size_t wcslen(const wchar_t *s)
{
	size_t n = WLEN(s);

	if (SEES())
		READ(s, WIDE(n + 1));
	return n;
}

GOSAN_EXPORT wchar_t *wcscpy(wchar_t *restrict d, const wchar_t *restrict s)
{
	if (SEES()) {
		READ(s, WIDE(WLEN(s) + 1));
		WRITE(d, WIDE(WLEN(s) + 1));
	}
	return GOSAN_REAL(wcscpy)(d, s);
}

GOSAN_EXPORT wchar_t *wcscat(wchar_t *restrict d, const wchar_t *restrict s)
{
	if (SEES()) {
		size_t at = WLEN(d), n = WLEN(s);

		READ(d, WIDE(at + 1));
		READ(s, WIDE(n + 1));
		WRITE(d + at, WIDE(n + 1));
	}
	return GOSAN_REAL(wcscat)(d, s);
}

#define COPIES(name) \
	GOSAN_EXPORT wchar_t *name(wchar_t *restrict d, const wchar_t *restrict s, size_t n) \
	{ \
		if (SEES()) { \
			READ(s, WIDE(n)); \
			WRITE(d, WIDE(n)); \
		} \
		return GOSAN_REAL(name)(d, s, n); \
	}
COPIES(wmemcpy)
COPIES(wmemmove)

GOSAN_EXPORT wchar_t *wmemset(wchar_t *d, wchar_t c, size_t n)
{
	if (SEES())
		WRITE(d, WIDE(n));
	return GOSAN_REAL(wmemset)(d, c, n);
}
