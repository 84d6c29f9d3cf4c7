/* SPDX-License-Identifier: Apache-2.0
 *
 * waitgroup.c: GS401 (an Add that a Wait can overtake), GS402 (below zero), GS403 (reused too early).
 *
 * What is known of a WaitGroup is a group of operations: every Add and Done since the last Add that found the
 * counter at zero and happens after all Adds and Dones before it; these sum up to zero for everybody who
 * can know of that Add, and are dropped. A schedule runs a down-closed set of the group's operations, so
 *   an Add a is safe against a Wait w iff  a is before the call of w,  or w is before a (it had returned),
 *   or min over schedules of the counter at a is > 0:
 *       adds before a - dones before a - max over sets X of concurrent Dones (X - concurrent Adds X needs)
 * and the last term is a flow question (wgflow.c). The terms before it don't change after a, so most wrong
 * Adds are reported at once; the others when the counter is back at zero and all their Dones are known.
 * Whether a or w ran first plays no role: each looks for the other when it comes second.
 *
 * Capacity: one Wait per goroutine, at most WAITS_MAX; ASKED_MAX questions per call site and group;
 * OPS_MAX operations per group. What goes beyond is counted in wg_lost.
 */
#include <inttypes.h>
#include <stdio.h>

#include "../../runtime/probe.h"
#include "mem.h"
#include "wgflow.h"

#define WAITS_MAX 1024
#define ASKED_MAX 128
#define OPS_MAX   (1u << 20)

struct wait {
	const struct gosan_g *g;
	uint32_t stack;
	struct gosan_stamp at;
	struct gosan_clock clock; /* strong, at the call */
};

/* An Add that is safe only if no set of Dones can run before it. */
struct pending {
	uint64_t add_seq;
	size_t wait; /* index, or WAITS_MAX when that Wait is forgotten */
};

struct site {
	uint32_t stack;
	unsigned asked;
};

struct group {
	struct group *next; /* all WaitGroups */
	const struct gosan_obj *obj;
	uint64_t seq;
	struct gosan_vec adds, dones; /* struct gosan_wgop */
	struct gosan_vec waits, pending, sites;
	size_t oldest_wait;
	bool has_prev;
	struct gosan_stamp prev_first; /* the first Add of the group before */
	bool negative, reused;         /* GS402, GS403 was reported */
	bool closed;                   /* judged for good, or not to be judged */
};

static struct group *all;

static struct group *group_of(struct gosan_obj *obj)
{
	struct group *w = obj->wg;

	if (w)
		return w;
	w = gosan_mem_alloc(sizeof *w);
	if (!w)
		return NULL;
	w->obj = obj;
	w->next = all;
	all = w;
	obj->wg = w;
	return w;
}

/* Reports. */

static void report_overtaken(const struct group *w, const struct gosan_wgop *a, const struct wait *wait)
{
	struct gosan_finding *f = gosan_finding_begin(401);

	f->obj = w->obj;
	gosan_finding_part(f, "adder", a->g, "add", a->stack);
	gosan_finding_part(f, "waiter", wait->g, "wait", wait->stack);
	snprintf(f->title, sizeof f->title, "Add on {obj} can be overtaken by Wait");
	snprintf(f->why, sizeof f->why,
		 "nothing orders the Add(%" PRId64
		 ") of %s before the Wait of %s, and the counter can be zero "
		 "when it runs: in some schedule Wait returns first and the work is not waited for",
		 a->n, gosan_waits_who(a->g), gosan_waits_who(wait->g));
	snprintf(f->help, sizeof f->help,
		 "call Add before the go statement that starts the work, or start it with go_waitgroup_go()");
	if (a->g && a->g->parent == wait->g)
		gosan_finding_story(f, wait->g, a->g->created_stack, "go");
	gosan_finding_story(f, wait->g, wait->stack, "Wait: counter is 0, returns");
	gosan_finding_story(f, a->g, a->stack, "Add(%" PRId64 ")  <-- too late", a->n);
	gosan_finding_emit(f);
}

static void report_reuse(struct group *w, const struct gosan_g *g, uint32_t stack, const struct wait *wait)
{
	struct gosan_finding *f = gosan_finding_begin(403);

	w->reused = true;
	f->obj = w->obj;
	gosan_finding_part(f, "adder", g, "add", stack);
	if (wait)
		gosan_finding_part(f, "waiter", wait->g, "wait", wait->stack);
	snprintf(f->title, sizeof f->title, "{obj} is reused before the previous Wait returned");
	snprintf(f->why, sizeof f->why,
		 "%s starts a new round, knowing that all work of the last one is done, but nothing orders "
		 "this "
		 "Add after the return of the Wait of %s, which may still be about to look at the counter",
		 gosan_waits_who(g), wait ? gosan_waits_who(wait->g) : "another goroutine");
	snprintf(f->help, sizeof f->help,
		 "start the new round after every Wait of the old one has returned, "
		 "or use a fresh WaitGroup for each round");
	if (wait)
		gosan_finding_story(f, wait->g, wait->stack, "Wait: woken, has not returned");
	gosan_finding_story(f, g, stack, "Add of the next round  <-- unordered");
	gosan_finding_emit(f);
}

/* `add` is one that is not before the Done; NULL when there is none. */
static void report_negative(struct group *w, const struct gosan_g *g, uint32_t stack,
			    const struct gosan_wgop *add, bool happened)
{
	struct gosan_finding *f = gosan_finding_begin(402);

	w->negative = true;
	f->obj = w->obj;
	gosan_finding_part(f, "current", g, "done", stack);
	if (add)
		gosan_finding_part(f, "adder", add->g, "add", add->stack);
	snprintf(f->title, sizeof f->title, "the counter of {obj} %s below zero",
		 happened ? "goes" : "can go");
	if (happened)
		snprintf(f->why, sizeof f->why, "%s takes more from the counter than was added",
			 gosan_waits_who(g));
	else if (add)
		snprintf(f->why, sizeof f->why,
			 "nothing orders the Add of %s before this Done of %s: a schedule that runs the Done "
			 "first "
			 "takes the counter below zero and panics",
			 gosan_waits_who(add->g), gosan_waits_who(g));
	else
		snprintf(f->why, sizeof f->why, "more Dones than Adds can have run when %s calls Done",
			 gosan_waits_who(g));
	snprintf(f->help, sizeof f->help, "Add once for each Done, before the go statement that leads to it");
	if (add && !happened) {
		gosan_finding_story(f, g, stack, "Done: counter -1  <-- panics");
		gosan_finding_story(f, add->g, add->stack, "Add(%" PRId64 ")", add->n);
	}
	gosan_finding_emit(f);
}

/* Questions. */

static bool safe_past(const struct gosan_wgop *a, const struct gosan_vec *v, int64_t *ret_sum)
{
	const struct gosan_wgop *op = v->data;

	for (size_t i = 0; i < v->n; i++)
		if (gosan_wgflow_before(&op[i], a))
			*ret_sum += op[i].n;
	return *ret_sum > 0;
}

/* The part of the counter at a that holds in every schedule. */
static int64_t base_at(const struct group *w, const struct gosan_wgop *a)
{
	int64_t adds = 0, dones = 0;

	if (!safe_past(a, &w->adds, &adds))
		return 0;
	safe_past(a, &w->dones, &dones);
	return adds - dones;
}

/* Pick what is concurrent with a; the sum of it. */
static int64_t pick_concurrent(const struct gosan_vec *v, const struct gosan_wgop *a)
{
	struct gosan_wgop *op = v->data;
	int64_t sum = 0;

	for (size_t i = 0; i < v->n; i++) {
		op[i].picked =
			&op[i] != a && !gosan_wgflow_before(&op[i], a) && !gosan_wgflow_before(a, &op[i]);
		sum += op[i].picked ? op[i].n : 0;
	}
	return sum;
}

static bool positive_at(const struct group *w, const struct gosan_wgop *a)
{
	const struct gosan_wgop *left;
	int64_t base = base_at(w, a), dones = pick_concurrent(&w->dones, a), missing;

	if (base <= 0 || base > dones)
		return base > 0;
	pick_concurrent(&w->adds, a);
	missing = gosan_wgflow_missing(&w->dones, &w->adds, &left);
	if (missing < 0)
		GOSAN_COUNT(wg_lost);
	return base > missing;
}

/* a and wait are concurrent and the counter can be zero at a. Who starts a new round knowing that the last
 * one is over, while a Wait of that one may not have returned, reuses; who doesn't know is overtaken. */
static void report_pair(struct group *w, const struct gosan_wgop *a, const struct wait *wait)
{
	if (a->knows_prev && gosan_clock_covers(&wait->clock, w->prev_first))
		report_reuse(w, a->g, a->stack, wait);
	else
		report_overtaken(w, a, wait);
}

/* Questions cost time proportional to the group. Calls from one line have one answer nearly always. */
static bool may_ask(struct group *w, uint32_t stack)
{
	struct site *s = w->sites.data;
	size_t i = 0;

	while (i < w->sites.n && s[i].stack != stack)
		i++;
	s = i < w->sites.n ? &s[i] : gosan_vec_push(&w->sites, sizeof *s);
	if (!s)
		return false;
	s->stack = stack;
	if (s->asked >= ASKED_MAX)
		GOSAN_COUNT(wg_lost);
	return s->asked++ < ASKED_MAX;
}

static void contest(struct group *w, const struct gosan_wgop *a, size_t wait)
{
	struct pending *p;

	if (!may_ask(w, a->stack))
		return;
	if (base_at(w, a) <= 0) {
		report_pair(w, a, &((struct wait *)w->waits.data)[wait]);
		return;
	}
	p = gosan_vec_push(&w->pending, sizeof *p);
	if (p)
		*p = (struct pending){a->seq, wait};
}

static const struct gosan_wgop *find_add(const struct group *w, uint64_t seq)
{
	const struct gosan_wgop *op = w->adds.data;

	for (size_t i = 0; i < w->adds.n; i++)
		if (op[i].seq == seq)
			return &op[i];
	return NULL;
}

/* The counter is zero (or the run is over): all Dones that belong to the pending Adds are known. */
static void settle(struct group *w)
{
	struct pending *p = w->pending.data;

	for (size_t i = 0; i < w->pending.n; i++) {
		const struct gosan_wgop *a = find_add(w, p[i].add_seq);

		if (a && p[i].wait < w->waits.n && !positive_at(w, a))
			report_pair(w, a, &((struct wait *)w->waits.data)[p[i].wait]);
	}
	w->pending.n = 0;
}

/* P5: can a set of Dones run before the Adds that it needs? */
static void judge_negative(struct group *w)
{
	struct gosan_wgop *adds = w->adds.data, *dones = w->dones.data;
	const struct gosan_wgop *done = NULL, *add = NULL;

	if (w->negative || !w->dones.n)
		return;
	for (size_t i = 0; i < w->adds.n; i++)
		adds[i].picked = true;
	for (size_t i = 0; i < w->dones.n; i++)
		dones[i].picked = true;
	int64_t missing = gosan_wgflow_missing(&w->dones, &w->adds, &done);

	if (missing < 0)
		GOSAN_COUNT(wg_lost);
	if (missing <= 0 || !done)
		return;
	for (size_t i = 0; i < w->adds.n && !add; i++)
		if (!gosan_wgflow_before(&adds[i], done))
			add = &adds[i];
	report_negative(w, done->g, done->stack, add, false);
}

/* Rounds. */

static void drop_ops(struct gosan_vec *v)
{
	struct gosan_wgop *op = v->data;

	for (size_t i = 0; i < v->n; i++)
		gosan_clock_clear(&op[i].clock);
	if (v->cap > 1024)
		gosan_vec_free(v, sizeof *op);
	v->n = 0;
}

static void close_group(struct group *w)
{
	settle(w);
	judge_negative(w);
	drop_ops(&w->adds);
	drop_ops(&w->dones);
	w->sites.n = 0;
}

static bool knows_all(const struct gosan_clock *c, const struct gosan_vec *v)
{
	const struct gosan_wgop *op = v->data;

	for (size_t i = v->n; i-- > 0;) /* newest first: the likeliest not to be known */
		if (!gosan_clock_covers(c, op[i].at))
			return false;
	return true;
}

/* An Add that finds zero and knows everything opens a new group. */
static bool open_group(struct group *w, const struct gosan_event *ev)
{
	const struct gosan_clock *c = &ev->g->strong;

	if (ev->arg2 != ev->arg || !w->adds.n || !knows_all(c, &w->dones) || !knows_all(c, &w->adds))
		return false;
	w->prev_first = ((struct gosan_wgop *)w->adds.data)->at;
	w->has_prev = true;
	close_group(w);
	return true;
}

static struct gosan_wgop *record(struct group *w, struct gosan_vec *v, const struct gosan_event *ev)
{
	if (w->adds.n + w->dones.n >= OPS_MAX) {
		GOSAN_COUNT(wg_lost);
		return NULL;
	}
	struct gosan_wgop *op = gosan_vec_push(v, sizeof *op);

	if (!op)
		return NULL;
	op->at = ev->at;
	op->seq = ++w->seq;
	op->n = ev->arg < 0 ? -ev->arg : ev->arg;
	op->g = ev->g;
	op->stack = ev->stack;
	gosan_clock_copy(&op->clock, &ev->g->strong);
	return op;
}

static void on_add(struct group *w, const struct gosan_event *ev)
{
	bool opens = open_group(w, ev);
	struct gosan_wgop *a = record(w, &w->adds, ev);
	const struct wait *wait = w->waits.data;

	if (!a)
		return;
	a->knows_prev = opens && w->has_prev;
	for (size_t i = 0; i < w->waits.n; i++)
		if (!gosan_clock_covers(&ev->g->strong, wait[i].at)) {
			contest(w, a, i);
			break; /* one Wait is enough to be wrong */
		}
}

static void on_done(struct group *w, const struct gosan_event *ev)
{
	const struct gosan_wgop *d = record(w, &w->dones, ev);

	if (d && ev->arg2 < 0 && !w->negative)
		report_negative(w, ev->g, ev->stack, NULL, true);
	if (ev->arg2 == 0)
		settle(w);
}

/* Only the newest Wait of a goroutine matters: an Add that is not after an older one is not after it either. */
static struct wait *room_for_wait(struct group *w, const struct gosan_g *g)
{
	struct wait *wait = w->waits.data;

	for (size_t i = w->waits.n; i-- > 0;)
		if (wait[i].g == g)
			return &wait[i];
	if (w->waits.n < WAITS_MAX)
		return gosan_vec_push(&w->waits, sizeof *wait);
	GOSAN_COUNT(wg_lost);
	return &wait[w->oldest_wait++ % WAITS_MAX];
}

static void on_wait(struct group *w, const struct gosan_event *ev)
{
	struct wait *wait = room_for_wait(w, ev->g);
	const struct gosan_wgop *a = w->adds.data;

	if (!wait)
		return;
	wait->g = ev->g;
	wait->stack = ev->stack;
	wait->at = ev->at;
	gosan_clock_copy(&wait->clock, &ev->g->strong);
	for (size_t i = 0; i < w->adds.n; i++)
		if (a[i].g != ev->g && !gosan_clock_covers(&ev->g->strong, a[i].at))
			contest(w, &a[i], (size_t)(wait - (struct wait *)w->waits.data));
}

static void on_fault(struct group *w, const struct gosan_event *ev)
{
	const struct wait *wait = w->waits.data, *other = NULL;

	if (ev->arg == GO_FAULT_WG_NEGATIVE && !w->negative)
		report_negative(w, ev->g, ev->stack, NULL, true);
	if (ev->arg != GO_FAULT_WG_REUSE || w->reused)
		return;
	for (size_t i = 0; i < w->waits.n && !other; i++)
		other = &wait[i];
	report_reuse(w, ev->g, ev->stack, other);
}

void gosan_waitgroup_copied(struct gosan_obj *copy)
{
	struct group *w = copy->kind == GOSAN_OBJ_WAITGROUP ? group_of(copy) : NULL;

	if (w)
		w->closed = true;
}

static void close_dead(struct gosan_obj *obj, void *unused)
{
	struct group *w = obj->wg;

	(void)unused;
	if (w && obj->kind == GOSAN_OBJ_WAITGROUP && !w->closed)
		close_group(w);
}

static void before(const struct gosan_event *ev)
{
	struct group *w = NULL;

	if (ev->op == GOSAN_EV_FREE)
		gosan_engine_each_object(ev->addr, ev->addr + ev->size, close_dead, NULL);
	if (ev->obj && ev->obj->kind == GOSAN_OBJ_WAITGROUP)
		w = group_of(ev->obj);
	if (!w || w->closed)
		return;
	if (ev->op == GOSAN_EV_WG_ADD && ev->arg > 0)
		on_add(w, ev);
	else if (ev->op == GOSAN_EV_WG_ADD && ev->arg < 0)
		on_done(w, ev);
	else if (ev->op == GOSAN_EV_WG_WAIT)
		on_wait(w, ev);
	else if (ev->op == GOSAN_EV_FAULT)
		on_fault(w, ev);
}

static void end(enum gosan_end why)
{
	(void)why; /* what the operations show holds however the run ended */
	for (struct group *w = all; w; w = w->next)
		if (!w->closed) {
			close_group(w);
			w->closed = true;
		}
}

const struct gosan_analyzer gosan_analyze_waitgroup = {
	.check = "waitgroup",
	.before = before,
	.end = end,
};
