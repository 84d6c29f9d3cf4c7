/* SPDX-License-Identifier: Apache-2.0
 *
 * intercept_str.c: string and memory functions of libc, which the compilers call without a hook. Each notes
 * the bytes that the function is entitled to read and write, then lets libc do the work.
 */
#include "intercept.h"

#include <string.h>
#include <strings.h>

/* Macros, because each has to name the return address of the function that it stands in. SEES() comes first
 * everywhere: for callers that are not instrumented all that is left is the jump to libc. Nothing here may use a
 * string function in a loop over the program's data that libc's own would not have read. */
#define READ(p, n)  gosan_intercept_read(p, n, GOSAN_CALLER)
#define WRITE(p, n) gosan_intercept_write(p, n, GOSAN_CALLER)
#define SEES()      __builtin_expect(gosan_intercept_sees(GOSAN_CALLER), 0)
#define LEN(s)      GOSAN_REAL(strlen)(s)

void *__memcpy_chk(void *, const void *, size_t, size_t);
void *__memmove_chk(void *, const void *, size_t, size_t);
void *__memset_chk(void *, int, size_t, size_t);
char *__strcpy_chk(char *, const char *, size_t);
char *__stpcpy_chk(char *, const char *, size_t);
char *__strncpy_chk(char *, const char *, size_t, size_t);
char *__strcat_chk(char *, const char *, size_t);
char *__strncat_chk(char *, const char *, size_t, size_t);

/* Shortest length of s that decides: at most n, up to and with the terminator. */
static size_t bounded(const char *s, size_t n)
{
	size_t len = GOSAN_REAL(strnlen)(s, n);

	return len < n ? len + 1 : n;
}

/* How many bytes of both a comparison reads: up to the first difference or the end. The C locale's folding is
 * enough to find it: other locales differ in bytes above 127 only, and then by reading on. */
static size_t compared(const char *a, const char *b, size_t max, bool fold)
{
	for (size_t i = 0; i < max; i++) {
		int x = (unsigned char)a[i], y = (unsigned char)b[i];

		if (fold) {
			x = x >= 'A' && x <= 'Z' ? x + 32 : x;
			y = y >= 'A' && y <= 'Z' ? y + 32 : y;
		}
		if (x != y || !x)
			return i + 1;
	}
	return max;
}

/* The read before the write, as the function does it: an overlapping memmove keeps both. */
#define COPY(d, s, n) \
	do { \
		if (SEES()) { \
			READ(s, n); \
			WRITE(d, n); \
		} \
	} while (0)

/* Sizes for which libc turns to the processor's string instruction, which some machines, virtual ones above all, do at a
 * tenth of the speed of loads and stores. Checked programs copy by those. Below and above libc knows better. */
#define PLAIN_MIN ((size_t)2048)
#define PLAIN_MAX ((size_t)1 << 20)

typedef uint64_t lane __attribute__((vector_size(16), aligned(1), may_alias));

/* False: not done, among others because the blocks overlap, where libc's memcpy does what many programs rely on. */
static bool plain_copy(void *d, const void *s, size_t n)
{
	const char *from = s;
	char *to = d;
	size_t i = 0;

	if (n < PLAIN_MIN || n > PLAIN_MAX || (uintptr_t)d - (uintptr_t)s < n ||
	    (uintptr_t)s - (uintptr_t)d < n)
		return false;
	for (; n - i >= 64; i += 64) {
		lane a = *(const lane *)(from + i), b = *(const lane *)(from + i + 16);
		lane c = *(const lane *)(from + i + 32), e = *(const lane *)(from + i + 48);

		*(lane *)(to + i) = a;
		*(lane *)(to + i + 16) = b;
		*(lane *)(to + i + 32) = c;
		*(lane *)(to + i + 48) = e;
	}
	/* The last 64 bytes once more, in part. */
	for (size_t at = n - 64; at < n; at += 16)
		*(lane *)(to + at) = *(const lane *)(from + at);
	return true;
}

GOSAN_EXPORT void *memcpy(void *restrict d, const void *restrict s, size_t n)
{
	COPY(d, s, n);
	return n >= PLAIN_MIN && SEES() && plain_copy(d, s, n) ? d : GOSAN_REAL(memcpy)(d, s, n);
}

GOSAN_EXPORT void *mempcpy(void *restrict d, const void *restrict s, size_t n)
{
	COPY(d, s, n);
	return GOSAN_REAL(mempcpy)(d, s, n);
}

GOSAN_EXPORT void *memmove(void *d, const void *s, size_t n)
{
	COPY(d, s, n);
	return n >= PLAIN_MIN && SEES() && plain_copy(d, s, n) ? d : GOSAN_REAL(memmove)(d, s, n);
}

GOSAN_EXPORT void bcopy(const void *s, void *d, size_t n)
{
	COPY(d, s, n);
	GOSAN_REAL(memmove)(d, s, n);
}

GOSAN_EXPORT void *memset(void *d, int c, size_t n)
{
	if (SEES())
		WRITE(d, n);
	return GOSAN_REAL(memset)(d, c, n);
}

GOSAN_EXPORT void bzero(void *d, size_t n)
{
	if (SEES())
		WRITE(d, n);
	GOSAN_REAL(memset)(d, 0, n);
}

GOSAN_EXPORT void explicit_bzero(void *d, size_t n)
{
	if (SEES())
		WRITE(d, n);
	GOSAN_REAL(explicit_bzero)(d, n);
}

GOSAN_EXPORT void *__memcpy_chk(void *d, const void *s, size_t n, size_t room)
{
	COPY(d, s, n);
	return GOSAN_REAL(__memcpy_chk)(d, s, n, room);
}

GOSAN_EXPORT void *__memmove_chk(void *d, const void *s, size_t n, size_t room)
{
	COPY(d, s, n);
	return GOSAN_REAL(__memmove_chk)(d, s, n, room);
}

GOSAN_EXPORT void *__memset_chk(void *d, int c, size_t n, size_t room)
{
	if (SEES())
		WRITE(d, n);
	return GOSAN_REAL(__memset_chk)(d, c, n, room);
}

/* The standard gives memcmp all n bytes of both, wherever they differ. */
GOSAN_EXPORT int memcmp(const void *a, const void *b, size_t n)
{
	if (SEES()) {
		READ(a, n);
		READ(b, n);
	}
	return GOSAN_REAL(memcmp)(a, b, n);
}

GOSAN_EXPORT int bcmp(const void *a, const void *b, size_t n)
{
	if (SEES()) {
		READ(a, n);
		READ(b, n);
	}
	return GOSAN_REAL(memcmp)(a, b, n);
}

/* memchr reads no further than where it finds c: n may be larger than the array. */
GOSAN_EXPORT void *memchr(const void *s, int c, size_t n)
{
	char *at = GOSAN_REAL(memchr)(s, c, n);

	if (SEES())
		READ(s, at ? (size_t)(at - (const char *)s) + 1 : n);
	return at;
}

/* The length first: only then is it known what was read. */
GOSAN_EXPORT size_t strlen(const char *s)
{
	size_t n = LEN(s);

	if (SEES())
		READ(s, n + 1);
	return n;
}

GOSAN_EXPORT size_t strnlen(const char *s, size_t max)
{
	size_t n = GOSAN_REAL(strnlen)(s, max);

	if (SEES())
		READ(s, n < max ? n + 1 : max);
	return n;
}

/* The length of the source is asked twice; strings are short, and a third variable would not make it faster. */
GOSAN_EXPORT char *strcpy(char *restrict d, const char *restrict s)
{
	if (SEES()) {
		READ(s, LEN(s) + 1);
		WRITE(d, LEN(s) + 1);
	}
	return GOSAN_REAL(strcpy)(d, s);
}

GOSAN_EXPORT char *__strcpy_chk(char *d, const char *s, size_t room)
{
	if (SEES()) {
		READ(s, LEN(s) + 1);
		WRITE(d, LEN(s) + 1);
	}
	return GOSAN_REAL(__strcpy_chk)(d, s, room);
}

GOSAN_EXPORT char *stpcpy(char *restrict d, const char *restrict s)
{
	if (SEES()) {
		READ(s, LEN(s) + 1);
		WRITE(d, LEN(s) + 1);
	}
	return GOSAN_REAL(stpcpy)(d, s);
}

GOSAN_EXPORT char *__stpcpy_chk(char *d, const char *s, size_t room)
{
	if (SEES()) {
		READ(s, LEN(s) + 1);
		WRITE(d, LEN(s) + 1);
	}
	return GOSAN_REAL(__stpcpy_chk)(d, s, room);
}

/* strncpy fills up with zeros. */
GOSAN_EXPORT char *strncpy(char *restrict d, const char *restrict s, size_t n)
{
	if (SEES()) {
		READ(s, bounded(s, n));
		WRITE(d, n);
	}
	return GOSAN_REAL(strncpy)(d, s, n);
}

GOSAN_EXPORT char *__strncpy_chk(char *d, const char *s, size_t n, size_t room)
{
	if (SEES()) {
		READ(s, bounded(s, n));
		WRITE(d, n);
	}
	return GOSAN_REAL(__strncpy_chk)(d, s, n, room);
}

/* The end of d is read to find it, then overwritten. */
static void append(char *d, const char *s, size_t n, uintptr_t pc)
{
	size_t at = LEN(d);

	gosan_intercept_read(d, at + 1, pc);
	gosan_intercept_read(s, bounded(s, n), pc);
	gosan_intercept_write(d + at, GOSAN_REAL(strnlen)(s, n) + 1, pc);
}

GOSAN_EXPORT char *strcat(char *restrict d, const char *restrict s)
{
	if (SEES())
		append(d, s, SIZE_MAX / 2, GOSAN_CALLER);
	return GOSAN_REAL(strcat)(d, s);
}

GOSAN_EXPORT char *__strcat_chk(char *d, const char *s, size_t room)
{
	if (SEES())
		append(d, s, SIZE_MAX / 2, GOSAN_CALLER);
	return GOSAN_REAL(__strcat_chk)(d, s, room);
}

GOSAN_EXPORT char *strncat(char *restrict d, const char *restrict s, size_t n)
{
	if (SEES())
		append(d, s, n, GOSAN_CALLER);
	return GOSAN_REAL(strncat)(d, s, n);
}

GOSAN_EXPORT char *__strncat_chk(char *d, const char *s, size_t n, size_t room)
{
	if (SEES())
		append(d, s, n, GOSAN_CALLER);
	return GOSAN_REAL(__strncat_chk)(d, s, n, room);
}

#define COMPARE(a, b, max, fold) \
	do { \
		if (SEES()) { \
			size_t n_ = compared(a, b, max, fold); \
			READ(a, n_); \
			READ(b, n_); \
		} \
	} while (0)

GOSAN_EXPORT int strcmp(const char *a, const char *b)
{
	COMPARE(a, b, SIZE_MAX, false);
	return GOSAN_REAL(strcmp)(a, b);
}

GOSAN_EXPORT int strncmp(const char *a, const char *b, size_t n)
{
	COMPARE(a, b, n, false);
	return GOSAN_REAL(strncmp)(a, b, n);
}

GOSAN_EXPORT int strcasecmp(const char *a, const char *b)
{
	COMPARE(a, b, SIZE_MAX, true);
	return GOSAN_REAL(strcasecmp)(a, b);
}

GOSAN_EXPORT int strncasecmp(const char *a, const char *b, size_t n)
{
	COMPARE(a, b, n, true);
	return GOSAN_REAL(strncasecmp)(a, b, n);
}

/* Searches that stop early have read no further. */
GOSAN_EXPORT char *strchr(const char *s, int c)
{
	char *at = GOSAN_REAL(strchr)(s, c);

	if (SEES())
		READ(s, at ? (size_t)(at - s) + 1 : LEN(s) + 1);
	return at;
}

GOSAN_EXPORT char *strchrnul(const char *s, int c)
{
	char *at = GOSAN_REAL(strchrnul)(s, c);

	if (SEES())
		READ(s, (size_t)(at - s) + 1);
	return at;
}

/* The last one is known at the end only. */
GOSAN_EXPORT char *strrchr(const char *s, int c)
{
	if (SEES())
		READ(s, LEN(s) + 1);
	return GOSAN_REAL(strrchr)(s, c);
}

GOSAN_EXPORT char *strstr(const char *s, const char *what)
{
	char *at = GOSAN_REAL(strstr)(s, what);

	if (SEES()) {
		READ(what, LEN(what) + 1);
		READ(s, at ? (size_t)(at - s) + LEN(what) : LEN(s) + 1);
	}
	return at;
}

/* libc allocates the copy by our malloc, but for itself: it becomes the caller's block here. */
GOSAN_EXPORT char *strdup(const char *s)
{
	char *copy = GOSAN_REAL(strdup)(s);

	if (SEES() && copy)
		gosan_intercept_block(copy, LEN(copy) + 1, s, GOSAN_CALLER);
	return copy;
}

GOSAN_EXPORT char *strndup(const char *s, size_t n)
{
	char *copy = GOSAN_REAL(strndup)(s, n);

	if (SEES() && copy)
		gosan_intercept_block(copy, LEN(copy) + 1, s, GOSAN_CALLER);
	return copy;
}
