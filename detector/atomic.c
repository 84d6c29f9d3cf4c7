/* SPDX-License-Identifier: Apache-2.0
 *
 * atomic.c: release clocks by address, in lock stripes.
 *
 * Invariants
 *  - A variable has a record once somebody published something through it; no record means an empty clock.
 *  - strong and weak of a record are the join of what the heads of the release sequences that the current
 *    value belongs to published. A relaxed store empties them; a relaxed read-modify-write keeps them.
 *  - The word of a stripe is its lock (bit 0) and a version that changes whenever a clock of one of its variables
 *    does. A goroutine that acquired a variable at one version need not do it again: a load that finds the
 *    version it knows costs a comparison and takes no lock. That is sound: a value becomes visible either after
 *    its clock was stored (stores) or while the lock is held (read-modify-writes), so who read the value and then
 *    finds the word unlocked and unchanged has acquired what came with it.
 *
 * Locks: stripe, then the goroutine's bit (clocks). The engine lock is taken below a stripe by a race report and by a
 * goroutine that needs a new chain; so whoever has the engine lock must not wait for a stripe (gosan_atomic_forget).
 * Granules hash to stripes, so all variables of a granule share one.
 * The tie of fences: a release fence leaves its clock with the goroutine, for its later relaxed stores; a
 * relaxed load leaves the variable's clock with the goroutine, for its later acquire fence.
 */
#include "atomic.h"

#include "access.h"
#include "chain.h"
#include "hb.h"
#include "mem.h"
#include "recorder.h"
#include "shadow.h"

#include <sched.h>

#define SEEN 8

struct atom {
	struct atom *next;
	uintptr_t addr;
	struct gosan_clock strong, weak;
	struct gosan_stamp at;      /* they are exactly this moment's; 0: a merge, or a fence's */
	const struct gosan_g *from; /* who published last */
};

struct gosan_atomic_stripe {
	uint64_t word;
	struct atom *atoms;
	uint64_t seq; /* of what was recorded; under the lock */
};
static struct gosan_atomic_stripe stripes[1u << GOSAN_TRACE_STRIPE_BITS];

/* What a goroutine that uses atomics remembers; hangs at gosan_g.access. */
struct track {
	struct gosan_clock release_strong, release_weak; /* of its last release fence */
	struct gosan_clock pending_strong, pending_weak; /* of its relaxed loads since birth */
	struct seen {
		uintptr_t addr;
		uint64_t word; /* with bit 0 when it was acquired, without when it is only pending */
	} seen[SEEN];
};

static bool incomplete; /* there was no memory for a record: who acquires what has none may owe it anything */
/* The stripe that this thread has, another value that is not 0 while it must not take one. */
static __thread uintptr_t inside __attribute__((tls_model("initial-exec")));

/* By granule, for gosan_atomic_forget. */
static struct gosan_atomic_stripe *stripe_of(uintptr_t addr)
{
	return &stripes[gosan_trace_stripe(addr)];
}

static bool try_lock(struct gosan_atomic_stripe *s)
{
	return !(__atomic_fetch_or(&s->word, 1, __ATOMIC_ACQUIRE) & 1);
}

static void lock(struct gosan_atomic_stripe *s)
{
	for (unsigned i = 1; !try_lock(s); i++)
		if (i % 64 == 0)
			sched_yield();
}

/* Under the lock nobody else writes the word. */
static void changed(struct gosan_atomic_stripe *s)
{
	__atomic_store_n(&s->word, s->word + 2, __ATOMIC_RELAXED);
}

struct gosan_atomic_stripe *gosan_atomic_lock(uintptr_t addr)
{
	struct gosan_atomic_stripe *s = stripe_of(addr);

	if (inside) {
		GOSAN_COUNT(lost);
		return NULL;
	}
	inside = (uintptr_t)s;
	__asm__ volatile("" ::: "memory");
	lock(s);
	return s;
}

void gosan_atomic_unlock(struct gosan_atomic_stripe *s)
{
	__atomic_store_n(&s->word, s->word & ~UINT64_C(1), __ATOMIC_RELEASE);
	__asm__ volatile("" ::: "memory");
	inside = 0;
}

static struct atom *find(struct gosan_atomic_stripe *s, uintptr_t addr)
{
	struct atom *a = s->atoms;

	while (a && a->addr != addr)
		a = a->next;
	return a;
}

/* The page is marked, so that new memory at this address finds the record and drops it. */
static struct atom *find_or_add(struct gosan_atomic_stripe *s, uintptr_t addr)
{
	struct atom *a = find(s, addr);

	if (a)
		return a;
	a = gosan_mem_alloc(sizeof(*a));
	if (!a) {
		GOSAN_COUNT(clock_lost);
		incomplete = true;
		return NULL;
	}
	a->addr = addr;
	a->next = s->atoms;
	s->atoms = a;
	gosan_shadow_mark_atomic(addr);
	return a;
}

/* Most goroutines use no atomics: they pay one word. */
static struct track *track_of(struct gosan_g *g)
{
	if (!g->access)
		g->access = gosan_mem_alloc(sizeof(struct track));
	return g->access;
}

/* Consume is acquire, as compilers have it. */
static inline bool acquires(int mo)
{
	return mo != GOSAN_MO_RELAXED && mo != GOSAN_MO_RELEASE;
}

static inline bool releases(int mo)
{
	return mo >= GOSAN_MO_RELEASE;
}

/* A signal handler that interrupts a change of this goroutine's clocks must find the hooks busy. */
static void enter(struct gosan_g *g)
{
	gosan_engine_busy = true;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	gosan_hb_bit_lock(&g->clock_bit);
}

static void leave(struct gosan_g *g)
{
	gosan_hb_bit_unlock(&g->clock_bit);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	gosan_engine_busy = false;
}

/* g's clock was published. A new chain comes from tables that the engine lock protects. */
static void advance(struct gosan_g *g)
{
	bool far = !gosan_hb_may_advance(g);

	g->weak_moves++;
	if (far)
		gosan_engine_lock();
	gosan_chain_advance(g);
	if (far)
		gosan_engine_unlock();
}

static struct seen *seen_of(struct track *t, uintptr_t addr)
{
	return &t->seen[(addr >> 2) % SEEN];
}

/* The clocks of addr as they are now, under the lock. */
static void see(struct track *t, const struct gosan_atomic_stripe *s, uintptr_t addr, bool acquired)
{
	*seen_of(t, addr) = (struct seen){addr, (s->word & ~UINT64_C(1)) | acquired};
}

/* A stripe without records has nothing to tell; most programs have few atomics. */
bool gosan_atomic_settled(const struct gosan_g *g, uintptr_t addr, int mo)
{
	const struct gosan_atomic_stripe *s = stripe_of(addr);
	uint64_t word = __atomic_load_n(&s->word, __ATOMIC_ACQUIRE);
	const struct track *t = g->access;
	const struct seen *seen;

	if (word & 1 || incomplete)
		return false;
	if (!__atomic_load_n(&s->atoms, __ATOMIC_RELAXED))
		return true;
	if (!t)
		return false;
	seen = seen_of((struct track *)t, addr);
	return seen->addr == addr &&
	       (seen->word == (word | 1) || (seen->word == word && !acquires(mo & 0xff)));
}

/* What is kept for a fence is a merge of several variables. */
static void keep(struct track *t, const struct atom *a)
{
	if (gosan_clock_same(&t->pending_strong, &a->strong) && gosan_clock_same(&t->pending_weak, &a->weak))
		return;
	gosan_clock_join(&t->pending_strong, &a->strong);
	gosan_clock_join(&t->pending_weak, &a->weak);
}

/* The clocks of a that did not change since g last acquired them, or last kept them for a fence, have nothing to
 * tell. A variable without a record is remembered, too: spinning on it is as cheap. */
void gosan_atomic_loaded(struct gosan_atomic_stripe *s, struct gosan_g *g, uintptr_t addr, int mo,
			 uintptr_t pc)
{
	const struct atom *a = find(s, addr);
	struct track *t = s->atoms ? track_of(g) : NULL;

	if (gosan_g_deaf(g))
		return;
	if (!a && incomplete && acquires(mo & 0xff)) {
		enter(g);
		gosan_clock_fill(&g->strong);
		gosan_clock_fill(&g->weak);
		g->n_sources = GOSAN_SOURCES + 1;
		leave(g);
	}
	if (!t)
		return;
	mo &= 0xff; /* clang and gcc may put hints in the upper bits */
	if (a && !gosan_clock_empty(&a->strong)) {
		struct gosan_published p = {&a->strong, &a->weak, a->at, a->from, {0, 0}};
		uint32_t stack = 0;

		if (!acquires(mo)) {
			keep(t, a);
		} else if (!gosan_hb_learns_nothing(g, &p)) {
			stack = pc ? gosan_access_stack(g, pc) : 0;
			enter(g);
			gosan_hb_learn(g, &p, GOSAN_EV_ATOMIC, stack);
			leave(g);
		}
		GOSAN_RECORD(gosan_recorder_atomic(GOSAN_TRACE_LOAD, addr, ++s->seq, mo, stack));
	}
	see(t, s, addr, acquires(mo) || !a);
}

/* Whoever knows what is there already publishes all of it with its own clock. */
static void publish(struct atom *a, const struct gosan_clock *strong, const struct gosan_clock *weak,
		    bool merge)
{
	if (merge) {
		gosan_clock_join(&a->strong, strong);
		gosan_clock_join(&a->weak, weak);
	} else {
		gosan_clock_copy(&a->strong, strong);
		gosan_clock_copy(&a->weak, weak);
	}
}

static bool knows(const struct gosan_g *g, const struct atom *a)
{
	struct gosan_published p = {&a->strong, &a->weak, a->at, a->from, {0, 0}};

	return gosan_clock_empty(&a->strong) || (a->at.epoch && gosan_hb_learns_nothing(g, &p));
}

/* A release publishes g's clock; otherwise an earlier release fence publishes what it kept; otherwise a store
 * ends the sequence and a modification leaves it as it is (C11 5.1.2.4p10, 7.17.4p2-4). */
void gosan_atomic_stored(struct gosan_atomic_stripe *s, struct gosan_g *g, uintptr_t addr, int mo,
			 bool is_rmw)
{
	struct track *t = g->access;
	bool release = releases(mo & 0xff), fenced = t && !gosan_clock_empty(&t->release_strong);
	struct atom *a = release || fenced ? find_or_add(s, addr) : find(s, addr);
	bool merge;

	if (!a || gosan_g_deaf(g) || (!release && !fenced && (is_rmw || gosan_clock_empty(&a->strong))))
		return;
	GOSAN_RECORD(gosan_recorder_atomic(GOSAN_TRACE_STORE, addr, ++s->seq, mo, is_rmw));
	changed(s);
	merge = is_rmw && !knows(g, a);
	a->at = (struct gosan_stamp){0, 0};
	if (release) {
		publish(a, &g->strong, &g->weak, merge);
		a->from = g;
		if (!merge) {
			a->at = gosan_hb_moment(g);
			if (t)
				see(t, s, addr, true);
		}
		advance(g);
	} else if (fenced) {
		publish(a, &t->release_strong, &t->release_weak, is_rmw);
		a->from = g;
	} else {
		gosan_clock_clear(&a->strong);
		gosan_clock_clear(&a->weak);
	}
}

/* Acquire before release: a fence that is both publishes what it acquired. */
void gosan_atomic_fence(struct gosan_g *g, int mo)
{
	struct track *t = mo == GOSAN_MO_RELAXED ? NULL : track_of(g);

	if (!t || inside || gosan_g_deaf(g))
		return;
	GOSAN_RECORD(gosan_recorder_atomic(GOSAN_TRACE_FENCE, 0, 0, mo, 0));
	if (acquires(mo)) {
		struct gosan_published p = {&t->pending_strong, &t->pending_weak, {0, 0}, NULL, {0, 0}};

		enter(g);
		gosan_hb_learn(g, &p, GOSAN_EV_ATOMIC, 0);
		leave(g);
	}
	if (releases(mo)) {
		enter(g);
		gosan_clock_copy(&t->release_strong, &g->strong);
		gosan_clock_copy(&t->release_weak, &g->weak);
		leave(g);
		advance(g);
	}
}

static void forget_granule(struct gosan_atomic_stripe *s, uintptr_t lo, uintptr_t hi)
{
	for (struct atom **p = &s->atoms, *a; (a = *p);) {
		if (a->addr < lo || a->addr >= hi) {
			p = &a->next;
			continue;
		}
		*p = a->next;
		gosan_clock_clear(&a->strong);
		gosan_clock_clear(&a->weak);
		gosan_mem_free(a, sizeof(*a));
	}
}

/* Not for ever: a holder may wait for the engine lock, which we may have. */
static bool lock_soon(struct gosan_atomic_stripe *s)
{
	for (unsigned i = 0; i < 1000; i++) {
		if (try_lock(s))
			return true;
		if (i % 64 == 0)
			sched_yield();
	}
	return false;
}

/* Called for pages that are marked only. A stripe that has no records is skipped without its lock: one that is
 * being added now belongs to an access that races with the free of its memory. What can't be forgotten orders too
 * much later on, which hides races at worst: an event lost. */
void gosan_atomic_forget(uintptr_t addr, size_t size)
{
	uintptr_t end = addr + size, next;

	for (; addr < end; addr = next) {
		struct gosan_atomic_stripe *s = stripe_of(addr);

		next = (addr & ~(uintptr_t)7) + 8;
		if (!__atomic_load_n(&s->atoms, __ATOMIC_RELAXED) || inside)
			continue;
		inside = 1;
		if (lock_soon(s)) {
			forget_granule(s, addr, next < end ? next : end);
			changed(s);
			gosan_atomic_unlock(s);
		} else {
			GOSAN_COUNT(lost);
		}
		inside = 0;
	}
}

/* Whoever has a stripe may wait for the collector, which asks this: so not for ever. The caller may have one itself: it
 * holds still, too. */
bool gosan_atomic_freeze(bool on)
{
	size_t n = sizeof(stripes) / sizeof(stripes[0]), had = n;

	for (size_t i = 0; on && i < had; i++)
		if (inside != (uintptr_t)&stripes[i] && !lock_soon(&stripes[i]))
			had = i;
	if (on && had == n)
		return true;
	for (size_t i = 0; i < had; i++)
		if (inside != (uintptr_t)&stripes[i])
			__atomic_store_n(&stripes[i].word, stripes[i].word & ~UINT64_C(1), __ATOMIC_RELEASE);
	return !on;
}

void gosan_atomic_each(void (*fn)(const struct gosan_clock *, void *), void *arg)
{
	for (size_t i = 0; i < sizeof(stripes) / sizeof(stripes[0]); i++)
		for (const struct atom *a = stripes[i].atoms; a; a = a->next)
			fn(&a->strong, arg);
}

void gosan_atomic_each_kept(const struct gosan_g *g, void (*fn)(const struct gosan_clock *, void *),
			    void *arg)
{
	const struct track *t = g->access;

	if (!t)
		return;
	fn(&t->release_strong, arg);
	fn(&t->pending_strong, arg);
}

/* A thread that exists no more may have left a stripe in the middle of a change: its clocks are dropped without
 * counting. The only thread of the child is after all of them (gosan_chain_alone). */
void gosan_atomic_fork_child(void)
{
	for (size_t i = 0; i < sizeof(stripes) / sizeof(stripes[0]); i++) {
		stripes[i].seq = 0;
		if (!(stripes[i].word & 1))
			continue;
		for (struct atom *a = stripes[i].atoms; a; a = a->next) {
			a->strong = a->weak = (struct gosan_clock){0};
			a->at = (struct gosan_stamp){0, 0};
		}
		stripes[i].word &= ~UINT64_C(1);
		changed(&stripes[i]);
	}
	inside = 0;
}

void gosan_atomic_drop(struct gosan_g *g)
{
	struct track *t = g->access;

	if (!t)
		return;
	gosan_clock_clear(&t->release_strong);
	gosan_clock_clear(&t->release_weak);
	gosan_clock_clear(&t->pending_strong);
	gosan_clock_clear(&t->pending_weak);
	gosan_mem_free(t, sizeof(*t));
	g->access = NULL;
}
