/* SPDX-License-Identifier: Apache-2.0
 *
 * lockorder.c: GS203 and GS205, deadlocks of locks that another schedule can reach.
 *
 * A dependency is a request for a lock by a goroutine that holds others. Dependencies d1..dk (k <= DEPTH) are
 * a possible deadlock iff each asks for a lock that the next holds and the last for one that the first holds
 * (two read modes don't conflict), held sets are pairwise disjoint (a common "gate" lock keeps them apart),
 * goroutines are distinct, and requests are pairwise concurrent in the weak order, which has no lock edges:
 * what spawn, channels and WaitGroups order never meets, nor what a condition hands over (handoff.h). (UNDEAD, Zhou
 * et al., ASE 2017, and the lock dependency relation of Goodlock, Havelund 2000, with clocks in place of the segment
 * graph.)
 *      g1:  lock a ─► asks for b          g2:  lock b ─► asks for a
 *           dependency (b, {a})                dependency (a, {b})
 *
 *      each asks for what the other holds; {a} and {b} have nothing in common; neither request is before the
 *      other: a possible deadlock. With a gate g around both it is (b, {g, a}) and (a, {g, b}): none.
 *
 * GS205: a goroutine asks for a read lock that it holds for reading, and a writer can queue in between.
 *
 * Judged twice. When a request that closes a cycle, seen from a new place, got its lock: it did not deadlock this
 * time, and a process that is killed later has told all the same. And at the end, when all requests are known, also
 * later ones from places seen before. Should the deadlock happen after all, it has its own finding, which says the
 * same and more, and the prediction is taken back.
 * Capacity: of each dependency the first and the last GOSAN_DEP_INSTANCES/2 requests; STEPS_MAX search steps. What
 * goes beyond is counted in deps_lost. Searches on the way have budgets of their own, and leave the rest to the end.
 */
#include <inttypes.h>
#include <stdio.h>

#include "../../runtime/probe.h"
#include "mem.h"
#include "words.h"
#include "handoff.h"
#include "lockdep.h"

#define DEPTH     5
#define STEPS_MAX 1000000u
#define PAIRS_MAX 10000000u
#define EARLY_MAX 200000u /* steps of the searches on the way, and of one of them */
#define EARLY_ONE 5000u
#define FRESH_MAX 16

/* Requests from a new place whose lock was not got yet. Full: the end will judge. */
static struct fresh {
	const struct gosan_g *g;
	const struct gosan_obj *lock;
	struct gosan_dep *d;
	size_t in;
} fresh[FRESH_MAX];
static size_t n_fresh;
static size_t
	n_again; /* GOSAN_DEP_READ_AGAIN ever recorded: mostly none, and then no writer has to look for one */

/* Findings, so that each is told once, and taken back when it happens. */
struct told {
	uint64_t bug; /* its dedup */
	uint64_t emission;
	size_t n;
	struct gosan_obj *locks[DEPTH];
};
static struct gosan_vec told;

/* Recording. */

static void record(enum gosan_depkind kind, const struct gosan_event *ev, const struct gosan_held *outer)
{
	struct gosan_waits *w = gosan_waits_of(ev->g);
	struct gosan_dep *d;
	size_t in;

	if (w)
		w->asked = gosan_engine_tick;
	n_again += kind == GOSAN_DEP_READ_AGAIN;
	if (gosan_lockdep_record(kind, ev, outer, &d, &in) && n_fresh < FRESH_MAX)
		fresh[n_fresh++] = (struct fresh){ev->g, ev->obj, d, in};
}

/* The lock of a goroutine lets a writer that waits go first. Of the kinds that threads have, one does. */
static bool blocks_readers(const struct gosan_obj *l)
{
	return !(l->flags & GOSAN_OBJ_OWNED) || l->flags & GOSAN_OBJ_WRITERS_FIRST;
}

/* Requests, not acquisitions: what deadlocks is the waiting. A try-lock never waits, but what it got counts as
 * held from then on. A request for a lock that g holds itself is GS204's. */
static void before(const struct gosan_event *ev)
{
	const struct gosan_held *outer;
	bool read = ev->mode & GO_LOCK_READ;

	gosan_handoff_note(ev);
	if (ev->op != GOSAN_EV_LOCK_REQUEST || ev->mode & (GO_LOCK_TRY | GOSAN_LOCK_TIMED))
		return;
	outer = ev->g->n_held ? gosan_waits_holds(ev->g, ev->obj) : NULL;
	if (outer && read && outer->mode & GO_LOCK_READ && blocks_readers(ev->obj))
		record(GOSAN_DEP_READ_AGAIN, ev, outer);
	if (ev->g->n_held && !outer)
		record(GOSAN_DEP_REQUEST, ev, NULL);
	else if (ev->obj->kind == GOSAN_OBJ_RWMUTEX && !read && !outer)
		record(GOSAN_DEP_WRITE, ev, NULL);
}

/* Judging. */

/* In the weak order: the order in which they took locks this time is what another schedule turns round. */
static bool concurrent(const struct gosan_depinst *a, const struct gosan_depinst *b)
{
	return a->g != b->g && !gosan_clock_covers(&a->weak, b->at) && !gosan_clock_covers(&b->weak, a->at) &&
	       !gosan_handoff_orders(a, b) && !gosan_handoff_orders(b, a);
}

/* Both hold it, and it keeps them apart. */
static bool gated(const struct gosan_dep *a, const struct gosan_dep *b)
{
	for (size_t i = 0; i < a->n_held; i++)
		for (size_t k = 0; k < b->n_held; k++)
			if (a->held[i].obj == b->held[k].obj && !(a->held[i].read && b->held[k].read))
				return true;
	return false;
}

/* The index of the lock in b's held set that a asks for, or GOSAN_DEP_SETS. */
static size_t blocks(const struct gosan_dep *b, const struct gosan_dep *a)
{
	size_t i = gosan_lockdep_where(b, a->lock);

	return i < b->n_held && !(b->held[i].read && a->read) ? i : GOSAN_DEP_SETS;
}

/* A deadlock on one of these locks happened and has its own finding. */
static bool happened_on(const struct gosan_obj *lock)
{
	for (const struct gosan_g *g = gosan_waits_any(lock) ? gosan_waits_first() : NULL; g;
	     g = gosan_waits_next(g))
		if (gosan_waits_explained(g) && gosan_waits_on(g, lock))
			return true;
	return false;
}

struct path {
	size_t n;
	struct gosan_dep *d[DEPTH];
	struct gosan_depinst *in[DEPTH];
};

/* The lowest goroutine begins: which dependency appeared first is chance. */
static size_t first_of(const struct path *p)
{
	size_t first = 0;

	for (size_t i = 1; i < p->n; i++)
		if (gosan_waits_rank(p->in[i]->g) < gosan_waits_rank(p->in[first]->g))
			first = i;
	return first;
}

/* What it held, innermost last, as gosan_finding_locks has it. */
static void add_locks(struct gosan_part *part, const struct gosan_dep *d, const struct gosan_depinst *in)
{
	for (size_t i = d->n_held; i-- > 0 && part->n_locks < GOSAN_LOCKS_MAX;) {
		if (d->held[i].obj->kind == GOSAN_OBJ_SEM)
			continue;
		part->locks[part->n_locks].obj = d->held[i].obj;
		part->locks[part->n_locks++].stack = in->held_stack[i];
	}
}

/* Each one's first lock is what the one before it asks for. */
static void tell_cycle(struct gosan_finding *f, const struct path *p, size_t first)
{
	size_t at = 0, size = sizeof f->why;

	for (size_t i = 0; i < p->n && at < size; i++) {
		size_t k = (first + i) % p->n, before_k = (k + p->n - 1) % p->n;

		at += (size_t)snprintf(f->why + at, size - at, "%s%s takes %s and then %s", i ? "; " : "",
				       gosan_words_who(p->in[k]->g), gosan_words_what(p->d[before_k]->lock),
				       gosan_words_what(p->d[k]->lock));
	}
	if (at < size)
		snprintf(f->why + at, size - at, ": when each has taken its first, all wait for ever");
}

/* NULL: told before. */
static struct told *tell_once(uint64_t bug)
{
	struct told *t = told.data;

	for (size_t i = 0; i < told.n; i++)
		if (t[i].bug == bug)
			return NULL;
	t = gosan_vec_push(&told, sizeof *t);
	if (t)
		t->bug = bug;
	return t;
}

/* The bug is in the places, whoever comes there first. */
static uint64_t bug_of(const struct path *p)
{
	uint64_t bug = 0;

	for (size_t i = 0; i < p->n; i++) {
		size_t before_i = (i + p->n - 1) % p->n;
		uint32_t owned = p->in[i]->held_stack[blocks(p->d[i], p->d[before_i])];

		bug += gosan_waits_hash(gosan_waits_hash(3, owned), p->in[i]->stack);
	}
	return bug;
}

/* Two participants for each goroutine: the acquisition that another one waits for, and its own wait. */
static void report_cycle(const struct path *p)
{
	struct told *t = tell_once(bug_of(p));
	struct gosan_finding *f;
	size_t first = first_of(p);

	if (!t)
		return;
	f = gosan_finding_begin(203);
	f->obj = p->d[first]->lock;
	f->dedup = bug_of(p);
	for (size_t i = 0; i < p->n; i++) {
		size_t k = (first + i) % p->n, before_k = (k + p->n - 1) % p->n;
		const struct gosan_dep *d = p->d[k];
		const struct gosan_depinst *in = p->in[k];
		uint32_t owned = in->held_stack[blocks(d, p->d[before_k])];
		struct gosan_part *part = gosan_finding_part(f, "owner", in->g, "lock", owned);

		part = gosan_finding_part(f, "waiter", in->g, d->read ? "rlock" : "lock", in->stack);
		add_locks(part, d, in);
		gosan_finding_story(f, in->g, owned, "lock %s", gosan_words_what(p->d[before_k]->lock));
	}
	for (size_t i = 0; i < p->n; i++) {
		size_t k = (first + i) % p->n;

		gosan_finding_story(f, p->in[k]->g, p->in[k]->stack, "lock %s  <-- waits",
				    gosan_words_what(p->d[k]->lock));
	}
	snprintf(f->title, sizeof f->title, "%zu locks are taken in conflicting orders", p->n);
	tell_cycle(f, p, first);
	snprintf(f->help, sizeof f->help,
		 "take these locks in the same order everywhere, or hold one more lock "
		 "around all of these sections");
	gosan_finding_emit(f);
	t->emission = gosan_finding_last();
	t->n = p->n;
	for (size_t i = 0; i < p->n; i++)
		t->locks[i] = p->d[i]->lock;
}

/* d can be in flight at the same time as all on the path. */
static bool compatible(const struct path *p, const struct gosan_dep *d)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->d[i] == d || p->d[i]->lock == d->lock || gated(p->d[i], d))
			return false;
	return true;
}

/* An instance of d that is concurrent with those chosen so far. */
static struct gosan_depinst *pick(const struct path *p, struct gosan_dep *d)
{
	for (size_t k = 0; k < d->n; k++) {
		struct gosan_depinst *in = gosan_lockdep_inst(d, k);
		bool fits = true;

		for (size_t i = 0; i < p->n && fits; i++)
			fits = concurrent(p->in[i], in);
		if (fits)
			return in;
	}
	return NULL;
}

/* Of the whole search: an adversarial program must not hang at its exit. */
static size_t steps, max_steps;

/* The first that holds what d asks for. Those that are out, mostly because they were searched from, leave the chain. */
static uint32_t first_after(const struct gosan_dep *d)
{
	struct gosan_use *u = gosan_waits_use(d->lock);
	const struct gosan_dep *h;

	while (u && (h = gosan_lockdep_at(u->holders[0])) != NULL && h->out)
		u->holders[0] = h->held[gosan_lockdep_where(h, d->lock)].next;
	return u ? u->holders[0] : 0;
}

/* A path of one request. Searches come one after the other, so there is one. */
static struct path *begin_at(struct gosan_dep *d, size_t in)
{
	static struct path p;

	p.n = 1;
	p.d[0] = d;
	p.in[0] = gosan_lockdep_inst(d, in);
	return &p;
}

/* Depth first with a stack of its own, from the path's first. at[i]: the next to try after p->d[i]. For a cycle of
 * dependencies the first choice of instances that fits is reported. */
static void search_from(struct path *p)
{
	uint32_t at[DEPTH];

	at[0] = first_after(p->d[0]);
	while (p->n > 0 && steps < max_steps) {
		struct gosan_dep *last = p->d[p->n - 1], *d = gosan_lockdep_at(at[p->n - 1]);
		struct gosan_depinst *in;

		if (p->n == DEPTH || !d) {
			p->n--;
			continue;
		}
		at[p->n - 1] = d->held[gosan_lockdep_where(d, last->lock)].next;
		steps++;
		if (d->out || blocks(d, last) == GOSAN_DEP_SETS || !compatible(p, d))
			continue;
		in = pick(p, d);
		if (!in)
			continue;
		p->d[p->n] = d;
		p->in[p->n] = in;
		p->n++;
		if (blocks(p->d[0], d) == GOSAN_DEP_SETS) {
			at[p->n - 1] = first_after(d);
			continue;
		}
		report_cycle(p);
		p->n--;
	}
}

/* Cycles of two, which most are, with one that comes after number `from`. They don't have to wait for what is behind the
 * first dependencies of a program that has very many. */
static void search_pairs(struct path *p, uint32_t from)
{
	uint32_t k = first_after(p->d[0]);

	while (k && steps < max_steps) {
		struct gosan_dep *d = gosan_lockdep_at(k);
		bool later = k > from;

		k = d->held[gosan_lockdep_where(d, p->d[0]->lock)].next;
		steps++;
		if (!later || d->out || blocks(p->d[0], d) == GOSAN_DEP_SETS ||
		    blocks(d, p->d[0]) == GOSAN_DEP_SETS || !compatible(p, d))
			continue;
		p->d[1] = d;
		p->in[1] = pick(p, d);
		p->n = 2;
		if (p->in[1])
			report_cycle(p);
		p->n = 1;
	}
}

static void find_pairs(void)
{
	for (uint32_t i = 0; i < gosan_lockdep_n; i++) {
		struct gosan_dep *d = gosan_lockdep_all[i];

		for (size_t k = 0; k < d->n && !d->out; k++)
			search_pairs(begin_at(d, k), i + 1);
	}
	if (steps >= max_steps)
		GOSAN_COUNT(deps_lost);
}

/* Different places of one dependency are different bugs: every instance of the first starts a search. The first of its
 * cycle is the one that appeared first; what was searched from is out, so each cycle is found once. */
static void find_cycles(void)
{
	for (uint32_t i = 0; i < gosan_lockdep_n; i++) {
		struct gosan_dep *d = gosan_lockdep_all[i];

		for (size_t k = 0; k < d->n && !d->out; k++)
			search_from(begin_at(d, k));
		if (!d->out)
			gosan_lockdep_leave_out(d);
	}
	if (steps >= max_steps)
		GOSAN_COUNT(deps_lost);
}

/* Most programs order their locks: nothing is left after this. */
static void prune(void)
{
	for (uint32_t i = 0; i < gosan_lockdep_n; i++) {
		struct gosan_dep *d = gosan_lockdep_all[i];

		if (!gosan_lockdep_possible(d) || happened_on(d->lock))
			gosan_lockdep_leave_out(d);
	}
}

/* GS205 */

/* The bug is in the reader's two places: whoever writes is an example, and no part of the identity. */
static void report_again(struct gosan_dep *d, const struct gosan_depinst *in,
			 const struct gosan_depinst *writer)
{
	struct gosan_finding *f = gosan_finding_begin(205);
	struct told *t = gosan_vec_push(&told, sizeof *t);

	d->told = true;
	f->obj = d->lock;
	gosan_finding_part(f, "owner", in->g, "rlock", in->outer);
	gosan_finding_part(f, "waiter", in->g, "rlock", in->stack);
	gosan_finding_part(f, "waiter", writer->g, "lock", writer->stack);
	f->dedup = gosan_waits_hash(gosan_waits_hash(5, in->outer), in->stack);
	snprintf(f->title, sizeof f->title, "{obj} is read-locked again while a writer can queue in between");
	snprintf(f->why, sizeof f->why,
		 "%s read-locks what it has read-locked already. When %s asks for the write lock in between, "
		 "it waits for the first read lock, and the second one queues behind it: both wait for ever",
		 gosan_words_who(in->g), gosan_words_who(writer->g));
	snprintf(f->help, sizeof f->help, "read-lock once, and pass on that it is held");
	gosan_finding_story(f, in->g, in->outer, "rlock");
	gosan_finding_story(f, writer->g, writer->stack, "lock: waits for the reader");
	gosan_finding_story(f, in->g, in->stack, "rlock  <-- waits for the writer");
	gosan_finding_emit(f);
	if (t)
		*t = (struct told){f->dedup, gosan_finding_last(), 1, {d->lock}};
}

/* The writer's request may fall between the outer and the inner read lock. */
static bool fits_between(const struct gosan_depinst *in, const struct gosan_depinst *writer)
{
	return in->g != writer->g && !gosan_clock_covers(&in->weak, writer->at) &&
	       !gosan_clock_covers(&writer->weak, in->at);
}

/* One writer is enough: who holds nothing else, or nothing that keeps the two apart. */
static void judge_again(struct gosan_dep *d)
{
	const struct gosan_use *u = gosan_waits_use(d->lock);
	const struct gosan_dep *w = gosan_lockdep_at(u ? u->askers[0] : 0);

	for (; w && !d->told; w = gosan_lockdep_at(w->next)) {
		if (w->kind == GOSAN_DEP_READ_AGAIN || w->read || gated(d, w))
			continue;
		for (size_t k = 0; k < d->n; k++)
			for (size_t m = 0; m < w->n; m++)
				if (fits_between(gosan_lockdep_inst(d, k), gosan_lockdep_inst(w, m))) {
					report_again(d, gosan_lockdep_inst(d, k), gosan_lockdep_inst(w, m));
					return;
				}
	}
}

/* What was read again, of the lock that w wants to write. */
static void judge_writer(const struct gosan_dep *w)
{
	const struct gosan_use *u = n_again ? gosan_waits_use(w->lock) : NULL;
	struct gosan_dep *d = gosan_lockdep_at(u ? u->askers[0] : 0);

	for (; d; d = gosan_lockdep_at(d->next))
		if (d->kind == GOSAN_DEP_READ_AGAIN)
			judge_again(d);
}

/* On the way. */

/* A fresh request got its lock. In most programs nobody holds what it asks for while asking for what it holds. Its
 * place in the table may have been taken by a later one meanwhile: never mind. */
static void judge_fresh(const struct fresh *f)
{
	if (f->d->kind == GOSAN_DEP_REQUEST && steps < EARLY_MAX && gosan_lockdep_possible(f->d) &&
	    !happened_on(f->lock)) {
		max_steps = steps + EARLY_ONE;
		search_pairs(begin_at(f->d, f->in), 0);
		max_steps = steps + EARLY_ONE;
		search_from(begin_at(f->d, f->in));
	}
	if (f->d->kind == GOSAN_DEP_READ_AGAIN)
		judge_again(f->d);
	else if (!f->d->read)
		judge_writer(f->d);
}

/* Mostly nothing is fresh. Whoever never gets its lock stays in the list. */
static void after(const struct gosan_event *ev)
{
	if (!n_fresh || ev->op != GOSAN_EV_LOCK_ACQUIRE)
		return;
	for (size_t i = n_fresh; i-- > 0;) {
		struct fresh f = fresh[i];

		if (f.g != ev->g || f.lock != ev->obj)
			continue;
		fresh[i] = fresh[--n_fresh];
		judge_fresh(&f);
	}
}

/* What was predicted has happened. */
static void take_back(void)
{
	struct told *t = told.data;

	for (size_t i = 0; i < told.n; i++)
		for (size_t k = 0; k < t[i].n; k++)
			if (t[i].emission && happened_on(t[i].locks[k])) {
				gosan_finding_take_back(t[i].emission);
				t[i].emission = 0;
			}
}

/* In the order of appearance, cycles first. Idempotent, since nothing is left afterwards. */
static void end(enum gosan_end why)
{
	(void)why; /* a prediction holds however the run ended */
	take_back();
	prune();
	steps = 0, max_steps = PAIRS_MAX;
	find_pairs();
	steps = 0, max_steps = STEPS_MAX;
	find_cycles();
	for (uint32_t i = 0; n_again && i < gosan_lockdep_n; i++)
		if (gosan_lockdep_all[i]->kind == GOSAN_DEP_READ_AGAIN &&
		    !happened_on(gosan_lockdep_all[i]->lock))
			judge_again(gosan_lockdep_all[i]);
	gosan_lockdep_close();
	gosan_lockdep_n = 0;
	n_fresh = 0;
}

/* Of the commonest events, only what asks for a lock. */
static bool wants(enum gosan_op op)
{
	return op >= GOSAN_EV_ONCE_DONE || op == GOSAN_EV_LOCK_REQUEST;
}

static bool wants_after(enum gosan_op op)
{
	return op == GOSAN_EV_LOCK_ACQUIRE;
}

const struct gosan_analyzer gosan_analyze_lockorder = {
	.check = "deadlock",
	.wants = wants,
	.wants_after = wants_after,
	.before = before,
	.after = after,
	.end = end,
};
