/* SPDX-License-Identifier: Apache-2.0
 * words.c: see words.h. Nothing here looks at a terminal's width or at a markup: formats cut and escape. */
#include "words.h"

#include "gate.h"
#include "objname.h"
#include "resolve.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Locks with the place where they were taken: a lock held too long shows here. */
const char *words_holding(struct arena *a, const struct part *part)
{
	const char *text = "";

	for (size_t i = 0; i < part->n_locks; i++) {
		const struct stack *st = &part->locks[i].created;

		text = arena_printf(a, "%s%s%s", text, i ? ", " : " holding ",
				    objname_label(a, &part->locks[i]));
		if (st->n)
			text = arena_printf(a, "%s (%s)", text, resolve_place_short(a, &st->frames[0]));
	}
	return text;
}

/* What it did or does, in words that read well before "by goroutine 7". A waiter of a deadlock that was merely
 * predicted did not wait. */
const char *words_deed(struct arena *a, const struct finding *f, const struct part *part)
{
	bool stuck = strcmp(part->role, "blocked") == 0 ||
		     (strcmp(part->role, "waiter") == 0 && strcmp(f->grade, "proved") == 0 &&
		      strcmp(f->check, "deadlock") == 0);
	const char *previous = strcmp(part->role, "previous") == 0 ? "previous " : "";
	const char *size =
		part->size ? arena_printf(a, " of %" PRIu64 " byte%s", part->size, part->size == 1 ? "" : "s")
			   : "";

	if (stuck)
		return arena_printf(a, "blocked in %s", *part->op ? part->op : "a wait");
	return arena_printf(a, "%s%s%s", previous, *part->op ? part->op : part->role, size);
}

/* Editors jump to file:line:column. */
const char *words_place(struct arena *a, const struct frame *f)
{
	const char *place = resolve_place(a, f);

	return f->line && f->column ? arena_printf(a, "%s:%u", place, f->column) : place;
}

/* What is known of an object's beginning: C has no constructors for most of them. */
static const char *origin(const char *kind)
{
	static const char *const made[] = {"chan", "context", "ticker", "timer", "descriptor"};

	for (size_t i = 0; i < sizeof made / sizeof *made; i++)
		if (strcmp(kind, made[i]) == 0)
			return "made";
	return strcmp(kind, "heap") == 0 ? "allocated" : "first used";
}

/* " by goroutine 3", or nothing. */
const char *words_created_by(struct arena *a, const struct part *p)
{
	return p->created_by || p->created_by_t
		       ? arena_printf(a, " by %s", resolve_who(a, p->created_by, p->created_by_t, ""))
		       : "";
}

/* The address comes along although it says nothing to people: it links this report with a debugger's
 * view. */
const char *words_where(struct arena *a, const struct finding *f)
{
	const struct object *o = &f->object;
	const char *text = arena_printf(a, "%s%s%s", o->kind, *o->name ? " " : "", o->name);

	if (o->size)
		text = arena_printf(a, "%s, %" PRIu64 " bytes", text, o->size);
	if (strcmp(o->kind, "descriptor") == 0)
		text = arena_printf(a, "%s, number %" PRIu64, text, o->address);
	else if (o->address)
		text = arena_printf(a, "%s at 0x%" PRIx64, text, o->address);
	if (o->of || o->of_t)
		text = arena_printf(a, "%s, on the stack of %s", text, resolve_who(a, o->of, o->of_t, ""));
	if (o->alloc_offset >= 0 && strcmp(o->kind, "heap") == 0)
		text = arena_printf(a, "%s, at offset %" PRId64 " of its block", text, o->alloc_offset);
	if (o->created.n)
		text = arena_printf(a, "%s, %s at %s in %s", text, origin(o->kind),
				    resolve_place_short(a, &o->created.frames[0]),
				    resolve_function(&o->created.frames[0]));
	return text;
}

/* For the summary line: the first participant that has a stack, else the place of the object's birth. */
const char *words_summary_place(struct arena *a, const struct finding *f, const char **ret_function)
{
	for (size_t i = 0; i < f->n_parts; i++)
		if (f->parts[i].stack.n) {
			*ret_function = resolve_function(&f->parts[i].stack.frames[0]);
			return resolve_place(a, &f->parts[i].stack.frames[0]);
		}
	*ret_function = f->object.created.n ? resolve_function(&f->object.created.frames[0]) : "??";
	return f->object.created.n ? resolve_place(a, &f->object.created.frames[0]) : "??";
}

/* "data-race" reads "data race", as ThreadSanitizer's summary lines do. */
const char *words_kind(struct arena *a, const char *kind)
{
	char *text = arena_strdup(a, kind);

	for (char *c = text; *c; c++)
		if (*c == '-')
			*c = ' ';
	return text;
}

bool words_dumps_shown(const struct report *r, const struct process *p)
{
	return p->n_dumps && (r->timed_out || !*p->why);
}

/* State and all frames equal: a thousand workers in one receive are one entry. */
bool words_same_place(const struct dump *a, const struct dump *b)
{
	if (strcmp(a->state, b->state) != 0 || a->stack.n != b->stack.n)
		return false;
	for (size_t i = 0; i < a->stack.n; i++)
		if (a->stack.frames[i].offset != b->stack.frames[i].offset)
			return false;
	return true;
}

/* One sentence for headings, place lines and messages: whoever reads two formats finds the same words. */
const char *words_part(struct arena *a, const struct finding *f, const struct part *part)
{
	return arena_printf(a, "%s by %s%s", words_deed(a, f, part),
			    resolve_who(a, part->g, part->t, part->name), words_holding(a, part));
}

/* In a column of 24 characters the directory would be all that is left of the place. */
const char *words_short_place(struct arena *a, const struct frame *f)
{
	const char *slash = strrchr(f->file, '/');

	if (!*f->file)
		return f->function;
	return arena_printf(a, "%s:%u", slash ? slash + 1 : f->file, f->line);
}

/* A baselined finding is suppressed as well: it is counted, and told by no format but SARIF, which knows of
 * suppressed results. */
bool words_shown(const struct finding *f)
{
	return !f->suppressed && !f->folded;
}

/* A gate's main process is the command itself, which is not run under gosan run. */
const char *words_command(const struct report *r)
{
	if (!r->main)
		return "";
	if (!r->gate)
		return resolve_command(r->arena, r->main);
	return arena_printf(r->arena, "gosan gate -- %s",
			    gate_command(r->arena, r->main->program, r->main->argv, r->main->n_argv));
}

/* A note would be too little for a predicted deadlock, and an error would claim a proof. */
const char *words_level(const struct finding *f)
{
	return strcmp(f->grade, "proved") == 0 ? "error" : "warning";
}

/* The story has ids only; names stand with the participants. Goroutines of the story that take part in nothing
 * else have none. */
const char *words_step_who(struct arena *a, const struct finding *f, const struct step *step)
{
	const char *name = "";

	for (size_t i = 0; i < f->n_parts && !*name; i++)
		if (f->parts[i].g == step->g && f->parts[i].t == step->t)
			name = f->parts[i].name;
	return resolve_who(a, step->g, step->t, name);
}

/* --- Places -------------------------------------------------------------------------------------------- */

/* resolve_path leaves alone what lies elsewhere, and what the compiler was given as a relative name. */
bool words_inside(struct arena *a, const struct frame *f)
{
	return *f->file && f->line && *resolve_path(a, f->file) != '/';
}

/* An inlined header of the C++ library is where it happened and nothing that anybody can repair. */
const struct frame *words_frame(struct arena *a, const struct stack *st)
{
	for (size_t i = 0; i < st->n; i++)
		if (words_inside(a, &st->frames[i]))
			return &st->frames[i];
	for (size_t i = 0; i < st->n; i++)
		if (*st->frames[i].file && st->frames[i].line)
			return &st->frames[i];
	return st->n ? &st->frames[0] : NULL;
}

/* Code scanning shows a finding at one place only, and only when that is in the repository: a participant
 * inside the sources goes before an earlier one outside. */
const struct frame *words_primary(struct arena *a, const struct finding *f, const struct part **ret_part)
{
	const struct frame *best = NULL;

	*ret_part = NULL;
	for (size_t i = 0; i < f->n_parts; i++) {
		const struct frame *at = words_frame(a, &f->parts[i].stack);

		if (!at || (best && !words_inside(a, at)))
			continue;
		best = at;
		*ret_part = &f->parts[i];
		if (words_inside(a, at))
			return best;
	}
	const struct frame *birth = words_frame(a, &f->object.created);
	if (birth && (!best || words_inside(a, birth))) {
		*ret_part = NULL;
		return birth;
	}
	return best;
}

/* RFC 3986: unreserved characters and the separators of a path stay; everything else is encoded byte by
 * byte.
 * "+" and "@" are legal in a path (3.3) and common in names of files. */
static const char *encode(struct arena *a, const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/+@";
	char *out = arena_alloc(a, 3 * strlen(path) + 1), *to = out;

	for (; *path; path++)
		if (strchr(plain, *path))
			*to++ = *path;
		else
			to += sprintf(to, "%%%02X", (unsigned char)*path);
	return out;
}

/* The authority is empty: files are always this machine's. */
const char *words_file_uri(struct arena *a, const char *path)
{
	return arena_printf(a, "file://%s", encode(a, path));
}

/* A relative reference whose first segment had a colon would be taken for a scheme, but colons are encoded. */
const char *words_uri(struct arena *a, const char *path)
{
	const char *shown = resolve_path(a, path);

	return *shown == '/' ? words_file_uri(a, shown) : encode(a, shown);
}

/* --- Characters ---------------------------------------------------------------------------------------- */

/* Length of the well-formed UTF-8 sequence at s, or 0 (RFC 3629: no overlong forms, no surrogates, nothing
 * above U+10FFFF). */
static size_t sequence(const unsigned char *s)
{
	size_t n = *s < 0x80                 ? 1
		   : *s >= 0xf0 && *s < 0xf5 ? 4
		   : *s >= 0xe0 && *s < 0xf0 ? 3
		   : *s >= 0xc2 && *s < 0xe0 ? 2
					     : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) || (*s == 0xf0 && s[1] < 0x90) ||
	    (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* XML 1.0 also forbids the two non-characters that UTF-8 can write, U+FFFE and U+FFFF. */
static bool allowed(const unsigned char *s, size_t n)
{
	if (n == 1)
		return (*s >= ' ' && *s != 0x7f) || *s == '\n' || *s == '\t';
	return n && !(n == 3 && s[0] == 0xef && s[1] == 0xbf && s[2] >= 0xbe);
}

/* Names come from foreign programs and files: they may hold anything. */
const char *words_clean(struct arena *a, const char *text)
{
	char *out = arena_strdup(a, text), *to = out;

	for (const unsigned char *s = (const unsigned char *)text; *s;) {
		size_t n = sequence(s);

		if (!allowed(s, n)) {
			*to++ = '?';
			s += n ? n : 1;
			continue;
		}
		memcpy(to, s, n);
		to += n;
		s += n;
	}
	*to = '\0';
	return out;
}
