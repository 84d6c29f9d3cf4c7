/* SPDX-License-Identifier: Apache-2.0
 *
 * atomic.c: release clocks by address, in lock stripes.
 *
 * Invariants
 *  - A variable has a record once somebody published something through it; no record means an empty clock.
 *  - strong and weak of a record are the join of what the heads of the release sequences that the current
 *    value belongs to published. A relaxed store empties them; a relaxed read-modify-write keeps them.
 *  - version changes whenever the clocks do, so that a goroutine that acquired (variable, version) once
 *    need not do it again: a spinning load costs no clock work.
 *
 * Locks: stripe, then engine (clocks). Granules hash to stripes, so all variables of a granule share one.
 * The tie of fences: a release fence leaves its clock with the goroutine, for its later relaxed stores; a
 * relaxed load leaves the variable's clock with the goroutine, for its later acquire fence.
 */
#include "atomic.h"

#include "chain.h"
#include "mem.h"
#include "shadow.h"

#include <sched.h>

#define STRIPE_BITS 14
#define SEEN        8

struct atom {
	struct atom *next;
	uintptr_t addr;
	uint64_t version;
	struct gosan_clock strong, weak;
};

struct gosan_atomic_stripe {
	char lock;
	struct atom *atoms;
};
static struct gosan_atomic_stripe stripes[1u << STRIPE_BITS];

/* What a goroutine that uses atomics remembers; hangs at gosan_g.access. */
struct track {
	struct gosan_clock release_strong, release_weak; /* of its last release fence */
	struct gosan_clock pending_strong, pending_weak; /* of its relaxed loads since birth */
	struct {
		const struct atom *atom;
		uint64_t version;
	} seen[SEEN];
};

static __thread int inside __attribute__((tls_model("initial-exec")));
static uint64_t versions; /* unique over all variables: a record that is reused has never been seen */

/* By granule, for gosan_atomic_forget. */
static struct gosan_atomic_stripe *stripe_of(uintptr_t addr)
{
	return &stripes[(addr >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - STRIPE_BITS)];
}

static void lock(struct gosan_atomic_stripe *s)
{
	for (unsigned i = 1; __atomic_test_and_set(&s->lock, __ATOMIC_ACQUIRE); i++)
		if (i % 64 == 0)
			sched_yield();
}

struct gosan_atomic_stripe *gosan_atomic_lock(uintptr_t addr)
{
	struct gosan_atomic_stripe *s = stripe_of(addr);

	if (inside) {
		GOSAN_COUNT(lost);
		return NULL;
	}
	inside = 1;
	__asm__ volatile("" ::: "memory");
	lock(s);
	return s;
}

void gosan_atomic_unlock(struct gosan_atomic_stripe *s)
{
	__atomic_clear(&s->lock, __ATOMIC_RELEASE);
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

/* The clocks of a that did not change since g last acquired them, or last kept them for a fence, have nothing to
 * tell: no lock is taken for a spinning load. */
void gosan_atomic_loaded(struct gosan_atomic_stripe *s, struct gosan_g *g, uintptr_t addr, int mo)
{
	struct atom *a = find(s, addr);
	struct track *t = a && !gosan_clock_empty(&a->strong) ? track_of(g) : NULL;
	size_t i = (addr >> 3) % SEEN;

	if (!t)
		return;
	mo &= 0xff; /* clang and gcc may put hints in the upper bits */
	if (acquires(mo) ? t->seen[i].atom == a && t->seen[i].version == a->version
			 : gosan_clock_same(&t->pending_strong, &a->strong))
		return;
	gosan_engine_lock();
	gosan_clock_join(acquires(mo) ? &g->strong : &t->pending_strong, &a->strong);
	gosan_clock_join(acquires(mo) ? &g->weak : &t->pending_weak, &a->weak);
	gosan_engine_unlock();
	if (acquires(mo)) {
		t->seen[i].atom = a;
		t->seen[i].version = a->version;
	}
}

/* Under the engine lock. */
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
	a->version = ++versions;
}

/* A release publishes g's clock; otherwise an earlier release fence publishes what it kept; otherwise a store
 * ends the sequence and a modification leaves it as it is (C11 5.1.2.4p10, 7.17.4p2-4). */
void gosan_atomic_stored(struct gosan_atomic_stripe *s, struct gosan_g *g, uintptr_t addr, int mo,
			 bool is_rmw)
{
	const struct track *t = g->access;
	bool release = releases(mo & 0xff), fenced = t && !gosan_clock_empty(&t->release_strong);
	struct atom *a = release || fenced ? find_or_add(s, addr) : find(s, addr);

	if (!a || (!release && !fenced && (is_rmw || gosan_clock_empty(&a->strong))))
		return;
	gosan_engine_lock();
	if (release) {
		publish(a, &g->strong, &g->weak, is_rmw);
		gosan_chain_advance(g);
	} else if (fenced) {
		publish(a, &t->release_strong, &t->release_weak, is_rmw);
	} else {
		gosan_clock_clear(&a->strong);
		gosan_clock_clear(&a->weak);
		a->version = ++versions;
	}
	gosan_engine_unlock();
}

/* Acquire before release: a fence that is both publishes what it acquired. */
void gosan_atomic_fence(struct gosan_g *g, int mo)
{
	struct track *t = mo == GOSAN_MO_RELAXED ? NULL : track_of(g);

	if (!t || inside)
		return;
	gosan_engine_lock();
	if (acquires(mo)) {
		gosan_clock_join(&g->strong, &t->pending_strong);
		gosan_clock_join(&g->weak, &t->pending_weak);
	}
	if (releases(mo)) {
		gosan_clock_copy(&t->release_strong, &g->strong);
		gosan_clock_copy(&t->release_weak, &g->weak);
		gosan_chain_advance(g);
	}
	gosan_engine_unlock();
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

/* Called for pages that are marked only. A stripe that has no records is skipped without its lock: one that is
 * being added now belongs to an access that races with the free of its memory. */
void gosan_atomic_forget(uintptr_t addr, size_t size)
{
	uintptr_t end = addr + size, next;

	for (; addr < end; addr = next) {
		struct gosan_atomic_stripe *s = stripe_of(addr);
		bool locked = gosan_engine_inside();

		next = (addr & ~(uintptr_t)7) + 8;
		if (!__atomic_load_n(&s->atoms, __ATOMIC_RELAXED) || inside)
			continue;
		inside = 1;
		lock(s);
		if (!locked)
			gosan_engine_lock();
		forget_granule(s, addr, next < end ? next : end);
		if (!locked)
			gosan_engine_unlock();
		gosan_atomic_unlock(s);
	}
}

void gosan_atomic_fork_child(void)
{
	for (size_t i = 0; i < sizeof(stripes) / sizeof(stripes[0]); i++)
		stripes[i].lock = 0;
	inside = 0;
}
