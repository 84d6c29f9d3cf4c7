/* SPDX-License-Identifier: Apache-2.0
 *
 * leak.c: GS301, goroutines that are still blocked when the run is over.
 *
 * "Blocked" alone is no bug: a program may end while others still work. A leak is a goroutine of which it can
 * be said that nobody would have come. What can be known about that is who worked with the object:
 *
 *      main ──made──► ch ◄──receives── worker          main is over, nobody else knows ch: a leak
 *      feeder ──sends──► ch ◄──receives── worker       feeder sleeps between two sends: no leak
 *      feeder ──sends──► ch ◄──receives── worker       feeder waits for something that nobody brings:
 *                                                      two leaks
 *
 * Not a leak: who sleeps, waits for I/O or sits in a blocking call; who waits for what timers, signals or a
 * context that can still be cancelled deliver; and who waits for an object that a goroutine which is not
 * stuck has used, since that one may have come to its help a moment later. The last rule is applied until
 * nothing changes: whoever is helped counts as not stuck. Main is at its end and helps nobody. When the run
 * was cut off nothing is at its end, so here descendants of users count as users as well.
 *
 * Grade: proved when everybody who ever used the object has ended or is stuck, too, and nobody runs who could
 * have been given it; else likely (main could still have helped, and did not).
 * Consequences of what a finding explains already are not reported, nor are waits for a WaitGroup or lock
 * that a leaked goroutine keeps from being released. Where these go round in a circle (the holder of a lock
 * waits for workers that need the lock) the first of the circle stands for all.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../runtime/probe.h"
#include "words.h"

static struct gosan_vec stuck; /* struct gosan_g *, by id */
static bool cut_off;           /* the time was up: everybody, main too, might have gone on */

static struct gosan_g **list(void)
{
	return stuck.data;
}

/* Somebody outside the goroutines may end this wait. */
static bool fed(const struct gosan_g *g)
{
	const struct gosan_use *u;

	if (g->wait.truncated || g->wait.n > GOSAN_WAIT_MAX || g->wait.why == GO_WAIT_SLEEP ||
	    g->wait.why >= GO_WAIT_IO)
		return true;
	for (size_t i = 0; i < g->wait.n; i++) {
		const struct gosan_obj *obj = g->wait.on[i].obj;

		if (g->wait.on[i].op == GO_ON_AFTER)
			return true;
		if (!obj)
			continue;
		u = obj->use;
		if ((u && (u->fed || u->partial)) || gosan_resource_open_context(obj))
			return true;
	}
	return false;
}

static struct gosan_waits *waits_of(const struct gosan_g *g)
{
	return g->waits;
}

/* Questions about an object: is there somebody of this sort among its users, or among whom its users started?
 * The latter may have been given it and not have come to it yet. Nobody who asks is of the sort asked for, so
 * the answer is the same for all who wait for the object, and is remembered for one pass. */
enum question { RUNS, RUNS_BELOW, EXPLAINED_BELOW, BLOCKED_BELOW, IN_ONCE, LEFT };

#define KNOTS_MAX 16 /* each costs a walk over all of the stuck */

static uint32_t pass;

/* May g still do something? */
static bool runs(const struct gosan_g *g)
{
	if (g->ended || (g->id == 1 && !cut_off))
		return false;
	return !g->wait.why || (waits_of(g) && waits_of(g)->live);
}

static bool is_explained(const struct gosan_g *g)
{
	return !g->ended && g->wait.why && gosan_waits_explained(g);
}

/* One of those that this file is about: parked, and nobody helped it. */
static bool is_stuck(const struct gosan_g *g)
{
	return !g->ended && g->wait.why && g->id > 1 && waits_of(g) && !waits_of(g)->live;
}

/* Keeps a WaitGroup from reaching zero. Those who wait for it themselves do not. */
static bool blocks_waitgroup(const struct gosan_g *g)
{
	return is_stuck(g) && g->wait.why != GO_WAIT_WAITGROUP;
}

static bool blocks_once(const struct gosan_g *g)
{
	return is_stuck(g) && g->wait.why != GO_WAIT_ONCE;
}

/* Could be blamed for not helping: alive and not stuck, or main. */
static bool is_left(const struct gosan_g *g)
{
	return !g->ended && !is_stuck(g);
}

static const struct {
	bool (*fits)(const struct gosan_g *);
	bool below;
} questions[GOSAN_QUESTIONS] = {
	[RUNS] = {runs, false},
	[RUNS_BELOW] = {runs, true},
	[EXPLAINED_BELOW] = {is_explained, true},
	[BLOCKED_BELOW] = {blocks_waitgroup, true},
	[IN_ONCE] = {blocks_once, false},
	[LEFT] = {is_left, false},
};

/* Eight levels of go statements: deeper trees hand their objects down, and then somebody in between uses them. */
static bool descends(const struct gosan_g *who, const struct gosan_obj *obj)
{
	for (int level = 0; who && level < 8; level++, who = who->parent)
		if (gosan_waits_uses(who, obj))
			return true;
	return false;
}

/* The slow way: once per object and pass. */
static bool find(const struct gosan_obj *obj, enum question q)
{
	if (!questions[q].below)
		return gosan_waits_used_by(obj, questions[q].fits);
	for (const struct gosan_g *g = gosan_engine_all(); g; g = g->next)
		if (!g->ended && questions[q].fits(g) && descends(g, obj))
			return true;
	return false;
}

/* Of any of the objects that g waits for. */
static bool ask(const struct gosan_g *g, enum question q)
{
	for (size_t i = 0; i < g->wait.n && i < GOSAN_WAIT_MAX; i++) {
		struct gosan_use *u = g->wait.on[i].obj ? g->wait.on[i].obj->use : NULL;

		if (!u)
			continue;
		if (u->asked[q] != pass) {
			u->asked[q] = pass;
			u->answer[q] = find(g->wait.on[i].obj, q);
		}
		if (u->answer[q])
			return true;
	}
	return false;
}

/* In order of birth, so that of many leaks at one place the same one is shown every time. */
static void sort_by_id(void)
{
	struct gosan_g **v = list();

	for (size_t gap = stuck.n / 2; gap > 0; gap /= 2) /* Shell sort: qsort may allocate */
		for (size_t i = gap; i < stuck.n; i++)
			for (size_t k = i; k >= gap && v[k - gap]->id > v[k]->id; k -= gap) {
				struct gosan_g *t = v[k];

				v[k] = v[k - gap];
				v[k - gap] = t;
			}
}

/* Main is never leaked, it is what the others outlive. Threads are GS302's. */
static void collect(void)
{
	stuck.n = 0;
	for (struct gosan_g *g = gosan_waits_first(); g; g = gosan_waits_next(g)) {
		bool mine = !g->is_thread && !g->is_system && g->id > 1;
		struct gosan_g **place = NULL;

		waits_of(g)->live = fed(g);
		if (mine && !waits_of(g)->live)
			place = gosan_vec_push(&stuck, sizeof *place);
		if (place)
			*place = g;
	}
	sort_by_id();
}

/* A WaitGroup is touched once, at the end of the work: that a worker has not touched it yet says nothing. */
static bool helped(const struct gosan_g *g)
{
	return ask(g, RUNS) || ((cut_off || g->wait.why == GO_WAIT_WAITGROUP) && ask(g, RUNS_BELOW));
}

/* Take out whoever may be helped by one that runs, until nobody more is. */
static void release_helped(void)
{
	size_t kept, before;

	do {
		before = stuck.n;
		kept = 0;
		pass++;
		for (size_t i = 0; i < before; i++) {
			struct gosan_g *g = list()[i];

			if (helped(g))
				waits_of(g)->live = true;
			else
				list()[kept++] = g;
		}
		stuck.n = kept;
	} while (kept < before);
}

static bool any_explained(void)
{
	for (const struct gosan_g *g = gosan_waits_first(); g; g = gosan_waits_next(g))
		if (gosan_waits_explained(g))
			return true;
	return false;
}

/* Who waits for somebody whose standstill is explained, is explained too. */
static void spread_explanations(void)
{
	bool more = any_explained();

	while (more) {
		more = false;
		pass++;
		for (size_t i = 0; i < stuck.n; i++)
			if (!is_explained(list()[i]) && ask(list()[i], EXPLAINED_BELOW)) {
				gosan_waits_explain(list()[i], "leak");
				more = true;
			}
	}
}

/* Blocked only because another leaked goroutine does not go on. */
static bool follows(const struct gosan_g *g)
{
	const struct gosan_obj *obj = g->wait.n ? g->wait.on[0].obj : NULL;

	if (g->wait.why == GO_WAIT_WAITGROUP)
		return ask(g, BLOCKED_BELOW);
	if (g->wait.why == GO_WAIT_ONCE)
		return ask(g, IN_ONCE);
	return obj && obj->owner && is_stuck(obj->owner);
}

/* What a way out looks like depends on what it waits for. */
static const char *way_out(const struct gosan_g *g)
{
	switch (g->wait.why) {
	case GO_WAIT_WAITGROUP:
		return "make sure that every Add has its Done on every path: go_defer(go_waitgroup_done, ..) "
		       "first "
		       "thing in the worker";
	case GO_WAIT_MUTEX:
	case GO_WAIT_RLOCK:
	case GO_WAIT_WLOCK:
		return "make sure that whoever holds the lock comes to its unlock: hold it for short "
		       "sections that "
		       "do not block";
	case GO_WAIT_ONCE:
		return "the function of a once must return, so it must not wait for somebody who waits for "
		       "the same "
		       "once";
	case GO_WAIT_COND:
		return "wake everybody when the condition changes for all (go_cond_broadcast), also when "
		       "there is no "
		       "more to come";
	default:
		return "give it a way out: close the channel when there is no more to come, or select on the "
		       "done "
		       "channel of a context too";
	}
}

/* Leaks of goroutines from one go statement, blocked at one place, are one bug, with a count. */
static void report(const struct gosan_g *g, enum gosan_end why)
{
	struct gosan_finding *f = gosan_finding_begin(301);
	const struct gosan_obj *obj = g->wait.n ? g->wait.on[0].obj : NULL;
	const struct gosan_g *main_g = gosan_waits_by_rank(1, NULL),
			     *waiter; /* main, when it is parked itself */
	const struct gosan_obj *lock;
	bool left = ask(g, LEFT), alone = !left && !ask(g, RUNS_BELOW);
	const char *helper = gosan_words_helper(g);

	f->obj = obj;
	if (!obj)
		f->obj_kind = "chan";
	f->grade = alone ? GOSAN_PROVED : GOSAN_LIKELY;
	f->dedup = gosan_waits_hash(gosan_waits_hash(1, g->created_stack), g->wait.stack);
	gosan_finding_locks(gosan_finding_part(f, "blocked", g, gosan_words_op(g), g->wait.stack));
	snprintf(f->title, sizeof f->title, "goroutine leak: blocked in %s", gosan_words_op(g));
	snprintf(f->why, sizeof f->why, "%s is still blocked in %s on {obj} %s; %s%s%s", gosan_words_who(g),
		 gosan_words_op(g),
		 why == GOSAN_END_TIMEOUT ? "when the time is up" : "when the program exits",
		 alone ? "nobody who ever used it is left to wake it"
		 : left && (!main_g || main_g->id != 1)
			 ? "of those who ever used it, only main is not blocked, and it ends"
			 : "nobody who runs has ever used it",
		 *helper ? "; " : "", helper);
	snprintf(f->help, sizeof f->help, "%s", way_out(g));
	waiter = gosan_words_hostage(g, &lock);
	if (waiter) {
		size_t at = strlen(f->why);

		snprintf(f->why + at, sizeof f->why - at, "; meanwhile it holds %s, for which %s waits",
			 gosan_words_what(lock), gosan_words_who(waiter));
		snprintf(f->help, sizeof f->help,
			 "unlock before the wait: whoever could end it may need the lock");
	}
	gosan_finding_emit(f);
}

/* Everybody left follows somebody. Without whoever is explained by now, what remains are circles. */
static void report_knots(enum gosan_end why)
{
	size_t knots = 0;

	spread_explanations();
	for (size_t i = 0; i < stuck.n && knots < KNOTS_MAX; i++) {
		if (is_explained(list()[i]))
			continue;
		report(list()[i], why);
		gosan_waits_explain(list()[i], "leak");
		spread_explanations();
		knots++;
	}
}

void gosan_leak_judge(enum gosan_end why)
{
	bool more = false;

	if ((why != GOSAN_END_EXIT && why != GOSAN_END_TIMEOUT) || !gosan_check_on("leak"))
		return;
	cut_off = why == GOSAN_END_TIMEOUT;
	collect();
	release_helped();
	spread_explanations();
	pass++;
	for (size_t i = 0; i < stuck.n; i++) {
		if (is_explained(list()[i]))
			continue;
		if (follows(list()[i])) {
			more = true;
			continue;
		}
		report(list()[i], why);
		gosan_waits_explain(list()[i], "leak");
	}
	if (more)
		report_knots(why);
}
