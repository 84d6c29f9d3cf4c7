/* SPDX-License-Identifier: Apache-2.0
 * arena.c: chunks in a list, bump allocation in the newest. A request larger than a chunk gets its own.
 *
 * Why an arena: a report is built in one pass, read by several renderers, and thrown away as a whole.
 * Ownership questions (does a frame's name belong to libdw, to the stream, to the report?) have one
 * answer.
 *
 * Invariant: used <= size in every chunk, and bytes from used on are zero.
 */
#include "arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK ((size_t)64 * 1024)

struct chunk {
	struct chunk *next;
	size_t used, size;
	_Alignas(16) char data[];
};

struct arena {
	struct chunk *chunks;
};

/* Only here, so that no caller has a path for it: a tool that cannot hold one report has nothing to
 * degrade to. */
static _Noreturn void no_memory(void)
{
	fputs("gosan: out of memory\n", stderr);
	_Exit(70);
}

struct arena *arena_new(void)
{
	struct arena *a = calloc(1, sizeof *a);

	if (!a)
		no_memory();
	return a;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	for (struct chunk *c = a->chunks, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	free(a);
}

/* Zeroed by calloc once; bump allocation keeps it so, since nothing is given back and used again. */
static struct chunk *add_chunk(struct arena *a, size_t size)
{
	struct chunk *c = calloc(1, sizeof *c + size);

	if (!c)
		no_memory();
	c->size = size;
	c->next = a->chunks;
	a->chunks = c;
	return c;
}

/* Sizes are rounded up to 16, so that any type may follow any other. What is left of a chunk that is too
 * small for the request is lost: at most one request's size per chunk. */
void *arena_alloc(struct arena *a, size_t size)
{
	struct chunk *c = a->chunks;

	size = (size + 15) & ~(size_t)15;
	if (!c || c->size - c->used < size)
		c = add_chunk(a, size > CHUNK ? size : CHUNK);
	c->used += size;
	return c->data + c->used - size;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *copy = arena_alloc(a, n + 1);

	if (n)
		memcpy(copy, s, n);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, s ? strlen(s) : 0);
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, fmt);
	int n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0)
		no_memory();
	char *copy = arena_strndup(a, text, (size_t)n);
	free(text);
	return copy;
}

/* The old array stays where it is: pointers into it keep what they saw, and the sum of all old copies is
 * less than the new one. */
void *arena_grow(struct arena *a, void *array, size_t n, size_t element)
{
	if (n == 0)
		return arena_alloc(a, element);
	if (n & (n - 1))
		return array;
	void *bigger = arena_alloc(a, 2 * n * element);
	memcpy(bigger, array, n * element);
	return bigger;
}
