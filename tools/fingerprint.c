/* SPDX-License-Identifier: Apache-2.0
 *
 * fingerprint.c: XXH3-128 over a canonical text.
 *
 *   gosan/1 \n kind \n function of each participant, sorted, once each \n object kind and name [\n source lines]
 *
 * The function of a participant is that of its innermost frame outside libraries of the system: who called it
 * differs between schedules for one and the same bug. A leak is also told by who started the goroutine. Where
 * the object itself depends on the schedule (the locks of a cycle may be found in any rotation) all objects
 * that take part are named, sorted. An element of an array is named without its index. Of memory whose type nothing
 * tells, such as what a program's own allocator divides, the text of the lines that accessed it stands for the place.
 *
 * Why so little goes in: everything more (the whole stack, the operation, the locks held) differs between
 * two schedules of one bug, and a baseline that misses a known bug every tenth run is worth nothing. Why
 * not less: two bugs under one name would hide the second.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "fingerprint.h"

#include "source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct words {
	struct arena *a;
	size_t n;
	const char **w;
};

static void add(struct words *ws, const char *word)
{
	ws->w = arena_grow(ws->a, ws->w, ws->n, sizeof *ws->w);
	ws->w[ws->n++] = word;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The words, sorted, each once, joined. */
static const char *canonical(struct words *ws, const char *separator)
{
	const char *text = "";

	if (ws->n > 1)
		qsort(ws->w, ws->n, sizeof *ws->w, by_text);
	for (size_t i = 0; i < ws->n; i++)
		if (i == 0 || strcmp(ws->w[i], ws->w[i - 1]) != 0)
			text = arena_printf(ws->a, "%s%s%s", text, separator, ws->w[i]);
	return text;
}

/* Where memcpy, pthread_mutex_lock and the like live: they are what happened, not where. */
static bool in_system_library(const struct frame *f)
{
	static const char *const modules[] = {"libc.so", "libpthread", "ld-linux", "libstdc++", "libm.so"};

	for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
		if (strncmp(f->module, modules[i], strlen(modules[i])) == 0)
			return true;
	return false;
}

/* Without a symbol, module and offset are as good as a name until the program is built anew. */
static const char *frame_name(struct arena *a, const struct frame *f)
{
	return *f->function ? f->function : arena_printf(a, "%s+%" PRIx64, f->module, f->offset);
}

/* A stack that lies in system libraries only keeps its innermost frame: better a poor name than none. NULL: it is empty. */
static const struct frame *frame_of(const struct stack *st)
{
	for (size_t i = 0; i < st->n; i++)
		if (!in_system_library(&st->frames[i]))
			return &st->frames[i];
	return st->n ? &st->frames[0] : NULL;
}

static const char *function_of(struct arena *a, const struct stack *st)
{
	const struct frame *f = frame_of(st);

	return f ? frame_name(a, f) : "";
}

static bool is_kind(const struct finding *f, const char *prefix)
{
	return strncmp(f->code, prefix, strlen(prefix)) == 0;
}

/* An object without a name is told by who made it, if it was made at one place: `created` of a lock or a
 * WaitGroup is merely its first use. */
static const char *object_word(struct arena *a, const struct object *o)
{
	static const char *const made[] = {"heap", "chan", "context", "ticker", "timer"};

	if (*o->stable_name)
		return arena_printf(a, "%s %s", o->kind, o->stable_name);
	for (size_t i = 0; i < sizeof made / sizeof *made; i++)
		if (o->created.n && strcmp(o->kind, made[i]) == 0)
			return arena_printf(a, "%s from %s +%" PRId64, o->kind, function_of(a, &o->created),
					    i == 0 ? o->alloc_offset : 0);
	return o->kind;
}

/* Indentation is nobody's bug. */
static const char *squeezed(struct arena *a, const char *line)
{
	char *text = arena_strdup(a, line), *to = text;

	for (; *line; line++)
		if (!strchr(" \t\r\n", *line))
			*to++ = *line;
	*to = '\0';
	return text;
}

/* A cycle of locks has no first one. Which wait a total deadlock is told by is an accident. */
static const char *objects(struct arena *a, const struct finding *f)
{
	struct words ws = {.a = a};

	if (!is_kind(f, "GS201"))
		add(&ws, object_word(a, &f->object));
	if (is_kind(f, "GS202") || is_kind(f, "GS203"))
		for (size_t i = 0; i < f->n_parts; i++)
			for (size_t k = 0; k < f->parts[i].n_locks; k++)
				add(&ws, object_word(a, &f->parts[i].locks[k]));
	return canonical(&ws, "\no ");
}

/* Two members of one struct are two bugs, although nothing but the source tells them apart. */
static const char *statements(struct arena *a, const struct finding *f)
{
	struct words ws = {.a = a};

	for (size_t i = 0; f->object.untyped && i < f->n_parts; i++) {
		const struct frame *at = frame_of(&f->parts[i].stack);
		const char *line = at ? source_line(a, at->file, at->line) : NULL;

		if (line)
			add(&ws, squeezed(a, line));
	}
	return canonical(&ws, "\nl ");
}

/* Each once: a loop that starts ten workers has one bug, and how many of them were caught is an
 * accident. */
static const char *functions(struct arena *a, const struct finding *f)
{
	struct words ws = {.a = a};

	for (size_t i = 0; i < f->n_parts; i++) {
		const struct part *p = &f->parts[i];

		if (p->stack.n)
			add(&ws, function_of(a, &p->stack));
		if (is_kind(f, "GS3") && p->created.n)
			add(&ws, arena_printf(a, "%s from %s", *p->fn ? p->fn : p->name,
					      function_of(a, &p->created)));
	}
	return canonical(&ws, "\nf ");
}

/* The canonical byte order of the hash, so that one bug has one name on machines of either endianness.
 * "gosan/1" is the version of this text: a change that renames bugs which it is not about is a change of that number. */
void fingerprint_finding(struct arena *a, struct finding *f)
{
	const char *text = arena_printf(a, "gosan/1\n%s%s%s%s", f->kind, functions(a, f), objects(a, f),
					statements(a, f));
	XXH128_canonical_t hash;

	XXH128_canonicalFromHash(&hash, XXH3_128bits(text, strlen(text)));
	for (size_t i = 0; i < sizeof hash.digest; i++)
		snprintf(f->fingerprint + 2 * i, 3, "%02x", hash.digest[i]);
}
