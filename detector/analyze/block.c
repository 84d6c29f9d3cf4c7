/* SPDX-License-Identifier: Apache-2.0
 *
 * block.c: who waits for whom while the program runs: GS504 at the park, GS202 when a cycle of lock owners
 * closes, GS201 when everything stands still. Also keeps the books of waits.c.
 *
 * A wait for a lock has known helpers: its owner, the readers that a writer waits for, the writer that a
 * reader queues behind. Each of them must act before the wait can end, so one path of such edges back to
 * its start is a deadlock, whatever the others do. Nothing is concluded from waits that anybody can end.
 *
 *      g1 ──waits for──► mutex a ──held by──► g2
 *      g2 ──waits for──► mutex b ──held by──► g1        GS202: g1 and g2; GS201 if nobody else runs
 *      g3 ──waits for──► rwmutex c ──queued──► g4 ──waits for──► rwmutex c ──read by──► g3
 *
 * The last one is a read lock taken twice with a writer in between. A mutex that nobody holds is on its way
 * from one goroutine to the next, and a walk ends there; so does it at a goroutine that runs, sleeps or waits
 * for anything but a lock.
 *
 * One root cause, one finding. A cycle is kept back for GRACE_NS: if everything stands still by then, it is
 * the reason of a GS201 and no GS202. What a finding explains is marked and not reported again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../../runtime/probe.h"
#include "lockpath.h"
#include "words.h"

#define GRACE_NS   UINT64_C(200000000)
#define CYCLE_MAX  16
#define CYCLES_MAX 8
#define WALK_MAX   256
#define EDGES_MAX  16

struct cycle {
	size_t n;
	struct gosan_g *g[CYCLE_MAX]; /* each waits for the next, the last for the first */
	uint64_t since_ns;
};

static struct cycle pending[CYCLES_MAX];
static size_t n_pending;
static bool stalled;

/* The clock of wait.since_ns. */
static uint64_t now_ns(void)
{
	struct timespec ts;

	if (gosan_engine_replayed_ns)
		return gosan_engine_replayed_ns;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

/* The lock of a lock wait; of a select, its first channel. */
static struct gosan_obj *waits_for(const struct gosan_g *g)
{
	return g->wait.why && g->wait.n ? g->wait.on[0].obj : NULL;
}

/* GS504 */

/* At once: no other goroutine can have any influence. Several at one place fold into one finding. */
static __attribute__((noinline)) void report_nil(struct gosan_g *g)
{
	bool cases = g->wait.why == GO_WAIT_NO_CASES, sends = !strcmp(gosan_words_op(g), "chan send");
	struct gosan_finding *f = gosan_finding_begin(504);

	f->obj_kind = "chan";
	gosan_finding_locks(gosan_finding_part(f, "blocked", g, gosan_words_op(g), g->wait.stack));
	snprintf(f->title, sizeof f->title,
		 cases ? "a select in which no case can ever be ready" : "%s nil channel",
		 sends ? "send on a" : "receive from a");
	snprintf(f->why, sizeof f->why, "%s is blocked for ever: %s", gosan_words_who(g),
		 cases ? "its select has no cases, or only cases of nil channels"
		       : "a nil channel is never ready, and nobody can be on its other side");
	snprintf(f->help, sizeof f->help,
		 cases ? "wait for something that can happen, for example the done "
			 "channel of a context"
		       : "make the channel with go_make() before it is used");
	gosan_finding_emit(f);
	gosan_waits_explain(g, "channel");
}

/* Cycles of lock owners. */

/* Whom a new reader waits for when writers go first. */
static size_t queued_writers(const struct gosan_obj *l, struct gosan_g **ret, size_t n)
{
	size_t i = 0;

	for (struct gosan_g *g = gosan_waits_first(); g && i < n; g = gosan_waits_next(g))
		if (g->wait.why == GO_WAIT_WLOCK && waits_for(g) == l)
			ret[i++] = g;
	return i;
}

/* New readers queue behind writers that wait: of goroutines always, of threads by the lock's kind. */
static bool writers_first(const struct gosan_obj *l)
{
	return !(l->flags & GOSAN_OBJ_OWNED) || l->flags & GOSAN_OBJ_WRITERS_FIRST;
}

static bool is_lock_wait(const struct gosan_g *g)
{
	return g->wait.why >= GO_WAIT_MUTEX && g->wait.why <= GO_WAIT_WLOCK;
}

/* Everybody who must act before g's wait can end, as far as known.
 * Each helper is necessary, none sufficient: a writer needs all readers to go, and one that can't is enough to
 * be stuck. A lock without owner is being handed over: nobody is to blame. A semaphore's owner need not be the one
 * who gives it back. What ends by itself needs nobody. */
static size_t helpers(const struct gosan_g *g, struct gosan_g **ret)
{
	struct gosan_obj *l = waits_for(g);

	if (g->wait.timed)
		return 0;
	if (g->wait.why == GOSAN_WAIT_JOIN) {
		ret[0] = g->wait.joins;
		return ret[0] && !ret[0]->ended;
	}
	if (!l || !is_lock_wait(g) || (!(l->flags & GOSAN_OBJ_OWNED) && gosan_lock_handed_over(l)))
		return 0;
	if (l->owner) {
		ret[0] = l->owner;
		return 1;
	}
	if (g->wait.why == GO_WAIT_WLOCK)
		return gosan_waits_readers(l, ret, EDGES_MAX);
	return g->wait.why == GO_WAIT_RLOCK && l->readers && writers_first(l)
		       ? queued_writers(l, ret, EDGES_MAX)
		       : 0;
}

/* Breadth first from g to itself; the shortest cycle into *c. */
static bool find_cycle(struct gosan_g *g, struct cycle *c)
{
	static struct {
		struct gosan_g *g;
		size_t from;
	} seen[WALK_MAX];
	struct gosan_g *next[EDGES_MAX];
	uint32_t mark = gosan_waits_new_mark();
	size_t n = 0, n_next;

	gosan_waits_mark(g, mark);
	seen[n].g = g;
	seen[n++].from = 0;
	for (size_t i = 0; i < n; i++) {
		n_next = helpers(seen[i].g, next);
		for (size_t k = 0; k < n_next; k++) {
			if (next[k] == g && !(i == 0 && g->wait.why == GO_WAIT_MUTEX)) {
				for (c->n = 0; c->n < CYCLE_MAX; i = seen[i].from) {
					c->g[c->n++] = seen[i].g;
					if (i == 0)
						return true;
				}
				return false; /* longer than can be told */
			}
			if (n < WALK_MAX && !next[k]->ended && next[k]->wait.why &&
			    gosan_waits_mark(next[k], mark)) {
				seen[n].g = next[k];
				seen[n++].from = i;
			}
		}
	}
	return false;
}

/* From the end back to the start: turn it round, and let the lowest rank begin, so that the report does not
 * tell who came last. */

static void normalize(struct cycle *c)
{
	struct gosan_g *g[CYCLE_MAX];
	size_t first = 0;

	for (size_t i = 0; i < c->n; i++) {
		g[i] = c->g[c->n - 1 - i];
		if (gosan_waits_rank(g[i]) < gosan_waits_rank(g[first]))
			first = i;
	}
	for (size_t i = 0; i < c->n; i++)
		c->g[i] = g[(first + i) % c->n];
}

/* Somebody else may have unlocked in the meantime, and the same goroutines may wait for other things by now. */
static bool still_stuck(const struct cycle *c)
{
	struct gosan_g *next[EDGES_MAX];

	for (size_t i = 0; i < c->n; i++) {
		size_t n = helpers(c->g[i], next);

		while (n > 0 && next[n - 1] != c->g[(i + 1) % c->n])
			n--;
		if (n == 0)
			return false;
	}
	return true;
}

/* "a waits for x, which b has; b waits for y, which a has; c waits for the end of a". A writer that is queued keeps
 * readers out without having the lock. */
static void tell_cycle(const struct cycle *c, char *text, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < c->n && at < size; i++) {
		const struct gosan_g *next = c->g[(i + 1) % c->n];
		const struct gosan_obj *l = waits_for(c->g[i]);
		bool queued = l && waits_for(next) == l && !gosan_waits_holds(next, l);

		at += (size_t)snprintf(text + at, size - at, "%s%s waits for %s", i ? "; " : "",
				       gosan_words_who(c->g[i]), gosan_words_awaited(c->g[i]));
		if (at < size && c->g[i]->wait.why != GOSAN_WAIT_JOIN)
			at += (size_t)snprintf(text + at, size - at, ", which %s %s", gosan_words_who(next),
					       queued ? "wants to write first" : "has");
	}
}

/* Who took what first, then who waits: the two halves of a deadlock. */
static void tell_story(struct gosan_finding *f, const struct cycle *c)
{
	for (size_t i = 0; i < c->n && i < 4; i++) {
		const struct gosan_obj *l = waits_for(c->g[(i + c->n - 1) % c->n]);
		const struct gosan_held *h = l ? gosan_waits_holds(c->g[i], l) : NULL;

		if (h)
			gosan_finding_story(f, c->g[i], h->stack, "%s %s",
					    h->mode & GO_LOCK_READ ? "rlock" : "lock",
					    gosan_words_what(h->obj));
	}
	for (size_t i = 0; i < c->n && i < 4; i++)
		gosan_finding_story(
			f, c->g[i], c->g[i]->wait.stack, "%s %s  <-- waits", gosan_words_op(c->g[i]),
			c->g[i]->wait.why == GOSAN_WAIT_JOIN ? gosan_words_who(c->g[i]->wait.joins)
							     : gosan_words_what(waits_for(c->g[i])));
}

/* The first lock of the cycle: joins alone make a cycle of threads only. */
static struct gosan_obj *lock_of(const struct cycle *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (waits_for(c->g[i]))
			return waits_for(c->g[i]);
	return NULL;
}

static const char *advice(const struct cycle *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->g[i]->wait.why == GOSAN_WAIT_JOIN)
			return "join a thread only where nothing is held that it needs to come to its end";
	return "take these locks in the same order everywhere";
}

/* One participant for each, with the locks that it holds, which is where it took what the one before it wants. */
static void report_cycle(const struct cycle *c)
{
	struct gosan_finding *f;

	if (!still_stuck(c))
		return;
	f = gosan_finding_begin(202);
	f->obj = lock_of(c);
	f->obj_kind = "thread";
	for (size_t i = 0; i < c->n; i++)
		gosan_finding_locks(gosan_finding_part(f, "waiter", c->g[i], gosan_words_op(c->g[i]),
						       c->g[i]->wait.stack));
	snprintf(f->title, sizeof f->title, "%zu %ss wait for each other for ever", c->n,
		 gosan_words_kind(c->g[0]));
	tell_cycle(c, f->why, sizeof f->why);
	snprintf(f->help, sizeof f->help, "%s", advice(c));
	tell_story(f, c);
	gosan_finding_emit(f);
	for (size_t i = 0; i < c->n; i++)
		gosan_waits_blame(c->g[i], "deadlock");
}

/* In order of discovery. */
static __attribute__((noinline)) void flush_cycles(void)
{
	for (size_t i = 0; i < n_pending; i++)
		report_cycle(&pending[i]);
	n_pending = 0;
}

/* A goroutine that waits for itself is GS204's, which has reported it at the request. */
static __attribute__((noinline)) void look_for_cycle(struct gosan_g *g)
{
	struct cycle *c = &pending[n_pending];

	if (n_pending == CYCLES_MAX)
		flush_cycles();
	c = &pending[n_pending];
	if (gosan_waits_explained(g) || !find_cycle(g, c))
		return;
	normalize(c);
	c->since_ns = g->wait.since_ns;
	n_pending++;
}

/* A park is the last thing that a goroutine says. */
static inline void on_park(struct gosan_g *g)
{
	if (g->wait.why == GO_WAIT_NIL_CHAN || g->wait.why == GO_WAIT_NO_CASES)
		report_nil(g);
	else if (is_lock_wait(g) || g->wait.why == GOSAN_WAIT_JOIN)
		look_for_cycle(g);
}

/* GS201 */

/* One of the parked is known never to go on: then those who wait with it need no finding of their own. */
static bool any_explained(void)
{
	for (const struct gosan_g *g = gosan_waits_first(); g; g = gosan_waits_next(g))
		if (!g->ended && gosan_waits_explained(g))
			return true;
	return false;
}

/* So that predictions about the same locks are not made after the fact. */
static void explain_all(void)
{
	for (struct gosan_g *g = gosan_waits_first(); g; g = gosan_waits_next(g))
		gosan_waits_explain(g, "deadlock");
}

/* An earlier participant waits at the same place for the same thing. */
static bool told_before(const struct gosan_finding *f, size_t i)
{
	const struct gosan_g *g = f->parts[i].g;

	for (size_t k = 0; k < i; k++)
		if (f->parts[k].stack == f->parts[i].stack && waits_for(f->parts[k].g) == waits_for(g) &&
		    g->wait.why != GOSAN_WAIT_JOIN)
			return true;
	return false;
}

/* "a waits for x, its last sender was b, which ended; .." as far as there is room. */
static void tell_waits(struct gosan_finding *f)
{
	char *text = f->why;
	size_t at = 0, told = 0, size = sizeof f->why - 40;

	for (size_t i = 0; i < f->n_parts && told < 4 && at < size; i++) {
		const struct gosan_g *g = f->parts[i].g;
		const char *help = gosan_words_helper(g);

		if (told_before(f, i))
			continue;
		at += (size_t)snprintf(text + at, size - at, "%s%s is blocked in %s", told++ ? "; " : "",
				       gosan_words_who(g), gosan_words_op(g));
		if (at < size && gosan_words_awaited(g))
			at += (size_t)snprintf(text + at, size - at, " on %s%s%s", gosan_words_awaited(g),
					       *help ? ", " : "", help);
	}
	if (told < f->n_parts + f->n_more && at < size)
		snprintf(text + at, 40, "; %zu more wait", f->n_parts + f->n_more - told);
}

/* Does one of them keep a lock that others wait for, while it waits for something else? */
static bool any_hostage(const struct gosan_finding *f)
{
	const struct gosan_obj *lock;

	for (size_t i = 0; i < f->n_parts; i++) {
		const struct gosan_g *g = f->parts[i].g;

		if (!is_lock_wait(g) && gosan_words_hostage(g, &lock))
			return true;
	}
	return false;
}

/* All of the parked, main first. With a cycle of owners among them, that is the reason and the others wait
 * behind it; else each is asked who could have helped. */
static void report_stall(void)
{
	struct gosan_finding *f = gosan_finding_begin(201);
	struct gosan_g *g = gosan_waits_by_rank(1, NULL);
	const struct gosan_g *first;
	const struct cycle *c = n_pending && still_stuck(&pending[0]) ? &pending[0] : NULL;

	if (!g)
		return;
	first = g;
	f->obj = c ? lock_of(c) : waits_for(g);
	f->obj_kind = "thread";
	for (; g && f->n_parts < GOSAN_PARTS_MAX; g = gosan_waits_by_rank(gosan_waits_rank(g) + 1, NULL)) {
		gosan_finding_locks(gosan_finding_part(f, "blocked", g, gosan_words_op(g), g->wait.stack));
		if (!f->obj)
			f->obj = waits_for(g); /* main joins: what the joined one waits for is the cause */
	}
	for (g = gosan_waits_first(); g; g = gosan_waits_next(g))
		f->n_more += !g->is_system && !g->ended;
	f->n_more -= f->n_parts;
	snprintf(f->title, sizeof f->title, "every %s is blocked, for ever", gosan_words_kind(first));
	if (c) {
		tell_cycle(c, f->why, sizeof f->why);
		tell_story(f, c);
	} else {
		tell_waits(f);
	}
	snprintf(f->help, sizeof f->help, "%s",
		 c ? advice(c)
		 : any_hostage(f)
			 ? "unlock before the wait: whoever could end it may need the lock"
			 : gosan_words_advice(first,
					      "make sure that each wait has somebody left who ends it: "
					      "a send, a close, a Done or an unlock on every path",
					      "make sure that each wait has somebody left who ends it: "
					      "a signal, a post or an unlock on every path"));
	gosan_finding_emit(f);
}

/* Nothing runs any more, and nothing will. What explains one of the waits explains the standstill. */
static __attribute__((noinline)) void on_stall(void)
{
	if (stalled)
		return;
	stalled = true;
	gosan_lock_judge(GOSAN_END_STALL);
	if (!any_explained())
		report_stall();
	explain_all();
	n_pending = 0;
}

/* The same for threads. A signal handler may still set one of them going: then it was no deadlock. */
static __attribute__((noinline)) void on_standstill(void)
{
	gosan_lock_judge(GOSAN_END_STALL);
	if (!any_explained()) {
		report_stall();
		for (struct gosan_g *g = gosan_waits_first(); g; g = gosan_waits_next(g))
			gosan_waits_blame(g, "deadlock");
	}
	explain_all();
	n_pending = 0;
}

/* Does one of the stuck keep a lock, or its end, from another one? Those who only wait for more to do don't. */
static bool any_knot(void)
{
	for (const struct gosan_g *g = gosan_waits_first(); g; g = gosan_waits_next(g)) {
		const struct gosan_g *keeper = g->wait.why == GOSAN_WAIT_JOIN    ? g->wait.joins
					       : is_lock_wait(g) && waits_for(g) ? waits_for(g)->owner
										 : NULL;

		if (gosan_threads_is_stuck(g) && keeper && gosan_threads_is_stuck(keeper))
			return true;
	}
	return false;
}

/* The time is up, and some threads run. Of the others some may wait for each other through semaphores, conditions and
 * barriers: likely, since somebody who never touched these might have helped. */
static void report_knot(void)
{
	struct gosan_finding *f;
	struct gosan_g *g;
	size_t n = any_explained() ? 0 : gosan_threads_find_stuck();

	if (n < 2 || !any_knot())
		return;
	f = gosan_finding_begin(202);
	f->grade = GOSAN_LIKELY;
	for (g = gosan_waits_by_rank(1, NULL); g; g = gosan_waits_by_rank(gosan_waits_rank(g) + 1, NULL)) {
		if (!gosan_threads_is_stuck(g))
			continue;
		if (!f->obj)
			f->obj = waits_for(g);
		gosan_finding_locks(gosan_finding_part(f, "waiter", g, gosan_words_op(g), g->wait.stack));
	}
	snprintf(f->title, sizeof f->title, "%zu threads wait for each other for ever", n);
	tell_waits(f);
	snprintf(f->help, sizeof f->help, "unlock before the wait: whoever could end it may need the lock");
	gosan_finding_emit(f);
}

/* SIGKILL gives no chance to say more: a cycle that is older than the grace period is told at the next event
 * of whoever still runs. Reading the clock costs 20 ns, and only while a cycle is kept back. */
static void after(const struct gosan_event *ev) /* small: what is rare lies apart */
{
	gosan_waits_note(ev);
	if (ev->op == GOSAN_EV_G_PARK)
		on_park(ev->g);
	else if (ev->op == GOSAN_EV_STALL)
		on_stall();
	else if (n_pending && now_ns() - pending[0].since_ns > GRACE_NS)
		flush_cycles();
	if ((ev->op == GOSAN_EV_G_PARK || ev->op == GOSAN_EV_G_END) && ev->g->is_thread &&
	    gosan_threads_stand_still(false) && !gosan_lock_in_doubt())
		on_standstill();
	if (gosan_lockpath_off != (n_pending > 0))
		gosan_lockpath_off = n_pending > 0;
}

/* lock.c has been asked before, so that what it explains is marked. After a standstill the leaks are the same
 * goroutines again. */
static void end(enum gosan_end why)
{
	if (why == GOSAN_END_STALL)
		on_stall();
	else if (why != GOSAN_END_EXIT && gosan_threads_stand_still(true)) /* also ended by a signal */
		on_standstill();
	flush_cycles();
	if (why == GOSAN_END_TIMEOUT)
		report_knot();
	if (stalled)
		return;
	gosan_leak_judge(why);
	gosan_threads_judge(why);
}

const struct gosan_analyzer gosan_analyze_block = {
	.check = "deadlock",
	.after = after,
	.end = end,
	.reap = gosan_waits_reap,
};
