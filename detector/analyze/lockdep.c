/* SPDX-License-Identifier: Apache-2.0
 *
 * lockdep.c: the record of lock dependencies: who asked for which lock, holding what. What follows from it is
 * lockorder.c's.
 *
 * Invariants
 *  - Of a dependency with more than GOSAN_DEP_INSTANCES requests the first half of the places keeps the first ones,
 *    the other half is a ring of the latest.
 *  - use->asks and use->holds of a lock count the dependencies of kind GOSAN_DEP_REQUEST that do so and are not out;
 *    the chains at use->askers and use->holders have them all, and grow at their ends.
 *
 * Capacity: a program with thousands of locks that it nests at random has as many dependencies as nested requests.
 * Each is as long as its held set. Table and list double when they are full; memory is the only limit.
 */
#include <string.h>

#include "../../runtime/probe.h"
#include "token.h"
#include "mem.h"
#include "lockdep.h"

#define ROOM_FIRST 1024u

/* Open addressing, at most half full; `room` of each: table and list are replaced together. */
static struct gosan_dep **table;
struct gosan_dep **gosan_lockdep_all;
uint32_t gosan_lockdep_n;
static uint32_t room; /* of the list; the table has twice as many */
static bool closed;

/* A request as it is looked for: a dependency with its held set. */
static union {
	struct gosan_dep d;
	char room[sizeof(struct gosan_dep) + GOSAN_DEP_SETS * sizeof(struct gosan_dephold)];
} key;

/* Held sets are compared in order of acquisition: the same set in another order is another dependency, which
 * costs a place and loses nothing. */
static bool same(const struct gosan_dep *a)
{
	const struct gosan_dep *b = &key.d;

	if (a->hash != b->hash || a->kind != b->kind || a->lock != b->lock || a->read != b->read ||
	    a->n_held != b->n_held)
		return false;
	for (size_t i = 0; i < a->n_held; i++)
		if (a->held[i].obj != key.d.held[i].obj || a->held[i].read != key.d.held[i].read)
			return false;
	return true;
}

/* By id, not by address: memory is reused, ids are not. */
static uint32_t hash(void)
{
	uint64_t h = gosan_waits_hash(key.d.lock->id, (uint64_t)key.d.kind * 2 + key.d.read);

	for (size_t i = 0; i < key.d.n_held; i++)
		h = gosan_waits_hash(h, key.d.held[i].obj->id * 2u + key.d.held[i].read);
	return (uint32_t)(h ^ h >> 32);
}

/* The place in a table of n for what has this hash: taken by its equal, or free. */
static struct gosan_dep **place(struct gosan_dep **t, uint32_t n, uint32_t h, bool look)
{
	uint32_t i = h & (n - 1);

	while (t[i] && !(look && same(t[i])))
		i = (i + 1) & (n - 1);
	return &t[i];
}

/* Room for one more. */
static bool more_room(void)
{
	uint32_t n = room ? room * 2 : ROOM_FIRST;
	struct gosan_dep **t, **list;

	if (gosan_lockdep_n < room)
		return true;
	if (n > GOSAN_DEPS_MAX)
		return false;
	t = gosan_mem_alloc(2 * n * sizeof *t);
	list = t ? gosan_mem_alloc(n * sizeof *list) : NULL;
	if (!list) {
		if (t)
			gosan_mem_free(t, 2 * n * sizeof *t);
		return false;
	}
	for (uint32_t i = 0; i < gosan_lockdep_n; i++) {
		list[i] = gosan_lockdep_all[i];
		*place(t, 2 * n, list[i]->hash, false) = list[i];
	}
	if (room) {
		gosan_mem_free(table, 2 * room * sizeof *t);
		gosan_mem_free(gosan_lockdep_all, room * sizeof *list);
	}
	table = t;
	gosan_lockdep_all = list;
	room = n;
	return true;
}

static void count_in(struct gosan_dep *d, int by)
{
	struct gosan_use *u = gosan_waits_use(d->lock);

	if (u)
		u->asks += (uint32_t)by;
	for (size_t i = 0; i < d->n_held; i++)
		if ((u = gosan_waits_use(d->held[i].obj)) != NULL)
			u->holds += (uint32_t)by;
}

/* At the ends of its chains. d was just put into the list. */
static void chain(struct gosan_dep *d)
{
	struct gosan_use *u = gosan_waits_use(d->lock);
	struct gosan_dep *last;

	if (u) {
		last = gosan_lockdep_at(u->askers[1]);
		*(last ? &last->next : &u->askers[0]) = gosan_lockdep_n;
		u->askers[1] = gosan_lockdep_n;
	}
	for (size_t i = 0; i < d->n_held; i++) {
		u = gosan_waits_use(d->held[i].obj);
		if (!u)
			continue;
		last = gosan_lockdep_at(u->holders[1]);
		if (last)
			last->held[gosan_lockdep_where(last, d->held[i].obj)].next = gosan_lockdep_n;
		else
			u->holders[0] = gosan_lockdep_n;
		u->holders[1] = gosan_lockdep_n;
	}
}

/* The dependency equal to the key, made when new. */
static struct gosan_dep *intern(void)
{
	size_t size = sizeof(struct gosan_dep) + key.d.n_held * sizeof(struct gosan_dephold);
	struct gosan_dep **at, *d = NULL;

	key.d.hash = hash();
	if (room) {
		at = place(table, 2 * room, key.d.hash, true);
		if (*at)
			return *at;
	}
	if (more_room())
		d = gosan_mem_alloc(size);
	if (!d) {
		GOSAN_COUNT(deps_lost);
		return NULL;
	}
	memcpy(d, &key, size);
	*place(table, 2 * room, d->hash, false) = d;
	gosan_lockdep_all[gosan_lockdep_n++] = d;
	d->out = d->kind != GOSAN_DEP_REQUEST;
	if (!d->out)
		count_in(d, 1);
	chain(d);
	return d;
}

/* Most dependencies have one instance. */
static bool grow(struct gosan_dep *d)
{
	uint16_t more = d->room ? (uint16_t)(d->room * 4) : 1;
	size_t one = gosan_lockdep_inst_size(d);
	char *bigger;

	if (d->n < d->room)
		return true;
	bigger = gosan_mem_alloc(more * one);
	if (!bigger) {
		GOSAN_COUNT(deps_lost);
		return false;
	}
	if (d->n)
		memcpy(bigger, d->inst, d->n * one);
	if (d->room)
		gosan_mem_free(d->inst, d->room * one);
	d->inst = bigger;
	d->room = more;
	return true;
}

/* The latest request of a goroutine from one place stands for its earlier ones beyond the first: whatever is
 * concurrent with one in the middle is nearly always concurrent with one of the two. */
static struct gosan_depinst *room_for(struct gosan_dep *d, const struct gosan_g *g, uint32_t stack,
				      size_t *ret_at, bool *ret_new)
{
	size_t seen = 0, mine = 0;

	for (size_t i = 0; i < d->n; i++)
		if (gosan_lockdep_inst(d, i)->g == g && gosan_lockdep_inst(d, i)->stack == stack) {
			mine = i;
			seen++;
		}
	*ret_new = seen == 0;
	if (seen > 1) {
		*ret_at = mine;
	} else if (d->n < GOSAN_DEP_INSTANCES) {
		if (!grow(d))
			return NULL;
		*ret_at = d->n++;
	} else {
		*ret_at = GOSAN_DEP_INSTANCES / 2 + d->turn++ % (GOSAN_DEP_INSTANCES / 2);
	}
	return gosan_lockdep_inst(d, *ret_at);
}

/* The key, and the stacks of what g holds. False: it holds too many locks. Who does is left out: one that was
 * forgotten might be the gate that keeps others away. A semaphore that is used as a lock is held, too; nobody asks for
 * one, so it can be no more than a gate. */
static bool describe(enum gosan_depkind kind, const struct gosan_event *ev, uint32_t *stacks)
{
	const struct gosan_g *g = ev->g;

	key.d = (struct gosan_dep){
		.kind = (unsigned char)kind, .lock = ev->obj, .read = ev->mode & GO_LOCK_READ};
	for (size_t i = g->n_held; i-- > 0;) {
		if (g->held[i].obj == ev->obj || gosan_lockdep_where(&key.d, g->held[i].obj) < key.d.n_held)
			continue;
		if (key.d.n_held == GOSAN_DEP_SETS - 1) {
			GOSAN_COUNT(deps_lost);
			return false;
		}
		stacks[key.d.n_held] = g->held[i].stack;
		key.d.held[key.d.n_held++] =
			(struct gosan_dephold){.obj = g->held[i].obj, .read = g->held[i].mode & GO_LOCK_READ};
	}
	for (size_t i = 0; i < GOSAN_TOKENS && g->tokens[i] && key.d.n_held < GOSAN_DEP_SETS - 1; i++)
		if (gosan_token_excludes(g->tokens[i]) &&
		    gosan_lockdep_where(&key.d, g->tokens[i]) == key.d.n_held) {
			stacks[key.d.n_held] = ev->stack;
			key.d.held[key.d.n_held++] = (struct gosan_dephold){.obj = g->tokens[i]};
		}
	return true;
}

bool gosan_lockdep_record(enum gosan_depkind kind, const struct gosan_event *ev,
			  const struct gosan_held *outer, struct gosan_dep **ret_dep, size_t *ret_inst)
{
	uint32_t stacks[GOSAN_DEP_SETS];
	struct gosan_depinst *in;
	struct gosan_dep *d;
	bool is_new;

	if (closed || !describe(kind, ev, stacks))
		return false;
	d = intern();
	in = d ? room_for(d, ev->g, ev->stack, ret_inst, &is_new) : NULL;
	if (!in)
		return false;
	in->g = ev->g;
	in->stack = ev->stack;
	in->at = ev->at;
	in->outer = outer ? outer->stack : 0;
	gosan_clock_copy(&in->weak, &ev->g->weak);
	for (size_t i = 0; i < d->n_held; i++)
		in->held_stack[i] = stacks[i];
	*ret_dep = d;
	return is_new;
}

bool gosan_lockdep_possible(const struct gosan_dep *d)
{
	const struct gosan_use *u = gosan_waits_use(d->lock);
	bool asked = false;

	for (size_t i = 0; i < d->n_held && !asked; i++) {
		const struct gosan_use *h = gosan_waits_use(d->held[i].obj);

		asked = !h || h->asks;
	}
	return asked && (!u || u->holds);
}

/* Work that came up while something was left out: first in, last out. */
static uint32_t work;

static void look_at(struct gosan_dep *d, uint32_t link)
{
	if (d->out || d->listed)
		return;
	d->listed = true;
	d->todo = work;
	work = link;
}

/* Nobody asks for lock any more: whoever holds it is less of a danger. */
static void look_at_holders(const struct gosan_obj *lock, const struct gosan_use *u)
{
	for (uint32_t k = u->holders[0]; k;) {
		struct gosan_dep *d = gosan_lockdep_at(k);

		look_at(d, k);
		k = d->held[gosan_lockdep_where(d, lock)].next;
	}
}

static void look_at_askers(const struct gosan_use *u)
{
	for (uint32_t k = u->askers[0]; k; k = gosan_lockdep_at(k)->next)
		look_at(gosan_lockdep_at(k), k);
}

/* d does not count any more. A lock's chain is walked when its count comes to zero, so once: all of the pruning costs as
 * much as there are locks in dependencies. (Kahn's topological sort, 1962.) */
static void count_out(struct gosan_dep *d)
{
	const struct gosan_use *u = gosan_waits_use(d->lock);

	d->out = true;
	count_in(d, -1);
	if (u && !u->asks)
		look_at_holders(d->lock, u);
	for (size_t i = 0; i < d->n_held; i++) {
		u = gosan_waits_use(d->held[i].obj);
		if (u && !u->holds)
			look_at_askers(u);
	}
}

void gosan_lockdep_leave_out(struct gosan_dep *d)
{
	if (d->out)
		return;
	count_out(d);
	while (work) {
		struct gosan_dep *next = gosan_lockdep_at(work);

		work = next->todo;
		next->listed = false;
		if (!next->out && !gosan_lockdep_possible(next))
			count_out(next);
	}
}

void gosan_lockdep_close(void)
{
	closed = true;
}
