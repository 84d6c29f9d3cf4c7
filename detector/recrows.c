/* SPDX-License-Identifier: Apache-2.0
 *
 * recrows.c: the tables of a recording: who there is, what there is, where they were. Records name rows by number.
 *
 * Invariants
 *  - A row is written before the first record that names it: whoever has the record has the row.
 *  - Rows are written in place and may be written again; each word of one is whole at any moment. What a killed process
 *    leaves is the last that was known of each.
 *  - Stacks are a sequence without holes, since the depot gives out their ids under its lock; contexts are not.
 *
 * What a row is for: actors and objects for whoever reads without replaying (gosan dump) and for births in a replay;
 * contexts and stacks because every record names places by their ids, and a replay must give the same ids out.
 *
 * Tables are as large as the detector's own may become (object.c, context.c, depot.c); only what is used takes room.
 */
#include "recorder.h"

#include "recfile.h"
#include "tracecodec.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct gosan_rectable actors = {
	.name = "actors", .row = sizeof(struct gosan_trace_actor), .max = 1u << 24};
static struct gosan_rectable objects = {
	.name = "objects", .row = sizeof(struct gosan_trace_object), .max = 1u << 26};
static struct gosan_rectable contexts = {
	.name = "contexts", .row = sizeof(struct gosan_trace_context), .max = 1u << 25};
static struct gosan_rectable stacks = {.name = "stacks", .row = 1, .max = 1u << 31};
static uint64_t stacks_at;

bool gosan_recorder_open_tables(void)
{
	return gosan_rectable_open(&actors) && gosan_rectable_open(&objects) &&
	       gosan_rectable_open(&contexts) && gosan_rectable_open(&stacks);
}

bool gosan_recorder_fork_tables(void)
{
	return gosan_rectable_fork(&actors) && gosan_rectable_fork(&objects) &&
	       gosan_rectable_fork(&contexts) && gosan_rectable_fork(&stacks);
}

/* Written again whenever it may have changed: at birth, when it comes to a thread, at the end. Two threads may
 * write the same row at once, from the same values. A bit that was set stays: a detached thread is one for ever. */
static void write_row(const struct gosan_g *g)
{
	struct gosan_trace_actor *row = gosan_rectable_row(&actors, g->no, 1);
	unsigned flags = GOSAN_TRACE_KNOWN;

	if (!row)
		return;
	if (!row->os_tid && g == gosan_self)
		row->os_tid = syscall(SYS_gettid);
	flags |= g->is_thread ? GOSAN_TRACE_THREAD : 0u;
	flags |= g->is_system ? GOSAN_TRACE_SYSTEM : 0u;
	flags |= g->is_fiber ? GOSAN_TRACE_FIBER : 0u;
	row->id = g->id;
	row->tid = g->tid;
	row->flags |= flags;
	row->parent = g->parent ? g->parent->no : 0;
	row->created_stack = g->created_stack;
	row->stack_lo = g->stack_lo;
	row->stack_hi = g->stack_hi;
	memcpy(row->name, g->name, sizeof(row->name));
	if (g->fn_name && !row->fn_name[0])
		strncpy(row->fn_name, g->fn_name, sizeof(row->fn_name) - 1);
}

void gosan_recorder_actor(const struct gosan_g *g)
{
	if (g->no)
		write_row(g);
}

/* What a front end told of it before its first event, or tells with each (a barrier's parties). */
void gosan_recorder_object(const struct gosan_obj *obj, uint32_t count)
{
	struct gosan_trace_object *row;

	if (obj->seq > 1 && obj->kind != GOSAN_OBJ_BARRIER)
		return;
	row = gosan_rectable_row(&objects, obj->id, 1);
	if (!row)
		return;
	row->addr = obj->addr;
	row->created_by = obj->created_by;
	row->kind = obj->kind;
	row->flags = obj->flags;
	row->created_stack = obj->created_stack;
	if (obj->counted || count)
		row->count = count ? count : obj->count + 1;
}

/* The count last: it is what says that the stack is complete. */
void gosan_recorder_stack(const uintptr_t *pcs, size_t n)
{
	char text[10 * 64 + 1], *p = text;
	uintptr_t before = 0;
	char *row;

	for (size_t i = 0; i < n; i++) {
		uint64_t d = pcs[i] - before;

		p = (char *)gosan_trace_put((uint8_t *)p, d << 1 ^ (uint64_t)((int64_t)d >> 63));
		before = pcs[i];
	}
	row = gosan_rectable_row(&stacks, stacks_at, sizeof(text) + 1);
	if (!row)
		return;
	memcpy(row + 1, text, (size_t)(p - text));
	__atomic_store_n(row, (char)n, __ATOMIC_RELEASE);
	stacks_at += 1 + (size_t)(p - text);
}

/* Ids are given out without a lock, so rows are filled in any order. One that a killed process left empty has no
 * record that refers to it: a place is used after it was made. */
void gosan_recorder_context(uint32_t id, uint64_t pc, uint32_t parent, uint32_t callee)
{
	struct gosan_trace_context *row = gosan_rectable_row(&contexts, id, 1);

	if (row)
		*row = (struct gosan_trace_context){pc, parent, callee};
}
