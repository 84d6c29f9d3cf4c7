/* SPDX-License-Identifier: Apache-2.0
 *
 * quick.h: the short way of locks in a program without instrumented code: places that call us, and the pair of a
 * record that is filled and dropped. Knows when the short way may be taken; everything else is pthread.c's.
 */
#ifndef GOSAN_QUICK_H
#define GOSAN_QUICK_H

#include "pthread.h"

/* A place in the program that calls us. Added once, never removed; lock-free. */
struct gosan_site {
	uintptr_t pc;
	uint32_t count;
	int32_t cfa; /* where its function's frame ends (cfi.h), from sp or fp; 0: not known so simply */
	bool by_fp;
	bool ignored; /* in the runtime, the detector or an allocator */
	bool eager; /* when its locks are told late, frames are missing: their stacks are captured at once */
	bool quick; /* neither, and seen often: a record will do */
};
#define GOSAN_SITES 4096 /* a power of two */
extern struct gosan_site gosan_pthread_sites[GOSAN_SITES];
static inline size_t gosan_pthread_place(uintptr_t pc)
{
	return (size_t)((pc * UINT64_C(0x9e3779b97f4a7c15)) >> 52);
}

/* The short way of an uninstrumented program: the place, when a lock that is taken at pc may remain a record of thread
 * *ret_t; NULL: the long way. */
static inline const struct gosan_site *gosan_pthread_quick(uintptr_t pc, struct gosan_thread **ret_t)
{
	const struct gosan_site *s = &gosan_pthread_sites[gosan_pthread_place(pc)];
	struct gosan_thread *t = *ret_t = gosan_pthread_me;

	if (__builtin_expect(s->pc == pc && s->quick && t && !t->crowded && gosan_ignore == 0 &&
				     gosan_front_on && !gosan_module_instrumented && !gosan_front_attached,
			     1))
		return s;
	return NULL;
}

/* The thread of a call that has no site of its own to be quick at, in an uninstrumented program; NULL: the long way. */
static inline struct gosan_thread *gosan_pthread_light(uintptr_t pc)
{
	const struct gosan_site *s = &gosan_pthread_sites[gosan_pthread_place(pc)];
	struct gosan_thread *t = gosan_pthread_me;

	if (__builtin_expect(s->pc == pc && !s->ignored && t && gosan_ignore == 0 && gosan_front_on &&
				     !gosan_module_instrumented && !gosan_front_attached,
			     1))
		return t;
	return NULL;
}

/* What tells one acquisition from another: multilinear, so that the products don't wait for each other (Carter and
 * Wegman 1979; the multipliers are fractions of pi). sp stands for the callers; turned, it meets no other pc. */
static inline uint64_t gosan_pthread_mark(const struct gosan_record *r)
{
	return (r->addr ^ (uint64_t)r->mode << 56) * UINT64_C(0x243f6a8885a308d3) +
	       (r->pc + (r->sp << 17 | r->sp >> 47)) * UINT64_C(0x13198a2e03707345);
}

/* The acquisition r with all that t holds, and the order between it and others' acquisitions as it is now. */
static inline uint64_t gosan_pthread_nested_key(const struct gosan_thread *t, const struct gosan_record *r,
						uint32_t learned)
{
	uint64_t h = t->generation * UINT64_C(0x452821e638d01377) +
		     (learned | gosan_pthread_births << 32) * UINT64_C(0xbe5466cf34e90c6d);

	for (unsigned i = 0; i < t->n; i++)
		h = (h << 9 | h >> 55) + gosan_pthread_mark(&t->record[i]);
	return ((h << 9 | h >> 55) + gosan_pthread_mark(r)) | 1;
}

/* pthread.c: r was told before with these locks held; then it gets the stack that it had. */
bool gosan_pthread_nested(struct gosan_thread *t, struct gosan_record *r);

/* The record of a lock that was taken, without counting it yet. Filled where it stays: a copy of what was just
 * written in smaller pieces would have to wait for them. */
static inline __attribute__((always_inline)) void
gosan_pthread_fill(struct gosan_record *r, const struct gosan_site *s, const volatile void *addr,
		   enum gosan_obj_kind kind, unsigned flags, int mode, uintptr_t pc, uintptr_t sp)
{
	int32_t cfa = s->cfa;

	r->addr = (uintptr_t)addr;
	r->pc = pc;
	r->sp = sp;
	r->ra = 0;
	r->how = (uint64_t)kind << 32 | (uint64_t)(unsigned)mode << 40 | (uint64_t)flags << 48;
	r->gone = false;
	if (cfa) {
		/* The caller's frame pointer was pushed by the function that it called. */
		r->cfa = (s->by_fp ? ((const uintptr_t *)sp)[-2] : sp) + (uintptr_t)(intptr_t)cfa;
		r->ra = ((const uintptr_t *)r->cfa)[-1];
	}
}

/* n is raised last: a handler that interrupts us sees the list without the lock, or with all of it. */
static inline void gosan_pthread_count(struct gosan_thread *t, unsigned n)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	t->n = n;
}

/* A lock of the program's was taken: true when it is noted, and nobody needs to hear of it now. False: it has to be
 * told (gosan_pthread_acquired). */
static inline __attribute__((always_inline)) bool
gosan_pthread_noted(struct gosan_thread *t, const struct gosan_site *s, const volatile void *addr,
		    enum gosan_obj_kind kind, unsigned flags, int mode, uintptr_t pc, uintptr_t sp)
{
	unsigned n = t->n;

	if (__builtin_expect(n >= GOSAN_RECORDS, 0))
		return false;
	gosan_pthread_fill(&t->record[n], s, addr, kind, flags, mode, pc, sp);
	if (n > 0 && !gosan_pthread_nested(t, &t->record[n]))
		return false;
	gosan_pthread_count(t, n + 1);
	return true;
}

/* The counterpart: true when addr was this thread's newest lock and nobody had heard of it. */
static inline bool gosan_pthread_pop(uintptr_t addr)
{
	struct gosan_thread *t = gosan_pthread_me;
	size_t i = (addr >> 4) & (GOSAN_LEFT - 1);
	const struct gosan_record *r;

	if (!t || !t->n)
		return false;
	r = &t->record[t->n - 1];
	if (r->addr != addr || r->told || r->gone || gosan_ignore)
		return false;
	t->n--;
	t->untold += 2;
	t->left[i].addr = addr;
	t->left[i].wakes = gosan_pthread_wakes;
	return true;
}

/* site.c: the place of pc, added when it is new. Never NULL: when the table is crowded, one for all the rest. */
struct gosan_site *gosan_site_of(uintptr_t pc);
/* site.c: the stack of the call that made r, on t's stack, as far as it is still there. *ret_whole: all of it is. */
uint32_t gosan_site_restore(const struct gosan_thread *t, const struct gosan_record *r, bool *ret_whole);

#endif
