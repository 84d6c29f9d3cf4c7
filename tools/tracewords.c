/* SPDX-License-Identifier: Apache-2.0
 *
 * tracewords.c: a recording's rows and modules in the form that symbolize.c and objname.c want, and tables of what they
 * said. Stacks have ids of 32 bits with holes, so their table is a hash; the others are indexed.
 */
#include "tracewords.h"

#include "finding.h"
#include "objname.h"
#include "resolve.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The recorder keeps fewer frames. */
#define STACK_MAX   128
#define PLACE_BIT   (UINT32_C(1) << 31) /* as stack ids have it for nodes of the tree of contexts */
#define MEMORY_BITS 17

struct named_stack {
	uint32_t id;
	struct stack *stack;
	const char *where; /* NULL until somebody asked */
};

/* Tables of pointers: NULL is what nobody asked for yet. */
struct tracewords {
	struct arena *a; /* texts */
	const struct trace *t;
	struct process process; /* modules only */
	struct symbolizer *z;
	size_t n_actors, n_objects; /* rooms of the tables */
	const char **actors;        /* "goroutine 7", by row */
	const char **short_actors;  /* "g7" */
	const struct object **objects;
	struct named_stack *stacks; /* [stacks_room], a power of two */
	uint32_t n_stacks, stacks_room;
	struct { /* the last names by hash: what is not found costs the most */
		uint64_t addr, size;
		const char *name;
	} memory[1u << MEMORY_BITS];
};

/* What symbolize.c wants of a process: its modules, and where it ran for paths. Build ids keep a file that was rebuilt
 * since from giving wrong names. */
static void take_modules(struct tracewords *w)
{
	const struct trace_info *info = trace_info(w->t);
	struct process *p = &w->process;

	p->program = info->program;
	p->cwd = info->cwd;
	p->n_modules = info->n_modules;
	p->modules = arena_alloc(w->a, (info->n_modules + 1) * sizeof *p->modules);
	for (size_t i = 0; i < info->n_modules; i++)
		p->modules[i] = (struct module){.path = info->modules[i].path,
						.build_id = info->modules[i].build_id,
						.base = info->modules[i].base,
						.start = info->modules[i].start,
						.end = info->modules[i].end};
}

/* Nothing is named yet: a dump with filters may need few names. */
struct tracewords *tracewords_new(struct arena *a, const struct trace *t)
{
	struct tracewords *w = arena_alloc(a, sizeof *w);

	w->a = a;
	w->t = t;
	w->z = symbolize_new(a);
	take_modules(w);
	return w;
}

void tracewords_free(struct tracewords *w)
{
	symbolize_free(w->z);
	free(w->stacks);
	free(w->actors);
	free(w->short_actors);
	free(w->objects);
}

/* Room for number in an array of pointers; new ones are NULL. */
static void *reserve(void *array, size_t *room, uint32_t number)
{
	size_t want = *room ? *room : 64;
	const char **p = array;

	if (number < *room)
		return array;
	while (want <= number)
		want *= 2;
	p = realloc(p, want * sizeof *p);
	if (!p)
		abort(); /* as the arena does */
	memset(p + *room, 0, (want - *room) * sizeof *p);
	*room = want;
	return p;
}

/* --- Goroutines ------------------------------------------------------------------------------------------- */

/* Its own name first, then the function that it was started with. Rows are bytes of a file: a name need not end. */
const char *tracewords_actor(struct tracewords *w, uint32_t number)
{
	const struct gosan_trace_actor *row = trace_actor(w->t, number);
	size_t room = w->n_actors;

	if (!row)
		return "nobody";
	w->short_actors = reserve(w->short_actors, &room, number);
	w->actors = reserve(w->actors, &w->n_actors, number);
	if (w->actors[number])
		return w->actors[number];

	const char *name =
		row->name[0] ? arena_strndup(w->a, row->name, strnlen(row->name, sizeof row->name))
			     : arena_strndup(w->a, row->fn_name, strnlen(row->fn_name, sizeof row->fn_name));
	w->actors[number] =
		row->flags & GOSAN_TRACE_SYSTEM ? "the system" : resolve_who(w->a, row->id, row->tid, name);
	w->short_actors[number] = row->flags & GOSAN_TRACE_SYSTEM ? arena_printf(w->a, "s%u", number)
				  : row->id                       ? arena_printf(w->a, "g%" PRIu64, row->id)
								  : arena_printf(w->a, "t%u", row->tid);
	return w->actors[number];
}

/* Made together with the long one. */
const char *tracewords_actor_short(struct tracewords *w, uint32_t number)
{
	if (!trace_actor(w->t, number))
		return arena_printf(w->a, "a%u", number);
	tracewords_actor(w, number);
	return w->short_actors[number];
}

/* --- Stacks ----------------------------------------------------------------------------------------------- */

/* Ids are dense in two ranges, so that any multiplicative hash spreads them. */
static struct named_stack *slot(struct named_stack *table, uint32_t room, uint32_t id)
{
	uint32_t at = id * UINT32_C(0x9e3779b1);

	while (table[at & (room - 1)].stack && table[at & (room - 1)].id != id)
		at++;
	return &table[at & (room - 1)];
}

static void grow(struct tracewords *w)
{
	uint32_t room = w->stacks_room ? w->stacks_room * 2 : 256;
	struct named_stack *table = calloc(room, sizeof *table);

	if (!table)
		abort();
	for (uint32_t i = 0; i < w->stacks_room; i++)
		if (w->stacks[i].stack)
			*slot(table, room, w->stacks[i].id) = w->stacks[i];
	free(w->stacks);
	w->stacks = table;
	w->stacks_room = room;
}

/* The same stack comes again with every turn of a loop: it is symbolized once, which takes a microsecond or a
 * millisecond. */
const struct stack *tracewords_stack(struct tracewords *w, uint32_t id, bool is_place)
{
	static const struct stack none;
	uintptr_t pcs[STACK_MAX];
	uint32_t key = is_place ? id | PLACE_BIT : id;

	if (!id)
		return &none;
	if (w->n_stacks >= w->stacks_room / 2)
		grow(w);
	struct named_stack *s = slot(w->stacks, w->stacks_room, key);
	if (s->stack)
		return s->stack;
	size_t n = is_place ? trace_place(w->t, id, pcs, STACK_MAX) : trace_stack(w->t, id, pcs, STACK_MAX);
	s->id = key;
	s->stack = arena_alloc(w->a, sizeof *s->stack);
	s->stack->n_pcs = n;
	s->stack->pcs = arena_alloc(w->a, n * sizeof *s->stack->pcs);
	for (size_t i = 0; i < n; i++)
		s->stack->pcs[i] = pcs[i];
	w->n_stacks++;
	symbolize_stack(w->z, &w->process, s->stack);
	return s->stack;
}

/* The words are kept: to find them asks the kernel where we are. */
const char *tracewords_where(struct tracewords *w, uint32_t id, bool is_place)
{
	const struct stack *s = tracewords_stack(w, id, is_place);

	if (!s->n)
		return NULL;
	struct named_stack *named = slot(w->stacks, w->stacks_room, is_place ? id | PLACE_BIT : id);
	if (!named->where)
		named->where = arena_printf(w->a, "%s %s", resolve_place_short(w->a, &s->frames[0]),
					    resolve_function(&s->frames[0]));
	return named->where;
}

const char *tracewords_pc(struct tracewords *w, uint64_t pc)
{
	struct frame f = symbolize_pc(w->z, &w->process, pc);

	return arena_printf(w->a, "%s\t%s", resolve_function(&f), resolve_place(w->a, &f));
}

bool tracewords_is_place(unsigned op)
{
	return op == GOSAN_TRACE_ACCESS || op == GOSAN_TRACE_ALLOC || op == GOSAN_TRACE_DIES;
}

/* --- Objects and memory ----------------------------------------------------------------------------------- */

/* Named as a lock in a report is: by the variable at its address, else by the statement that made or first used it. */
static const struct object *object(struct tracewords *w, uint32_t id)
{
	const struct gosan_trace_object *row = trace_object(w->t, id);

	if (!row)
		return NULL;
	w->objects = reserve(w->objects, &w->n_objects, id);
	if (w->objects[id])
		return w->objects[id];
	struct object *o = arena_alloc(w->a, sizeof *o);
	o->kind = row->kind <= GOSAN_OBJ_SPIN ? gosan_finding_kind_name((enum gosan_obj_kind)row->kind)
					      : "object";
	o->name = o->stable_name = "";
	o->address = row->addr;
	o->created = *tracewords_stack(w, row->created_stack, false);
	objname_lock(w->z, w->a, &w->process, o);
	w->objects[id] = o;
	return o;
}

const char *tracewords_object_name(struct tracewords *w, uint32_t id)
{
	const struct object *o = object(w, id);

	return o ? objname_label(w->a, o) : "";
}

const char *tracewords_object(struct tracewords *w, uint32_t id)
{
	const struct object *o = object(w, id);

	if (!o)
		return "";
	/* Without a name the label begins with the kind. */
	return *o->name ? arena_printf(w->a, "%s %s", o->kind, o->name) : objname_label(w->a, o);
}

/* Asking the debug information is slow, and most memory (heap, stacks) has no name there: so a table of what was asked
 * last, negative answers included. */
const char *tracewords_memory(struct tracewords *w, uint64_t addr, uint64_t size)
{
	uint64_t hash = (addr ^ size << 47) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - MEMORY_BITS);

	if (w->memory[hash].name && w->memory[hash].addr == addr && w->memory[hash].size == size)
		return w->memory[hash].name;
	const char *name = symbolize_variable(w->z, &w->process, addr, size);
	w->memory[hash].addr = addr;
	w->memory[hash].size = size;
	return w->memory[hash].name = name ? name : arena_printf(w->a, "0x%" PRIx64, addr);
}

/* --- Words ------------------------------------------------------------------------------------------------ */

const char *tracewords_wait(int64_t why)
{
	return gosan_dump_wait_name(why >= 0 && why < 256 ? (int)why : -1);
}

void tracewords_loss(const struct trace *t, FILE *out, const char *prefix)
{
	struct trace_loss l;
	const struct trace_info *info = trace_info(t);

	trace_loss(t, &l);
	for (size_t i = 0; i < info->n_notes; i++)
		fprintf(out, "%sprocess %d: %s\n", prefix, (int)info->pid, info->notes[i]);
	if (l.torn)
		fprintf(out,
			"%sprocess %d: %" PRIu64 " of its threads ended within a record, which is lost\n",
			prefix, (int)info->pid, l.torn);
	if (l.damaged)
		fprintf(out, "%sprocess %d: %" PRIu64 " of its streams are damaged, and end there\n", prefix,
			(int)info->pid, l.damaged);
	if (l.gaps || l.lost)
		fprintf(out, "%sprocess %d: %" PRIu64 " events are missing\n", prefix, (int)info->pid,
			l.gaps + l.lost);
	if (l.cut_ns)
		fprintf(out, "%sprocess %d: everything before %.6f s is overwritten\n", prefix,
			(int)info->pid, (double)l.cut_ns / 1e9);
}
