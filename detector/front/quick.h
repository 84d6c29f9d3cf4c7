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
	bool ignored; /* in the runtime, the detector or an allocator */
	bool eager;   /* its locks are told late now and then: their stacks are captured at once */
	bool quick;   /* neither, and seen often: a record will do */
};
#define GOSAN_SITES 4096 /* a power of two */
extern struct gosan_site gosan_pthread_sites[GOSAN_SITES];
static inline size_t gosan_pthread_place(uintptr_t pc)
{
	return (size_t)((pc * UINT64_C(0x9e3779b97f4a7c15)) >> 52);
}

/* The short way of an uninstrumented program: the thread, when it holds nothing and a lock that is taken at pc may
 * remain a record; NULL: the long way. */
static inline struct gosan_thread *gosan_pthread_quick(uintptr_t pc)
{
	const struct gosan_site *s = &gosan_pthread_sites[gosan_pthread_place(pc)];
	struct gosan_thread *t = gosan_pthread_me;

	if (__builtin_expect(s->pc == pc && s->quick && t && t->n == 0 && !t->crowded && gosan_ignore == 0 &&
				     gosan_front_on && !gosan_module_instrumented && !gosan_front_attached,
			     1))
		return t;
	return NULL;
}

/* n is raised last: a handler that interrupts us sees the list without the lock, or with all of it. */
static inline void gosan_pthread_push(struct gosan_thread *t, const struct gosan_lock *l, int mode,
				      uintptr_t pc, uintptr_t sp)
{
	t->record[0] = (struct gosan_record){.addr = (uintptr_t)l->addr,
					     .pc = pc,
					     .sp = sp,
					     .kind = (unsigned char)l->kind,
					     .mode = (unsigned char)mode,
					     .flags = (unsigned char)l->flags};
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	t->n = 1;
}

/* The counterpart: true when addr was this thread's only lock and nobody had heard of it. */
static inline bool gosan_pthread_pop(uintptr_t addr)
{
	struct gosan_thread *t = gosan_pthread_me;
	size_t i = (addr >> 4) & (GOSAN_LEFT - 1);

	if (!t || t->n != 1 || t->record[0].addr != addr || t->record[0].told || t->record[0].gone ||
	    gosan_ignore)
		return false;
	t->n = 0;
	t->untold++;
	t->left[i].addr = addr;
	t->left[i].wakes = gosan_pthread_wakes;
	return true;
}

/* site.c: the place of pc, added when it is new. Never NULL: when the table is crowded, one for all the rest. */
struct gosan_site *gosan_site_of(uintptr_t pc);
/* site.c: the stack of a call that took place at (pc, sp) on t's stack, as far as it is still there. */
uint32_t gosan_site_restore(const struct gosan_thread *t, uintptr_t pc, uintptr_t sp);

#endif
