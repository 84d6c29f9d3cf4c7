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
 *      main:    Add(1)  go w   Wait ................ returns
 *      w:                      Add(1)  go v  Done                the first Add is before, w's Done is after:
 *      v:                                          Done          the counter is 1 at the second: safe
 *
 *      main:    go w    Wait   returns                           no Add is before: the counter may be 0,
 *      w:               Add(1)  Done                             and Wait may return first: GS401
 *
 * and the last term is a flow question (wgflow.c). The terms before it don't change after a, so most wrong
 * Adds are reported at once; the others when the counter is back at zero and all their Dones are known.
 * Whether a or w ran first plays no role: each looks for the other when it comes second.
 *
 * Capacity: one Wait per goroutine, at most WAITS_MAX; ASKED_MAX questions per call site and group;
 * OPS_MAX operations per group. What goes beyond is counted in wg_lost.
 */
#include "../../runtime/probe.h"
#include "mem.h"
#include "wgreport.h"

#define WAITS_MAX 1024
#define ASKED_MAX 128
#define SMALL     256 /* operations: a question about a group of this size costs little */
#define OPS_MAX   (1u << 20)

/* An Add that is safe only if no set of Dones can run before it. */
struct pending {
	uint64_t add_seq;
	size_t wait; /* index, or WAITS_MAX when that Wait is forgotten */
};

struct site {
	uint32_t stack;
	unsigned asked; /* the expensive way */
	bool reported;
};

struct group {
	struct group *next; /* all WaitGroups */
	struct gosan_obj *obj;
	uint64_t seq;
	struct gosan_vec adds, dones; /* struct gosan_wgop */
	struct gosan_vec waits, pending, sites;
	size_t oldest_wait;
	size_t settled; /* size of the group when it was last looked at for pending Adds */
	bool has_prev;
	struct gosan_stamp prev_first; /* the first Add of the group before */
	bool negative, reused;         /* GS402, GS403 was reported */
	bool closed;                   /* judged for good, or not to be judged */
};

static struct group *all;

/* A group stays until its WaitGroup is dead: reap() judges those whose memory was zeroed without a free, or end(). */
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

/* It happened. The Done before it and an Add are shown too: one of the three is wrong, and only the reader knows
 * which. */
static void report_negative(struct group *w, const struct gosan_event *ev)
{
	const struct gosan_wgop *dones = w->dones.data, *other = NULL;

	for (size_t i = w->dones.n; i-- > 0 && !other;)
		if (dones[i].stack != ev->stack)
			other = &dones[i];
	w->negative = true;
	gosan_wgreport_negative(w->obj, ev->g, ev->stack, other, w->adds.n ? w->adds.data : NULL);
}

/* Questions. */

/* Sum of what is before a; true when there is something. */
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

/* The flow is asked only when Dones could eat up the base at all. An unanswered question counts as safe, and is
 * counted. */
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
static void report_pair(struct group *w, const struct gosan_wgop *a, const struct gosan_wgwait *wait)
{
	if (a->knows_prev && gosan_clock_covers(&wait->clock, w->prev_first)) {
		w->reused = true;
		gosan_wgreport_reuse(w->obj, a->g, a->stack, wait);
	} else {
		gosan_wgreport_overtaken(w->obj, a, wait);
	}
}

/* A program has few places that add: a list will do. */
static struct site *site_of(struct group *w, uint32_t stack)
{
	struct site *s = w->sites.data;

	for (size_t i = 0; i < w->sites.n; i++)
		if (s[i].stack == stack)
			return &s[i];
	s = gosan_vec_push(&w->sites, sizeof *s);
	if (s)
		s->stack = stack;
	return s;
}

static size_t size_of(const struct group *w)
{
	return w->adds.n + w->dones.n;
}

/* Add a and a Wait are concurrent. In a small group the answer may be had at once; else it waits for the end of
 * the round, when all questions are answered together. */
static void contest(struct group *w, const struct gosan_wgop *a, size_t wait)
{
	struct site *site = site_of(w, a->stack);
	struct pending *p;

	if (!site)
		return;
	if (size_of(w) <= SMALL && base_at(w, a) <= 0) {
		report_pair(w, a, &((struct gosan_wgwait *)w->waits.data)[wait]);
		site->reported = true;
		return;
	}
	p = site->reported ? NULL : gosan_vec_push(&w->pending, sizeof *p);
	if (p)
		*p = (struct pending){a->seq, wait};
}

/* By number, since the array moves when it grows. */
static const struct gosan_wgop *find_add(const struct group *w, uint64_t seq)
{
	const struct gosan_wgop *op = w->adds.data;
	size_t lo = 0, hi = w->adds.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (op[mid].seq < seq)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < w->adds.n && op[lo].seq == seq ? &op[lo] : NULL;
}

/* Serve all Dones with Adds; how many are left over, -1 for unknown. */
static int64_t match_all(struct group *w, const struct gosan_wgop **ret_done)
{
	struct gosan_wgop *adds = w->adds.data, *dones = w->dones.data;
	int64_t missing;

	for (size_t i = 0; i < w->adds.n; i++)
		adds[i].picked = true;
	for (size_t i = 0; i < w->dones.n; i++)
		dones[i].picked = true;
	missing = gosan_wgflow_missing(&w->dones, &w->adds, ret_done);
	if (missing < 0)
		GOSAN_COUNT(wg_lost);
	return missing;
}

/* The last Done of each goroutine: a table of indices into dones by g, plus one; room is a power of two. */
static uint32_t *last_dones(const struct group *w, size_t room)
{
	uint32_t *table = gosan_mem_alloc(room * sizeof *table);
	const struct gosan_wgop *d = w->dones.data;

	for (size_t i = 0; table && i < w->dones.n; i++) {
		size_t k = gosan_waits_hash(0, (uintptr_t)d[i].g) & (room - 1);

		while (table[k] && d[table[k] - 1].g != d[i].g)
			k = (k + 1) & (room - 1);
		table[k] = (uint32_t)i + 1;
	}
	return table;
}

/* If all Dones can be served by Adds before them, a schedule that has run an Add but not the Done that it serves
 * has the counter above zero, whatever else it ran. So a is safe when its own goroutine is still counted: a
 * later Done of it is served by an Add before a. The usual recursive program needs no more than this. */
static bool still_counted(const struct group *w, const uint32_t *table, size_t room,
			  const struct gosan_wgop *a)
{
	const struct gosan_wgop *d = w->dones.data;
	size_t k = gosan_waits_hash(0, (uintptr_t)a->g) & (room - 1);

	while (table[k] && d[table[k] - 1].g != a->g)
		k = (k + 1) & (room - 1);
	if (!table[k])
		return false;
	d = &d[table[k] - 1];
	return d->seq > a->seq && gosan_wgflow_match_before(d, a);
}

/* The expensive way: a flow question for this Add alone. Calls from one place have one answer nearly always. */
static void settle_one(struct group *w, const struct gosan_wgop *a, size_t wait)
{
	struct site *site = site_of(w, a->stack);

	if (!site || (site->reported && size_of(w) > SMALL))
		return;
	if (site->asked++ >= ASKED_MAX)
		GOSAN_COUNT(wg_lost);
	else if (!positive_at(w, a)) {
		report_pair(w, a, &((struct gosan_wgwait *)w->waits.data)[wait]);
		site->reported = true;
	}
}

/* The counter is zero (or the run is over): all Dones that belong to the pending Adds are known. */
static void settle(struct group *w, bool matched)
{
	struct pending *p = w->pending.data;
	uint32_t *table = NULL;
	size_t room = 16;

	while (room < 2 * w->dones.n)
		room *= 2;
	if (matched && w->pending.n)
		table = last_dones(w, room);
	for (size_t i = 0; i < w->pending.n; i++) {
		const struct gosan_wgop *a = find_add(w, p[i].add_seq);

		if (a && p[i].wait < w->waits.n && !(table && still_counted(w, table, room, a)))
			settle_one(w, a, p[i].wait);
	}
	if (table)
		gosan_mem_free(table, room * sizeof *table);
	w->pending.n = 0;
	w->settled = size_of(w);
}

/* P5: can a set of Dones run before the Adds that it needs? */
static void judge_negative(struct group *w, const struct gosan_wgop *done)
{
	const struct gosan_wgop *adds = w->adds.data, *add = NULL;

	for (size_t i = 0; i < w->adds.n && !add; i++)
		if (!gosan_wgflow_before(&adds[i], done))
			add = &adds[i];
	w->negative = true;
	gosan_wgreport_possible(w->obj, done, add);
}

/* Rounds. */

/* Clocks hold references into shared nodes: give them back. A big array is given back too, a small one will be
 * needed again in the next round. */
static void drop_ops(struct gosan_vec *v)
{
	struct gosan_wgop *op = v->data;

	for (size_t i = 0; i < v->n; i++)
		gosan_clock_clear(&op[i].clock);
	if (v->cap > 1024)
		gosan_vec_free(v, sizeof *op);
	v->n = 0;
}

/* Everything that can be known of these operations is known. */
static void close_group(struct group *w)
{
	const struct gosan_wgop *done = NULL;
	int64_t missing = w->dones.n ? match_all(w, &done) : 0;

	settle(w, missing == 0);
	if (missing > 0 && done && !w->negative)
		judge_negative(w, done);
	drop_ops(&w->adds);
	drop_ops(&w->dones);
	w->sites.n = 0;
	w->settled = 0;
}

/* Fails at the first look in programs whose rounds are not separated, so an Add stays cheap there. */
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

/* The clock is a snapshot, O(1): it shares its nodes with the goroutine's own. */
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

/* Waits that came first. What comes later will look for this Add itself. */
static void on_add(struct group *w, const struct gosan_event *ev)
{
	bool opens = open_group(w, ev);
	struct gosan_wgop *a = record(w, &w->adds, ev);
	const struct gosan_wgwait *wait = w->waits.data;

	if (!a)
		return;
	a->knows_prev = opens && w->has_prev;
	for (size_t i = 0; i < w->waits.n; i++)
		if (!gosan_clock_covers(&ev->g->strong, wait[i].at)) {
			contest(w, a, i);
			break; /* one Wait is enough to be wrong */
		}
}

/* The Done that brings the counter to zero belongs to the round that it ends. A program whose counter is at zero
 * all the time has its pending Adds looked at when the group has doubled: linear in all. */
static void on_done(struct group *w, const struct gosan_event *ev)
{
	const struct gosan_wgop *d = record(w, &w->dones, ev), *left;

	if (d && ev->arg2 < 0 && !w->negative)
		report_negative(w, ev);
	if (ev->arg2 == 0 && w->pending.n && (size_of(w) <= SMALL || size_of(w) >= 2 * w->settled))
		settle(w, match_all(w, &left) == 0);
}

/* Only the newest Wait of a goroutine matters: an Add that is not after an older one is not after it either. */
static struct gosan_wgwait *room_for_wait(struct group *w, const struct gosan_g *g)
{
	struct gosan_wgwait *wait = w->waits.data;

	for (size_t i = w->waits.n; i-- > 0;)
		if (wait[i].g == g)
			return &wait[i];
	if (w->waits.n < WAITS_MAX)
		return gosan_vec_push(&w->waits, sizeof *wait);
	GOSAN_COUNT(wg_lost);
	return &wait[w->oldest_wait++ % WAITS_MAX];
}

/* Adds that came first and are not before this call. The own ones are. */
static void on_wait(struct group *w, const struct gosan_event *ev)
{
	struct gosan_wgwait *wait = room_for_wait(w, ev->g);
	const struct gosan_wgop *a = w->adds.data;

	if (!wait)
		return;
	wait->g = ev->g;
	wait->stack = ev->stack;
	wait->at = ev->at;
	gosan_clock_copy(&wait->clock, &ev->g->strong);
	for (size_t i = 0; i < w->adds.n; i++)
		if (a[i].g != ev->g && !gosan_clock_covers(&ev->g->strong, a[i].at))
			contest(w, &a[i], (size_t)(wait - (struct gosan_wgwait *)w->waits.data));
}

/* The runtime saw it happen. What the analysis has reported before is the same bug. */
static void on_fault(struct group *w, const struct gosan_event *ev)
{
	const struct gosan_wgwait *wait = w->waits.data, *other = NULL;

	if (ev->arg == GO_FAULT_WG_NEGATIVE && !w->negative)
		report_negative(w, ev);
	if (ev->arg != GO_FAULT_WG_REUSE || w->reused)
		return;
	for (size_t i = 0; i < w->waits.n && !other; i++)
		other = &wait[i];
	w->reused = true;
	gosan_wgreport_reuse(w->obj, ev->g, ev->stack, other);
}

/* Adds and Dones of the original and of the copy don't belong together; GS606 has said what is wrong. */
void gosan_waitgroup_copied(struct gosan_obj *copy)
{
	struct group *w = copy->kind == GOSAN_OBJ_WAITGROUP ? group_of(copy) : NULL;

	if (w)
		w->closed = true;
}

/* The memory of the WaitGroup goes: this was its last round. */
static void close_dead(struct gosan_obj *obj, void *unused)
{
	struct group *w = obj->wg;

	(void)unused;
	if (w && obj->kind == GOSAN_OBJ_WAITGROUP && !w->closed)
		close_group(w);
}

/* In before(): an acquire or release of this very event must not order it with itself. */
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

/* In no particular order: the findings of different WaitGroups have nothing to do with each other. */
static void end(enum gosan_end why)
{
	(void)why; /* what the operations show holds however the run ended */
	for (struct group *w = all; w; w = w->next)
		if (!w->closed) {
			close_group(w);
			w->closed = true;
		}
}

static void free_group(struct group *w)
{
	struct gosan_wgwait *wait = w->waits.data;

	for (size_t i = 0; i < w->waits.n; i++)
		gosan_clock_clear(&wait[i].clock);
	gosan_vec_free(&w->adds, sizeof(struct gosan_wgop));
	gosan_vec_free(&w->dones, sizeof(struct gosan_wgop));
	gosan_vec_free(&w->waits, sizeof *wait);
	gosan_vec_free(&w->pending, sizeof(struct pending));
	gosan_vec_free(&w->sites, sizeof(struct site));
	gosan_mem_free(w, sizeof *w);
}

/* A WaitGroup on a stack, or in memory that was zeroed, dies without a word. No operation on it will come. */
static void reap(void)
{
	for (struct group **p = &all, *w; (w = *p);) {
		if (!w->obj->dead) {
			p = &w->next;
			continue;
		}
		if (!w->closed)
			close_group(w);
		drop_ops(&w->adds);
		drop_ops(&w->dones);
		*p = w->next;
		if (w->obj->wg == w)
			w->obj->wg = NULL;
		free_group(w);
	}
}

/* Nothing of channels and locks. */
static bool wants(enum gosan_op op)
{
	return op >= GOSAN_EV_WG_ADD;
}

const struct gosan_analyzer gosan_analyze_waitgroup = {
	.check = "waitgroup",
	.wants = wants,
	.before = before,
	.end = end,
	.reap = reap,
};
