/* SPDX-License-Identifier: Apache-2.0
 *
 * arena.h: memory of one report, given back all at once. The tool runs for seconds and shows a report:
 * nothing in it is freed piece by piece. Running out of memory ends the tool (status 70), so no caller
 * checks for NULL.
 */
#ifndef ARENA_H
#define ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_new(void);
/* Everything that came from `a` is gone. NULL is allowed. */
void arena_free(struct arena *a);
/* Zeroed, 16-byte aligned; size 0 gives a valid pointer. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strndup(struct arena *a, const char *s, size_t n);
/* NULL counts as "". */
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Room for one more element in an array of n: the array itself, or a copy twice as large. Capacities are
 * powers of two, so n alone tells when it is full. */
void *arena_grow(struct arena *a, void *array, size_t n, size_t element);

#endif
