/* SPDX-License-Identifier: Apache-2.0
 *
 * leak.c: GS301, goroutines that are still blocked when the run is over.
 *
 * Not a leak: who sleeps, waits for I/O or sits in a blocking call; who waits for what timers, signals or a
 * context that can still be cancelled deliver; and who waits for an object that a goroutine which is not
 * stuck has used, since that one may have come to its help a moment later. The last rule is applied until
 * nothing changes: whoever is helped counts as not stuck. Main is at its end and helps nobody.
 *
 * Grade: proved when everybody who ever used the object has ended or is stuck, too; else likely (main could
 * still have helped, and did not).
 * Consequences of what a finding explains already are not reported, nor are waits for a WaitGroup or lock
 * that a leaked goroutine keeps from being released.
 */
#include <inttypes.h>
#include <stdio.h>

#include "../../runtime/probe.h"
#include "analyze.h"

static struct gosan_vec stuck;           /* struct gosan_g *, by id */
static bool main_counts;                 /* main goes on: it may help, and may be stuck */

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

/* May g still do something? */
static bool runs(const struct gosan_g *g)
{
	if (g->ended || (g->id == 1 && !main_counts))
		return false;
	return !g->wait.why || (waits_of(g) && waits_of(g)->live);
}

/* Answers of one pass over the stuck are remembered per object: many wait for the same one. */
static uint32_t question;

/* Somebody who fits, uses what g waits for, and is not g. For those that g itself doesn't fit only. */
static const struct gosan_g *user(const struct gosan_g *g, bool (*fits)(const struct gosan_g *))
{
	for (size_t i = 0; i < g->wait.n && i < GOSAN_WAIT_MAX; i++) {
		struct gosan_use *u = g->wait.on[i].obj ? g->wait.on[i].obj->use : NULL;

		if (u && u->asked != question) {
			u->asked = question;
			u->answer = gosan_waits_user(g->wait.on[i].obj, fits);
		}
		if (u && u->answer)
			return u->answer;
	}
	return NULL;
}

/* Whoever was started by a user of the WaitGroup that g waits for, directly or further down, may have been
 * given it and not have come to its Done yet. */
static bool descends(const struct gosan_g *who, const struct gosan_obj *obj)
{
	for (int level = 0; who && level < 8; level++, who = who->parent)
		if (gosan_waits_uses(who, obj))
			return true;
	return false;
}

/* Like user(), also among descendants of users. */
static bool relative(const struct gosan_g *g, bool (*fits)(const struct gosan_g *))
{
	for (const struct gosan_g *r = gosan_engine_all(); r; r = r->next)
		for (size_t i = 0; r != g && !r->ended && i < g->wait.n && i < GOSAN_WAIT_MAX && fits(r); i++)
			if (g->wait.on[i].obj && descends(r, g->wait.on[i].obj))
				return true;
	return false;
}

static bool helped(const struct gosan_g *g)
{
	return user(g, runs) || (g->wait.why == GO_WAIT_WAITGROUP && relative(g, runs));
}

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

static void collect(void)
{
	stuck.n = 0;
	for (struct gosan_g *g = gosan_waits_first(); g; g = gosan_waits_next(g)) {
		bool mine = !g->is_thread && !g->is_system && g->id && (g->id != 1 || main_counts);
		struct gosan_g **place = NULL;

		waits_of(g)->live = fed(g);
		if (mine && !waits_of(g)->live)
			place = gosan_vec_push(&stuck, sizeof *place);
		if (place)
			*place = g;
	}
	sort_by_id();
}

/* Take out whoever may be helped by one that runs, until nobody more is. */
static void release_helped(void)
{
	size_t kept, before;

	do {
		before = stuck.n;
		kept = 0;
		question++;
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

static bool is_explained(const struct gosan_g *g)
{
	return !g->ended && g->wait.why && gosan_waits_explained(g);
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
		for (size_t i = 0; i < stuck.n; i++)
			if (!is_explained(list()[i]) && relative(list()[i], is_explained)) {
				gosan_waits_explain(list()[i]);
				more = true;
			}
	}
}

static bool is_stuck(const struct gosan_g *g)
{
	return !g->ended && g->wait.why && g->id && (g->id != 1 || main_counts) && waits_of(g) && !waits_of(g)->live;
}

static bool blocks_others(const struct gosan_g *g)
{
	return is_stuck(g) && g->wait.why != GO_WAIT_WAITGROUP;
}

/* Blocked only because another leaked goroutine does not go on. */
static bool follows(const struct gosan_g *g)
{
	if (g->wait.why == GO_WAIT_WAITGROUP)
		return relative(g, blocks_others);
	return g->wait.why >= GO_WAIT_MUTEX && g->wait.why <= GO_WAIT_ONCE && g->wait.why != GO_WAIT_COND &&
	       relative(g, is_stuck);
}

static bool is_left(const struct gosan_g *g)
{
	return !g->ended && !is_stuck(g);
}

static void report(const struct gosan_g *g, enum gosan_end why)
{
	struct gosan_finding *f = gosan_finding_begin(301);
	const struct gosan_obj *obj = g->wait.n ? g->wait.on[0].obj : NULL;
	bool alone = !user(g, is_left);
	const char *helper = gosan_waits_helper(g);

	f->obj = obj;
	if (!obj)
		f->obj_kind = "chan";
	f->grade = alone ? GOSAN_PROVED : GOSAN_LIKELY;
	f->dedup = gosan_waits_hash(gosan_waits_hash(1, g->created_stack), g->wait.stack);
	gosan_finding_locks(gosan_finding_part(f, "blocked", g, gosan_waits_op(g), g->wait.stack));
	snprintf(f->title, sizeof f->title, "goroutine leak: blocked in %s", gosan_waits_op(g));
	snprintf(f->why, sizeof f->why, "%s is still blocked in %s on {obj} %s; %s%s%s", gosan_waits_who(g),
	         gosan_waits_op(g), why == GOSAN_END_TIMEOUT ? "when the time is up" : "when the program exits",
	         alone ? "nobody who ever used it is left to wake it" : "nobody who runs has ever used it",
	         *helper ? "; " : "", helper);
	snprintf(f->help, sizeof f->help,
	         "give it a way out: close the channel when there is no more to come, or select on the done "
	         "channel of a context too");
	gosan_finding_emit(f);
}

void gosan_leak_judge(enum gosan_end why)
{
	bool reported = false;

	if (why != GOSAN_END_EXIT && why != GOSAN_END_TIMEOUT)
		return;
	main_counts = why == GOSAN_END_TIMEOUT;
	collect();
	release_helped();
	spread_explanations();
	question++; /* who is left: asked by every report */
	for (int consequences = 0; consequences < 2 && !reported; consequences++)
		for (size_t i = 0; i < stuck.n; i++) {
			const struct gosan_g *g = list()[i];

			if (is_explained(g) || (!consequences && follows(g)))
				continue;
			report(g, why);
			reported = true;
		}
}
