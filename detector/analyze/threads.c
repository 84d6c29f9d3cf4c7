/* SPDX-License-Identifier: Apache-2.0
 *
 * threads.c: when do all threads of a program stand still (GS201 is block.c's), and which ended ones did nobody join
 * or detach (GS302)?
 *
 * The goroutine runtime knows when nothing can run any more; of threads nobody does. All that are known must be
 * parked without a time limit, and none of them may be on its way:
 *
 *      a lock that nobody holds           its next owner has not told us yet
 *      a condition that was signalled     the waiter runs as soon as it gets the mutex
 *      a semaphore that was posted, a barrier that is full, a thread that ended
 *
 * That much the books say, at once and at little cost. Before it is called a deadlock, the front end asks the kernel
 * (gosan_engine_can_act): is some task awake, or one there that never called us? A signal handler may still wake
 * somebody; then the finding is taken back.
 *
 * A thread that blocks in a call that we do not watch (poll, read, sleep) is not parked, so it counts as running.
 */
#include <inttypes.h>
#include <stdio.h>

#include "../../runtime/probe.h"
#include "words.h"

/* The first who moved at the last look. Mostly it still does, so that a park costs one comparison. */
static const struct gosan_g *witness;

/* With goroutines in the process it is the runtime that says when all is over: one of them counts as moving. */
static bool moves(const struct gosan_g *g)
{
	return !g->ended && !g->is_system && (!g->is_thread || !g->wait.why || g->wait.timed);
}

static bool shared(const struct gosan_obj *obj)
{
	return obj->flags & GOSAN_OBJ_SHARED;
}

static bool woken(const struct gosan_obj *obj)
{
	const struct gosan_use *u = obj->use;

	return u && u->woken;
}

/* A robust mutex goes from the dead to the next. */
static bool is_free(const struct gosan_obj *l)
{
	return shared(l) || !l->owner || (l->owner->ended && l->flags & GOSAN_OBJ_ROBUST);
}

/* A writer that waits keeps readers out while others read, if the lock prefers writers. */
static bool may_read(const struct gosan_obj *l)
{
	bool queue = l->flags & GOSAN_OBJ_WRITERS_FIRST && l->readers;

	for (const struct gosan_g *g = gosan_waits_first(); g && queue; g = gosan_waits_next(g))
		if (g->wait.why == GO_WAIT_WLOCK && gosan_waits_on(g, l))
			return shared(l);
	return is_free(l);
}

/* Can a parked thread go on although everybody else stands still? */
static bool on_its_way(const struct gosan_g *g)
{
	const struct gosan_obj *obj = g->wait.n ? g->wait.on[0].obj : NULL;

	if (g->wait.why == GOSAN_WAIT_JOIN)
		return !g->wait.joins || g->wait.joins->ended;
	if (!obj || shared(obj))
		return true;
	switch (g->wait.why) {
	case GO_WAIT_MUTEX:
		return is_free(obj);
	case GO_WAIT_RLOCK:
		return may_read(obj);
	case GO_WAIT_WLOCK:
		return is_free(obj) && !obj->readers;
	case GO_WAIT_COND:
		return woken(obj) && (!g->wait.relock || is_free(g->wait.relock));
	case GOSAN_WAIT_SEM:
	case GOSAN_WAIT_BARRIER: /* of an unknown value nothing follows */
		return !obj->counted || woken(obj);
	case GO_WAIT_ONCE: /* whoever runs its function stands still like all */
		return false;
	default:
		return true;
	}
}

bool gosan_threads_stand_still(bool by_books)
{
	if (witness && moves(witness))
		return false;
	for (const struct gosan_g *g = gosan_engine_all(); g; g = g->next)
		if (moves(g)) {
			witness = g;
			return false;
		}
	for (const struct gosan_g *g = gosan_waits_first(); g; g = gosan_waits_next(g))
		if (!g->ended && on_its_way(g))
			return false;
	return gosan_waits_by_rank(1, NULL) && (by_books || !gosan_engine_can_act || !gosan_engine_can_act());
}

/* Part of the threads. Whoever only waits for a condition, a semaphore or a barrier may be woken by anybody, but mostly
 * is by those who worked with it before. */

bool gosan_threads_is_stuck(const struct gosan_g *g)
{
	const struct gosan_waits *w = g->waits;

	return g->is_thread && !g->ended && g->wait.why && w && !w->live;
}

static bool is_agent(const struct gosan_g *g)
{
	return !g->ended && !gosan_threads_is_stuck(g);
}

/* A lock that the dead left is another finding's. */
static bool lock_comes(const struct gosan_g *g, const struct gosan_obj *l)
{
	struct gosan_g *reader[16];
	size_t n = g->wait.why == GO_WAIT_WLOCK ? gosan_waits_readers(l, reader, 16) : 0;

	while (n > 0 && !gosan_threads_is_stuck(reader[n - 1]))
		n--;
	return n == 0 && (!l->owner || !gosan_threads_is_stuck(l->owner));
}

/* May somebody who is not stuck end g's wait? */
static bool helped(const struct gosan_g *g)
{
	const struct gosan_obj *obj = g->wait.n ? g->wait.on[0].obj : NULL;
	const struct gosan_use *u = obj ? obj->use : NULL;

	if (g->wait.timed || on_its_way(g))
		return true;
	if (g->wait.why == GOSAN_WAIT_JOIN)
		return !gosan_threads_is_stuck(g->wait.joins);
	if (g->wait.why >= GO_WAIT_MUTEX && g->wait.why <= GO_WAIT_WLOCK)
		return lock_comes(g, obj);
	if (g->wait.why != GO_WAIT_COND && g->wait.why != GOSAN_WAIT_SEM && g->wait.why != GOSAN_WAIT_BARRIER)
		return true;
	return !u || u->fed || u->partial || gosan_waits_used_by(obj, is_agent);
}

/* Everybody counts as stuck until somebody who is not can help. */
size_t gosan_threads_find_stuck(void)
{
	size_t n = 0, freed = 1;

	for (struct gosan_g *g = gosan_waits_first(); g; g = gosan_waits_next(g))
		gosan_waits_of(g)->live = false;
	while (freed > 0) {
		n = freed = 0;
		for (struct gosan_g *g = gosan_waits_first(); g; g = gosan_waits_next(g)) {
			if (!gosan_threads_is_stuck(g))
				continue;
			n++;
			gosan_waits_of(g)->live = helped(g);
			freed += gosan_waits_of(g)->live;
		}
	}
	return n;
}

/* One finding for all threads of one pthread_create. */
static void report(const struct gosan_g *g)
{
	struct gosan_finding *f = gosan_finding_begin(302);

	f->obj_kind = "thread";
	f->dedup = gosan_waits_hash(302, g->created_stack);
	gosan_finding_part(f, "creator", g->parent, "create", g->created_stack);
	gosan_finding_part(f, "leaked", g, "end", g->last_stack);
	snprintf(f->title, sizeof f->title, "thread leak: it ended, and was neither joined nor detached");
	snprintf(f->why, sizeof f->why,
		 "%s ended, and %s, which created it, or anybody else never called for its end: its stack "
		 "and its "
		 "descriptor stay for as long as the process lives",
		 gosan_words_who(g), gosan_words_who(g->parent));
	snprintf(f->help, sizeof f->help,
		 "join it, or detach it: pthread_detach, or an attribute with PTHREAD_CREATE_DETACHED");
	gosan_finding_story(f, g->parent, g->created_stack, "create %s", gosan_words_who(g));
	gosan_finding_story(f, g, g->last_stack, "end  <-- never joined");
	gosan_finding_emit(f);
}

/* Only threads that were seen to be created: who announced no parent is a library's own affair. One that still runs
 * at the exit leaks nothing: background threads are meant to. Oldest first, as reports go. */
void gosan_threads_judge(enum gosan_end why)
{
	const struct gosan_g *next;

	if (why != GOSAN_END_EXIT || !gosan_check_on("leak"))
		return;
	for (uint32_t last = 0;; last = next->tid) {
		next = NULL;
		for (const struct gosan_g *g = gosan_engine_all(); g; g = g->next)
			if (g->is_thread && g->ended && g->parent && !g->joined && !g->detached &&
			    g->tid > last && (!next || g->tid < next->tid))
				next = g;
		if (!next)
			return;
		report(next);
	}
}
