/* SPDX-License-Identifier: Apache-2.0
 *
 * objname.c: names of objects.
 *
 * stable_name goes into the fingerprint and must not depend on the schedule. A name from the statement that
 * used the object first does: another schedule may see another statement first, which calls it "c->mu"
 * where this one says "cache->mu". Its last component is what both agree on.
 *
 * Examples of what comes out: "cache.len" (variable and member), "c->len" (heap block that was assigned to
 * c), "i" (local whose address a go statement took), "jobs" (channel that was assigned to jobs), "c->mu"
 * (mutex in a heap block, from go_mutex_lock(&c->mu)).
 */
#include "objname.h"

#include "resolve.h"
#include "source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Kinds that are plain memory: named by variables, blocks and frames, not by statements. */
static bool is_memory(const char *kind)
{
	return strcmp(kind, "heap") == 0 || strcmp(kind, "stack") == 0 || strcmp(kind, "global") == 0 ||
	       strcmp(kind, "unknown") == 0;
}

/* Kinds that a function of the runtime returns. All others begin as zeroed memory and have no statement
 * of birth. */
static bool is_made_by_call(const char *kind)
{
	return strcmp(kind, "chan") == 0 || strcmp(kind, "descriptor") == 0 || strcmp(kind, "context") == 0 ||
	       strcmp(kind, "ticker") == 0 || strcmp(kind, "timer") == 0;
}

/* The first frame that has a source line: allocation wrappers of the C library have none. */
static const struct frame *first_with_line(const struct stack *st)
{
	for (size_t i = 0; i < st->n; i++)
		if (st->frames[i].line)
			return &st->frames[i];
	return NULL;
}

/* The line that the frame stands on; a statement over several lines is known only by that one. */
static const char *statement(struct arena *a, const struct frame *f)
{
	return f ? source_line(a, f->file, f->line) : NULL;
}

/* "slots[3].n" is one of "slots[].n": a loop that races on each of a thousand elements has one bug. */
static const char *without_indexes(struct arena *a, const char *name)
{
	char *text = arena_strdup(a, name), *to = text;

	for (const char *from = name; *from; from++) {
		*to++ = *from;
		if (*from == '[' && from[1 + strspn(from + 1, "0123456789")] == ']')
			from += strspn(from + 1, "0123456789");
	}
	*to = '\0';
	return text;
}

static void set_name(struct arena *a, struct object *o, const char *name)
{
	o->name = name;
	o->stable_name = without_indexes(a, name);
	if (is_memory(o->kind))
		o->general_name = o->stable_name;
}

/* "c->len", "buf[3]", "*n": what the variable that got the block's address would call this place. In a buffer, and in
 * what an allocator of the program's own divides among many, the offset is an accident. */
static void heap_name(struct symbolizer *z, struct arena *a, const struct process *p, struct object *o)
{
	const struct frame *f = first_with_line(&o->created);
	const char *left = source_assigned_at(a, statement(a, f), f ? f->column : 0), *path;
	bool bytes = true;

	if (!left)
		return;
	path = symbolize_pointee(z, p, f->pc, left, o, &bytes);
	if (!path)
		set_name(a, o,
			 o->alloc_offset > 0 ? arena_printf(a, "%s+%" PRId64, left, o->alloc_offset) : left);
	else if (*path == '.')
		set_name(a, o, arena_printf(a, "%s->%s", left, path + 1));
	else
		set_name(a, o, *path ? arena_printf(a, "%s%s", left, path) : arena_printf(a, "*%s", left));
	o->untyped = o->block_size > o->size && (!path || (bytes && o->size > 1));
	if (!path && o->untyped) {
		o->general_name = arena_printf(a, "a part of %s", left);
		o->stable_name = left;
	}
}

/* Does the object lie on the stack of this goroutine or thread? */
static bool lies_with(const struct object *o, uint64_t g, uint64_t t)
{
	return o->of ? o->of == g : o->of_t && o->of_t == t;
}

static bool made_by_owner(const struct finding *f, const struct part *p)
{
	return lies_with(&f->object, p->created_by, p->created_by_t);
}

/* A goroutine that got the address of a local of its creator: the go statement says which. Two candidates
 * of the right size are one too many. */
static const char *stack_name(struct symbolizer *z, struct arena *a, const struct finding *f)
{
	const char *found = "";

	for (size_t i = 0; i < f->n_parts; i++) {
		const struct frame *at = first_with_line(&f->parts[i].created);
		const char *name;

		if (!made_by_owner(f, &f->parts[i]) || !at)
			continue;
		for (unsigned k = 0; (name = source_address_of(a, statement(a, at), k)) != NULL; k++) {
			if (symbolize_local_size(z, f->process, at->pc, name) != f->object.size)
				continue;
			if (*found && strcmp(found, name) != 0)
				return "";
			found = name;
		}
	}
	return found;
}

/* "local of main": the frame cannot be told from the address alone, so the owner's own position decides. */
static const char *stack_owner(struct arena *a, const struct finding *f)
{
	for (size_t i = 0; i < f->n_parts; i++) {
		const struct part *p = &f->parts[i];

		if (made_by_owner(f, p) && p->created.n)
			return arena_printf(a, "a local of %s", resolve_function(&p->created.frames[0]));
	}
	for (size_t i = 0; i < f->n_parts; i++)
		if (lies_with(&f->object, f->parts[i].g, f->parts[i].t) && f->parts[i].stack.n)
			return arena_printf(a, "a local of %s",
					    resolve_function(&f->parts[i].stack.frames[0]));
	return "";
}

/* What the statement of a channel's birth calls it; never empty. */
const char *objname_made(struct arena *a, const struct frame *f)
{
	const char *name = source_assigned_at(a, statement(a, f), f->column);

	return name ? name : arena_printf(a, "made at %s", resolve_place_short(a, f));
}

/* A channel and its like are called what their making was assigned to, and that is the same in every run. The
 * others get the name that the statement at their first use has for them. */
static void sync_name(struct arena *a, struct object *o)
{
	const struct frame *f = first_with_line(&o->created);
	const char *line = statement(a, f), *name = NULL;

	if (is_made_by_call(o->kind))
		name = source_assigned_at(a, line, f ? f->column : 0);
	if (!name)
		name = source_sync_argument(a, line);
	if (!name)
		return;
	o->name = name;
	o->stable_name = source_last_component(name);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Which statement comes first is an accident, and a function that got a pointer may have another name for
 * the object. The statements of the participants are part of the bug: their names, sorted, each once. */
static const char *name_by_parts(struct arena *a, const struct finding *f)
{
	const char **names = arena_alloc(a, (f->n_parts + 1) * sizeof *names), *text = "";
	size_t n = 0;

	for (size_t i = 0; i < f->n_parts; i++) {
		const char *name = source_sync_argument(a, statement(a, first_with_line(&f->parts[i].stack)));

		if (name)
			names[n++] = source_last_component(name);
	}
	if (n > 1)
		qsort(names, n, sizeof *names, by_text);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
			text = arena_printf(a, "%s%s%s", text, *text ? "/" : "", names[i]);
	return text;
}

/* What a linker gave an address is the best name there is, for locks as well as for memory. */
static bool name_global(struct symbolizer *z, struct arena *a, const struct process *p, struct object *o)
{
	const char *name = o->address ? symbolize_variable(z, p, o->address, o->size) : NULL;

	if (name)
		set_name(a, o, name);
	return name != NULL;
}

/* A lock that is held has its own record for each holder: `created` is where this one took it. */
void objname_lock(struct symbolizer *z, struct arena *a, const struct process *p, struct object *lock)
{
	if (!*lock->name && !name_global(z, a, p, lock))
		sync_name(a, lock);
}

/* Blocks are named after what they were assigned to, stack slots after what the go statement passed. */
static void memory_name(struct symbolizer *z, struct arena *a, struct finding *f)
{
	struct object *o = &f->object;

	if (strcmp(o->kind, "heap") == 0)
		heap_name(z, a, f->process, o);
	if (strcmp(o->kind, "global") == 0) { /* the place is the same in every run, unlike the address */
		const char *place = symbolize_offset(a, f->process, o->address);

		o->name = place ? place : "";
	}
	if (strcmp(o->kind, "stack") != 0)
		return;
	o->name = o->stable_name = stack_name(z, a, f);
	if (!*o->name)
		o->name = o->stable_name = stack_owner(a, f);
}

/* The kind is left open by the library where only the module list can tell. */
void objname_object(struct symbolizer *z, struct arena *a, struct finding *f)
{
	struct object *o = &f->object;

	if (!*o->kind)
		o->kind = symbolize_in_module(f->process, o->address) ? "global" : "unknown";
	bool is_number = strcmp(o->kind, "descriptor") == 0; /* not where something lies */

	if (*o->name || (!is_number && name_global(z, a, f->process, o)))
		return;
	if (is_memory(o->kind))
		memory_name(z, a, f);
	else
		sync_name(a, o);
	if (!is_memory(o->kind) && !is_made_by_call(o->kind))
		o->stable_name = name_by_parts(a, f);
}

/* Never empty: it stands in the middle of sentences. */
const char *objname_label(struct arena *a, const struct object *o)
{
	const struct frame *f = first_with_line(&o->created);

	if (*o->name)
		return o->name;
	if (strcmp(o->kind, "heap") == 0 && o->created.n)
		return arena_printf(a, "a heap block from %s",
				    resolve_function(f ? f : &o->created.frames[0]));
	if (is_made_by_call(o->kind) && f)
		return arena_printf(a, "%s made at %s", o->kind, resolve_place_short(a, f));
	if (strcmp(o->kind, "descriptor") == 0)
		return arena_printf(a, "descriptor %" PRIu64, o->address);
	if (o->address)
		return arena_printf(a, "%s at 0x%" PRIx64, is_memory(o->kind) ? "memory" : o->kind,
				    o->address);
	return *o->kind ? o->kind : "memory";
}
