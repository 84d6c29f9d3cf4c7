/* SPDX-License-Identifier: Apache-2.0
 *
 * lockdep.c: the record of lock dependencies: who asked for which lock, holding what. What follows from it is
 * lockorder.c's.
 *
 * Invariants
 *  - Of a dependency with more than GOSAN_DEP_INSTANCES requests the first half of the places keeps the first ones,
 *    the other half is a ring of the latest.
 *  - use->asks and use->holds of a lock count the dependencies of kind GOSAN_DEP_REQUEST that do so.
 */
#include <string.h>

#include "../../runtime/probe.h"
#include "mem.h"
#include "lockdep.h"

#define TABLE (2 * GOSAN_DEPS_MAX)

static struct gosan_dep *table[TABLE];
struct gosan_dep *gosan_lockdep_all[GOSAN_DEPS_MAX];
size_t gosan_lockdep_n;

/* Held sets are compared in order of acquisition: the same set in another order is another dependency, which
 * costs a place and loses nothing. */
static bool same(const struct gosan_dep *a, const struct gosan_dep *b)
{
	if (a->kind != b->kind || a->lock != b->lock || a->read != b->read || a->n_held != b->n_held)
		return false;
	for (size_t i = 0; i < a->n_held; i++)
		if (a->held[i] != b->held[i] || a->held_read[i] != b->held_read[i])
			return false;
	return true;
}

/* By id, not by address: memory is reused, ids are not. */
static uint64_t hash(const struct gosan_dep *d)
{
	uint64_t h = gosan_waits_hash(d->lock->id, (uint64_t)d->kind * 2 + d->read);

	for (size_t i = 0; i < d->n_held; i++)
		h = gosan_waits_hash(h, d->held[i]->id * 2u + d->held_read[i]);
	return h;
}

/* One dependency more (by 1) or less (by -1) that asks and holds. */
void gosan_lockdep_tally(const struct gosan_dep *d, int by)
{
	struct gosan_use *u = gosan_waits_use(d->lock);

	if (u)
		u->asks += (uint32_t)by;
	for (size_t i = 0; i < d->n_held; i++)
		if ((u = gosan_waits_use(d->held[i])) != NULL)
			u->holds += (uint32_t)by;
}

/* The dependency equal to key, made when new. The table is twice as big as it may get full, so the probe ends. */
static struct gosan_dep *intern(const struct gosan_dep *key)
{
	size_t i = hash(key) % TABLE;

	while (table[i] && !same(table[i], key))
		i = (i + 1) % TABLE;
	if (table[i])
		return table[i];
	struct gosan_dep *d = gosan_lockdep_n < GOSAN_DEPS_MAX ? gosan_mem_alloc(sizeof *d) : NULL;

	if (!d) {
		GOSAN_COUNT(deps_lost);
		return NULL;
	}
	*d = *key;
	table[i] = d;
	gosan_lockdep_all[gosan_lockdep_n++] = d;
	if (d->kind == GOSAN_DEP_REQUEST)
		gosan_lockdep_tally(d, 1);
	return d;
}

/* Most dependencies have one instance: a program with thousands of locks has thousands of dependencies. */
static bool grow(struct gosan_dep *d)
{
	size_t more = d->room ? d->room * 4 : 1;
	struct gosan_depinst *bigger = d->n < d->room ? d->inst : gosan_mem_alloc(more * sizeof *bigger);

	if (!bigger || d->n < d->room)
		return bigger != NULL;
	if (d->n)
		memcpy(bigger, d->inst, d->n * sizeof *bigger);
	gosan_mem_free(d->inst, d->room * sizeof *bigger);
	d->inst = bigger;
	d->room = more;
	return true;
}

/* The latest request of a goroutine from one place stands for its earlier ones beyond the first: whatever is
 * concurrent with one in the middle is nearly always concurrent with one of the two. */
static struct gosan_depinst *room(struct gosan_dep *d, const struct gosan_g *g, uint32_t stack, bool *ret_new)
{
	struct gosan_depinst *mine = NULL;
	size_t seen = 0;

	for (size_t i = 0; i < d->n; i++)
		if (d->inst[i].g == g && d->inst[i].stack == stack) {
			mine = &d->inst[i];
			seen++;
		}
	*ret_new = seen == 0;
	if (seen > 1)
		return mine;
	if (d->n < GOSAN_DEP_INSTANCES)
		return grow(d) ? &d->inst[d->n++] : NULL;
	return &d->inst[GOSAN_DEP_INSTANCES / 2 + d->next++ % (GOSAN_DEP_INSTANCES / 2)];
}

/* Who holds too many locks is left out: one that was forgotten might be the gate that keeps others away. */
bool gosan_lockdep_record(enum gosan_depkind kind, const struct gosan_event *ev,
			  const struct gosan_held *outer, struct gosan_dep **ret_dep, size_t *ret_inst)
{
	static struct gosan_dep key;
	uint32_t stacks[GOSAN_DEP_SETS];
	const struct gosan_g *g = ev->g;
	struct gosan_depinst *in;
	struct gosan_dep *d;
	bool is_new;

	key = (struct gosan_dep){.kind = kind, .lock = ev->obj, .read = ev->mode & GO_LOCK_READ};
	for (size_t i = g->n_held; i-- > 0;) {
		if (g->held[i].obj == ev->obj)
			continue;
		if (key.n_held == GOSAN_DEP_SETS - 1) {
			GOSAN_COUNT(deps_lost);
			return false;
		}
		stacks[key.n_held] = g->held[i].stack;
		key.held[key.n_held] = g->held[i].obj;
		key.held_read[key.n_held++] = g->held[i].mode & GO_LOCK_READ;
	}
	d = intern(&key);
	if (!d)
		return false;
	in = room(d, g, ev->stack, &is_new);
	if (!in)
		return false;
	in->g = ev->g;
	in->stack = ev->stack;
	in->at = ev->at;
	gosan_clock_copy(&in->weak, &g->weak);
	for (size_t i = 0; i < key.n_held; i++)
		in->held_stack[i] = stacks[i];
	if (outer) {
		in->outer = outer->at;
		in->held_stack[GOSAN_DEP_SETS - 1] = outer->stack;
	}
	*ret_dep = d;
	*ret_inst = (size_t)(in - d->inst);
	return is_new;
}
