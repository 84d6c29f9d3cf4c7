/* SPDX-License-Identifier: Apache-2.0
 *
 * held.c: who holds which lock, from the lock events that came the long way.
 *
 * Invariants
 *  - held[0..n_held) are the acquisitions without a release, in order, and entries that count no more: of a write
 *    lock whose owner is another by now, of read locks of an object that is `crossed`. They go before the next event
 *    of their goroutine is looked at.
 *  - A list is changed by its own goroutine, or while that rests. The array is replaced under the engine lock only
 *    (lockpath.c needs room that is there), so whoever has the lock can read any list.
 *  - obj->owner is the writer that holds it, obj->readers the number of readers, as far as releases were seen.
 */
#include <string.h>

#include "../runtime/probe.h"
#include "lockpath.h"
#include "mem.h"
#include "held.h"

static bool same_mode(int a, int b)
{
	return (a & GO_LOCK_READ) == (b & GO_LOCK_READ);
}

/* Most goroutines hold no lock, few more than four: the list starts small and grows fourfold up to the
 * maximum that analyzers expect. */
static bool held_room(struct gosan_g *g)
{
	size_t room = g->held_room ? g->held_room * 4 : 4;

	if (g->n_held < g->held_room)
		return true;
	if (room > GOSAN_HELD_MAX)
		return false;
	struct gosan_held *held = gosan_mem_alloc(room * sizeof *held);

	if (!held)
		return false;
	if (g->n_held)
		memcpy(held, g->held, g->n_held * sizeof *held);
	gosan_mem_free(g->held, g->held_room * sizeof *held);
	g->held = held;
	g->held_room = room;
	return true;
}

/* The newest acquisition of obj in this mode; false when g has none. */
static bool let_go(struct gosan_g *g, const struct gosan_obj *obj, int mode)
{
	for (size_t i = g->n_held; i-- > 0;) {
		if (g->held[i].obj != obj || !same_mode(g->held[i].mode, mode))
			continue;
		gosan_lockpath_drop(g, i);
		return true;
	}
	return false;
}

/* Before anybody looks at what g holds: entries of locks that another goroutine gave back. g runs here, or not at
 * all. */
void gosan_held_prune(struct gosan_g *g)
{
	for (size_t i = g->n_held; i-- > 0;) {
		const struct gosan_held *h = &g->held[i];

		if (h->mode & GO_LOCK_READ ? h->obj->crossed : h->obj->owner != g)
			gosan_lockpath_drop(g, i);
	}
}

/* A lock that finds no room is held nevertheless: owner and readers are right, only the list is short. */
void gosan_held_add(const struct gosan_event *ev)
{
	struct gosan_g *g = ev->g;

	if (ev->mode & GO_LOCK_READ)
		ev->obj->readers++;
	else
		ev->obj->owner = g;
	if (held_room(g))
		gosan_lockpath_push(g, &(struct gosan_held){ev->obj, ev->mode, ev->stack, ev->at});
	else
		GOSAN_COUNT(held_lost);
}

/* Its list is nobody's but ours now. */
static bool rests(const struct gosan_g *g)
{
	return g->wait.why || g->ended;
}

/* Go lets anybody unlock. Then the writer is known: if it runs, its entry counts no more, since it isn't the owner,
 * and goes when it comes by. Of the readers that rest any one is taken, as nothing tells which; and if all run, none is believed. */
void gosan_held_remove(const struct gosan_event *ev)
{
	struct gosan_obj *obj = ev->obj;
	bool read = ev->mode & GO_LOCK_READ, found = let_go(ev->g, obj, ev->mode);

	if (!found && !read && obj->owner && rests(obj->owner))
		let_go(obj->owner, obj, ev->mode);
	for (struct gosan_g *g = found || !read || !obj->readers ? NULL : gosan_engine_all(); g && !found;
	     g = g->next)
		found = rests(g) && let_go(g, obj, ev->mode);
	obj->crossed |= read && !found;
	if (!read)
		obj->owner = NULL;
	else if (obj->readers)
		obj->readers--;
	gosan_lockpath_left(ev->g, obj, gosan_engine_tick);
	obj->release_stack = ev->stack;
}
