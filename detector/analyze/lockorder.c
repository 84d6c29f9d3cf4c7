/* SPDX-License-Identifier: Apache-2.0
 *
 * lockorder.c: GS203 and GS205, deadlocks of locks that another schedule can reach.
 *
 * A dependency is a request for a lock by a goroutine that holds others. Dependencies d1..dk (k <= DEPTH) are
 * a possible deadlock iff each asks for a lock that the next holds and the last for one that the first holds
 * (two read modes don't conflict), held sets are pairwise disjoint (a common "gate" lock keeps them apart),
 * goroutines are distinct, and requests are pairwise concurrent in the weak order, which has no lock edges:
 * what spawn, channels and WaitGroups order never meets. (UNDEAD, Zhou et al., ASE 2017, and the lock
 * dependency relation of Goodlock, Havelund 2000, with clocks in place of the segment graph.)
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
 * Capacity: DEPS_MAX dependencies, of each the first and the last INSTANCES/2; STEPS_MAX search steps. What
 * goes beyond is counted in deps_lost. Searches on the way have a budget of their own, and leave the rest to the end.
 */
#include <inttypes.h>
#include <stdio.h>

#include "../../runtime/probe.h"
#include "mem.h"
#include "words.h"

#define DEPTH     5
#define INSTANCES 16
#define SETS_MAX  16 /* the last place of an instance's stacks is that of the outer read lock */
#define DEPS_MAX  4096u
#define TABLE     (2 * DEPS_MAX)
#define STEPS_MAX 1000000u
#define EARLY_MAX 200000u /* steps of the searches on the way */
#define FRESH_MAX 16

/* One request. */
struct inst {
	struct gosan_g *g;
	uint32_t stack;
	struct gosan_stamp at;
	struct gosan_clock weak;
	uint32_t held_stack[SETS_MAX];
	struct gosan_stamp outer; /* read again: the acquisition that it nests in */
};

enum kind { REQUEST, READ_AGAIN, WRITE };

/* Requests that differ in goroutine, stack or time only. */
struct dep {
	enum kind kind;
	struct gosan_obj *lock;
	bool read;
	size_t n_held;
	struct gosan_obj *held[SETS_MAX];
	bool held_read[SETS_MAX];
	size_t n, next; /* instances; where the next one of the later half goes */
	struct inst inst[INSTANCES];
	bool out;  /* search: can't be in a cycle */
	bool told; /* GS205 */
};

static struct dep *table[TABLE];
static struct dep *deps[DEPS_MAX]; /* the same, in order of appearance */
static size_t n_deps;

/* Requests from a new place whose lock was not got yet. Full: the end will judge. */
static struct fresh {
	const struct gosan_g *g;
	const struct gosan_obj *lock;
	struct dep *d;
	struct inst *in;
} fresh[FRESH_MAX];
static size_t n_fresh;

/* Findings, so that each is told once, and taken back when it happens. */
struct told {
	uint64_t bug; /* its dedup */
	uint64_t emission;
	size_t n;
	struct gosan_obj *locks[DEPTH];
};
static struct gosan_vec told;

/* Recording. */

/* Held sets are compared in order of acquisition: the same set in another order is another dependency, which
 * costs a place and loses nothing. */
static bool same(const struct dep *a, const struct dep *b)
{
	if (a->kind != b->kind || a->lock != b->lock || a->read != b->read || a->n_held != b->n_held)
		return false;
	for (size_t i = 0; i < a->n_held; i++)
		if (a->held[i] != b->held[i] || a->held_read[i] != b->held_read[i])
			return false;
	return true;
}

/* By id, not by address: memory is reused, ids are not. */
static uint64_t hash(const struct dep *d)
{
	uint64_t h = gosan_waits_hash(d->lock->id, (uint64_t)d->kind * 2 + d->read);

	for (size_t i = 0; i < d->n_held; i++)
		h = gosan_waits_hash(h, d->held[i]->id * 2u + d->held_read[i]);
	return h;
}

/* The dependency equal to key, made when new. The table is twice as big as it may get full, so the probe ends. */
static struct dep *intern(const struct dep *key)
{
	size_t i = hash(key) % TABLE;

	while (table[i] && !same(table[i], key))
		i = (i + 1) % TABLE;
	if (table[i])
		return table[i];
	struct dep *d = n_deps < DEPS_MAX ? gosan_mem_alloc(sizeof *d) : NULL;

	if (!d) {
		GOSAN_COUNT(deps_lost);
		return NULL;
	}
	*d = *key;
	table[i] = d;
	deps[n_deps++] = d;
	return d;
}

/* The latest request of a goroutine from one place stands for its earlier ones beyond the first: whatever is
 * concurrent with one in the middle is nearly always concurrent with one of the two. */
static struct inst *room(struct dep *d, const struct gosan_g *g, uint32_t stack, bool *ret_new)
{
	struct inst *mine = NULL;
	size_t count = 0;

	for (size_t i = 0; i < d->n; i++)
		if (d->inst[i].g == g && d->inst[i].stack == stack) {
			mine = &d->inst[i];
			count++;
		}
	*ret_new = count == 0;
	if (count > 1)
		return mine;
	if (d->n < INSTANCES)
		return &d->inst[d->n++];
	return &d->inst[INSTANCES / 2 + d->next++ % (INSTANCES / 2)];
}

/* Who holds too many locks is left out: one that was forgotten might be the gate that keeps others away. */
static void record(enum kind kind, const struct gosan_event *ev, const struct gosan_held *outer)
{
	static struct dep key;
	uint32_t stacks[SETS_MAX];
	const struct gosan_g *g = ev->g;
	struct inst *in;
	struct dep *d;
	bool is_new;

	key = (struct dep){.kind = kind, .lock = ev->obj, .read = ev->mode & GO_LOCK_READ};
	for (size_t i = g->n_held; i-- > 0;) {
		if (g->held[i].obj == ev->obj)
			continue;
		if (key.n_held == SETS_MAX - 1) {
			GOSAN_COUNT(deps_lost);
			return;
		}
		stacks[key.n_held] = g->held[i].stack;
		key.held[key.n_held] = g->held[i].obj;
		key.held_read[key.n_held++] = g->held[i].mode & GO_LOCK_READ;
	}
	d = intern(&key);
	if (!d)
		return;
	in = room(d, g, ev->stack, &is_new);
	in->g = ev->g;
	in->stack = ev->stack;
	in->at = ev->at;
	gosan_clock_copy(&in->weak, &g->weak);
	for (size_t i = 0; i < key.n_held; i++)
		in->held_stack[i] = stacks[i];
	if (outer) {
		in->outer = outer->at;
		in->held_stack[SETS_MAX - 1] = outer->stack;
	}
	if (is_new && n_fresh < FRESH_MAX)
		fresh[n_fresh++] = (struct fresh){g, ev->obj, d, in};
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

	if (ev->op != GOSAN_EV_LOCK_REQUEST || ev->mode & (GO_LOCK_TRY | GOSAN_LOCK_TIMED))
		return;
	outer = ev->g->n_held ? gosan_waits_holds(ev->g, ev->obj) : NULL;
	if (outer && read && outer->mode & GO_LOCK_READ && blocks_readers(ev->obj))
		record(READ_AGAIN, ev, outer);
	if (ev->obj->kind == GOSAN_OBJ_RWMUTEX && !read && !outer)
		record(WRITE, ev, NULL);
	if (ev->g->n_held && !outer)
		record(REQUEST, ev, NULL);
}

/* Judging. */

/* In the weak order: the order in which they took locks this time is what another schedule turns round. */
static bool concurrent(const struct inst *a, const struct inst *b)
{
	return a->g != b->g && !gosan_clock_covers(&a->weak, b->at) && !gosan_clock_covers(&b->weak, a->at);
}

/* Both hold it, and it keeps them apart. */
static bool gated(const struct dep *a, const struct dep *b)
{
	for (size_t i = 0; i < a->n_held; i++)
		for (size_t k = 0; k < b->n_held; k++)
			if (a->held[i] == b->held[k] && !(a->held_read[i] && b->held_read[k]))
				return true;
	return false;
}

/* The index of the lock in b's held set that a asks for, or SETS_MAX. */
static size_t blocks(const struct dep *b, const struct dep *a)
{
	for (size_t i = 0; i < b->n_held; i++)
		if (b->held[i] == a->lock && !(b->held_read[i] && a->read))
			return i;
	return SETS_MAX;
}

/* A deadlock on one of these locks happened and has its own finding. */
static bool happened_on(const struct gosan_obj *lock)
{
	for (const struct gosan_g *g = gosan_waits_first(); g; g = gosan_waits_next(g))
		if (gosan_waits_explained(g) && gosan_waits_on(g, lock))
			return true;
	return false;
}

struct path {
	size_t n;
	struct dep *d[DEPTH];
	struct inst *in[DEPTH];
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
static void add_locks(struct gosan_part *part, const struct dep *d, const struct inst *in)
{
	for (size_t i = d->n_held; i-- > 0 && part->n_locks < GOSAN_LOCKS_MAX;) {
		part->locks[part->n_locks].obj = d->held[i];
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
		const struct dep *d = p->d[k];
		const struct inst *in = p->in[k];
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
static bool compatible(const struct path *p, const struct dep *d)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->d[i] == d || p->d[i]->lock == d->lock || gated(p->d[i], d))
			return false;
	return true;
}

/* An instance of d that is concurrent with those chosen so far. */
static struct inst *pick(const struct path *p, struct dep *d, size_t from)
{
	for (size_t k = from; k < d->n; k++) {
		bool fits = true;

		for (size_t i = 0; i < p->n && fits; i++)
			fits = concurrent(p->in[i], &d->inst[k]);
		if (fits)
			return &d->inst[k];
	}
	return NULL;
}

/* Of the whole search: an adversarial program must not hang at its exit. */
static size_t steps, max_steps;

/* Depth first with a stack of its own. At the end p->d[0] has the lowest index of its cycle (from), so each is found
 * once. For a cycle of dependencies the first choice of instances that fits is reported. */
static void search_from(size_t from, struct path *p, size_t *at)
{
	p->n = 1;
	at[0] = from;
	while (p->n > 0 && steps < max_steps) {
		struct dep *last = p->d[p->n - 1], *d;
		struct inst *in;

		if (p->n == DEPTH || at[p->n - 1] >= n_deps) {
			p->n--;
			continue;
		}
		d = deps[at[p->n - 1]++];
		steps++;
		if (d->out || blocks(d, last) == SETS_MAX || !compatible(p, d))
			continue;
		in = pick(p, d, 0);
		if (!in)
			continue;
		p->d[p->n] = d;
		p->in[p->n] = in;
		p->n++;
		if (blocks(p->d[0], d) == SETS_MAX) {
			at[p->n - 1] = from;
			continue;
		}
		report_cycle(p);
		p->n--;
	}
}

/* Different places of one dependency are different bugs: every instance of the first starts a search. */
static void find_cycles(void)
{
	static struct path p;
	size_t at[DEPTH];

	for (size_t i = 0; i < n_deps; i++) {
		if (deps[i]->out)
			continue;
		for (size_t k = 0; k < deps[i]->n; k++) {
			p.d[0] = deps[i];
			p.in[0] = &deps[i]->inst[k];
			search_from(i + 1, &p, at);
		}
	}
	if (steps >= max_steps)
		GOSAN_COUNT(deps_lost);
}

/* Can d take part? Somebody must hold what it asks for, and somebody ask for what it holds. */
static bool possible(const struct dep *d)
{
	bool asks = false, held = false;

	for (size_t i = 0; i < n_deps && !(asks && held); i++)
		if (deps[i] != d && !deps[i]->out) {
			asks = asks || blocks(deps[i], d) < SETS_MAX;
			held = held || blocks(d, deps[i]) < SETS_MAX;
		}
	return asks && held;
}

/* Most programs order their locks: nothing is left after this. */
static void prune(void)
{
	bool more = true;

	for (size_t i = 0; i < n_deps; i++)
		deps[i]->out = deps[i]->kind != REQUEST || happened_on(deps[i]->lock);
	while (more) {
		more = false;
		for (size_t i = 0; i < n_deps; i++)
			if (!deps[i]->out && !possible(deps[i]))
				deps[i]->out = more = true;
	}
}

/* GS205 */

/* The bug is in the reader's two places: whoever writes is an example, and no part of the identity. */
static void report_again(struct dep *d, const struct inst *in, const struct inst *writer)
{
	struct gosan_finding *f = gosan_finding_begin(205);
	struct told *t = gosan_vec_push(&told, sizeof *t);

	d->told = true;
	f->obj = d->lock;
	gosan_finding_part(f, "owner", in->g, "rlock", in->held_stack[SETS_MAX - 1]);
	gosan_finding_part(f, "waiter", in->g, "rlock", in->stack);
	gosan_finding_part(f, "waiter", writer->g, "lock", writer->stack);
	f->dedup = gosan_waits_hash(gosan_waits_hash(5, in->held_stack[SETS_MAX - 1]), in->stack);
	snprintf(f->title, sizeof f->title, "{obj} is read-locked again while a writer can queue in between");
	snprintf(f->why, sizeof f->why,
		 "%s read-locks what it has read-locked already. When %s asks for the write lock in between, "
		 "it waits for the first read lock, and the second one queues behind it: both wait for ever",
		 gosan_words_who(in->g), gosan_words_who(writer->g));
	snprintf(f->help, sizeof f->help, "read-lock once, and pass on that it is held");
	gosan_finding_story(f, in->g, in->held_stack[SETS_MAX - 1], "rlock");
	gosan_finding_story(f, writer->g, writer->stack, "lock: waits for the reader");
	gosan_finding_story(f, in->g, in->stack, "rlock  <-- waits for the writer");
	gosan_finding_emit(f);
	if (t)
		*t = (struct told){f->dedup, gosan_finding_last(), 1, {d->lock}};
}

/* The writer's request may fall between the outer and the inner read lock. */
static bool fits_between(const struct inst *in, const struct inst *writer)
{
	return in->g != writer->g && !gosan_clock_covers(&in->weak, writer->at) &&
	       !gosan_clock_covers(&writer->weak, in->at);
}

/* One writer is enough. */
static void judge_again(struct dep *d)
{
	for (size_t i = 0; i < n_deps && !d->told; i++) {
		const struct dep *w = deps[i];

		if (w->kind != WRITE || w->lock != d->lock || gated(d, w))
			continue;
		for (size_t k = 0; k < d->n; k++)
			for (size_t m = 0; m < w->n; m++)
				if (fits_between(&d->inst[k], &w->inst[m])) {
					report_again(d, &d->inst[k], &w->inst[m]);
					return;
				}
	}
}

/* On the way. */

/* A fresh request got its lock. In most programs nobody holds what it asks for while asking for what it holds. Its
 * place in the table may have been taken by a later one meanwhile: never mind. */
static void judge_fresh(const struct fresh *f)
{
	static struct path p;
	size_t at[DEPTH];

	if (f->d->kind == REQUEST && possible(f->d) && !happened_on(f->lock)) {
		p.d[0] = f->d;
		p.in[0] = f->in;
		max_steps = EARLY_MAX;
		search_from(0, &p, at);
	}
	if (f->d->kind == READ_AGAIN)
		judge_again(f->d);
	for (size_t i = 0; i < n_deps && f->d->kind == WRITE; i++)
		if (deps[i]->kind == READ_AGAIN && deps[i]->lock == f->lock)
			judge_again(deps[i]);
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
	steps = 0, max_steps = STEPS_MAX;
	find_cycles();
	for (size_t i = 0; i < n_deps; i++)
		if (deps[i]->kind == READ_AGAIN && !happened_on(deps[i]->lock))
			judge_again(deps[i]);
	n_deps = n_fresh = 0;
}

/* Of the commonest events, only what asks for a lock and gets it. */
static bool wants(enum gosan_op op)
{
	return op >= GOSAN_EV_ONCE_DONE || op == GOSAN_EV_LOCK_REQUEST || op == GOSAN_EV_LOCK_ACQUIRE;
}

const struct gosan_analyzer gosan_analyze_lockorder = {
	.check = "deadlock",
	.wants = wants,
	.before = before,
	.after = after,
	.end = end,
};
