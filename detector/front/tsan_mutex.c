/* SPDX-License-Identifier: Apache-2.0
 *
 * tsan_mutex.c: locks that the program made itself and announces: __tsan_mutex_*, AnnotateRWLock*, and those of
 * managed objects. They become the events of an rwmutex at that address.
 *
 * A table of ours remembers who holds such a lock how often: the engine knows no recursion, and a lock may be
 * announced whose address the program's pthread lock has too. What that front end holds already is left to it.
 *
 * Between "pre" and "post" the lock's own code runs: its accesses don't count. Its order does, which adds edges
 * where a lock is handed over anyway.
 */
#include "annotate.h"

#include "../../runtime/probe.h"
#include "../mem.h"

#include <sched.h>

/* Flags of the interface. */
enum {
	LINKER_INIT = 1u << 0,
	WRITE_REENTRANT = 1u << 1,
	READ_LOCK = 1u << 3,
	TRY_LOCK = 1u << 4,
	TRY_LOCK_FAILED = 1u << 5,
	RECURSIVE_LOCK = 1u << 6,
	RECURSIVE_UNLOCK = 1u << 7,
	NOT_STATIC = 1u << 8,
};

#define BUCKETS 1024

/* Lives until the program destroys its lock; there is no other end. */
struct lock {
	struct lock *next;
	uintptr_t addr;
	unsigned flags;
	bool foreign;                /* another front end has it */
	bool told;                   /* we have sent an event that it was taken */
	const struct gosan_g *owner; /* writer */
	int depth;                   /* of the writer; 0: not held for writing, as far as we were told */
};

/* Under `word`, a leaf but for the memory's own lock. */
static struct lock *table[BUCKETS];
static char word;

/* The place that points to the lock, or to the end of its list: for look-up, insertion and removal alike. With the
 * word taken. */
static struct lock **find(uintptr_t addr)
{
	struct lock **p = &table[(addr >> 4) % BUCKETS];

	while (*p && (*p)->addr != addr)
		p = &(*p)->next;
	return p;
}

/* Held for a few loads and stores, and never over an event: the engine lock is not taken below it. */
static void take_word(void)
{
	while (__atomic_test_and_set(&word, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void give_word(void)
{
	__atomic_clear(&word, __ATOMIC_RELEASE);
}

/* With the word taken. NULL when memory is exhausted: the lock then has no recursion. */
static struct lock *get(uintptr_t addr)
{
	struct lock **p = find(addr);

	if (!*p && (*p = gosan_mem_alloc(sizeof(**p))) != NULL)
		(*p)->addr = addr;
	return *p;
}

/* How often g holds the lock for writing after adding `by`; -1: it was not its own, or could not be remembered. A
 * new owner starts again, so that an unlock that nobody told of does no lasting harm. */
static int count(struct lock *l, const struct gosan_g *g, int by)
{
	if (l && by > 0 && l->owner != g) {
		l->owner = g;
		l->depth = 0;
	}
	if (!l || l->owner != g || l->depth + by < 0)
		return -1;
	l->depth += by;
	if (!l->depth)
		l->owner = NULL;
	return l->depth;
}

/* g runs, so its own list doesn't move. */
static bool holds(const struct gosan_g *g, const struct gosan_obj *obj)
{
	for (size_t i = 0; i < g->n_held; i++)
		if (g->held[i].obj == obj)
			return true;
	return false;
}

/* A lock that was tried makes no one wait: it predicts no deadlock. */
static int mode_of(unsigned flags)
{
	return (flags & READ_LOCK ? GO_LOCK_READ : GO_LOCK_WRITE) | (flags & TRY_LOCK ? GO_LOCK_TRY : 0);
}

/* What each announcement works with. Between enter and leave no hook of this thread does anything, so a signal
 * handler can't wait for the word. False: nothing is to be done. */
struct call {
	struct gosan_g *g;
	struct gosan_obj *obj;
	uintptr_t addr, pc;
	unsigned flags;
	int saved;
};

/* The object is made at the first announcement; note tells free.c that its memory matters. */
static bool enter(struct call *c)
{
	if (!gosan_front_enter(&c->saved))
		return false;
	gosan_front_note(c->addr);
	c->g = gosan_engine_self();
	c->obj = gosan_engine_object_at(c->addr, GOSAN_OBJ_RWMUTEX);
	if (!c->obj)
		gosan_front_leave(c->saved);
	return c->obj != NULL;
}

/* The stack is that of the announcement: the program's call of its lock function, or of the annotation in it. */
static void send(const struct call *c, enum gosan_op op)
{
	struct gosan_event ev = {.op = op, .mode = mode_of(c->flags), .g = c->g, .obj = c->obj};

	ev.stack = gosan_access_stack(c->g, c->pc);
	gosan_engine_event(&ev);
}

/* Held by the running goroutine, but not by our doing: another front end sees this very lock. */
static bool is_foreign(struct lock *l, const struct call *c)
{
	if (l && !l->told && holds(c->g, c->obj))
		l->foreign = true;
	return l && l->foreign;
}

/* Whoever has a recursive lock does not wait for it. */
static void request(const struct call *c)
{
	bool reentrant, foreign;
	struct lock *l;

	take_word();
	l = *find(c->addr);
	reentrant = (c->flags | (l ? l->flags : 0)) & (WRITE_REENTRANT | RECURSIVE_LOCK);
	foreign = l && l->foreign;
	give_word();
	if (!foreign && !(reentrant && holds(c->g, c->obj)))
		send(c, GOSAN_EV_LOCK_REQUEST);
}

/* `times`: a lock that was given up in all its depth (a condition's wait) is taken back in it. */
static void acquire(const struct call *c, int times)
{
	bool tell;
	struct lock *l;

	take_word();
	l = get(c->addr);
	tell = !is_foreign(l, c) && ((c->flags & READ_LOCK) || count(l, c->g, times) <= times);
	if (l && tell)
		l->told = true;
	give_word();
	if (tell)
		send(c, GOSAN_EV_LOCK_ACQUIRE);
}

/* with_request: the program announces only what it got (AnnotateRWLockAcquired), so the wish is told now. For lock order
 * that makes no difference: what it held then, it holds still. */
static void locked(uintptr_t addr, unsigned flags, int times, bool with_request, uintptr_t pc)
{
	struct call c = {.addr = addr, .flags = flags, .pc = pc};

	if (!enter(&c))
		return;
	if (with_request)
		request(&c);
	acquire(&c, times);
	gosan_front_leave(c.saved);
}

/* Returns how often it was held; all of it is given up when `whole`. */
static int unlocked(uintptr_t addr, unsigned flags, bool whole, uintptr_t pc)
{
	struct call c = {.addr = addr, .flags = flags, .pc = pc};
	int depth = 1, left = 0;
	bool foreign;
	struct lock *l;

	if (!enter(&c))
		return depth;
	take_word();
	l = *find(addr);
	foreign = l && l->foreign;
	if (!(flags & READ_LOCK)) {
		depth = count(l, c.g, 0);
		depth = depth < 1 ? 1 : depth;
		left = count(l, c.g, whole ? -depth : -1);
	}
	give_word();
	if (left <= 0 && !foreign)
		send(&c, GOSAN_EV_LOCK_RELEASE);
	gosan_front_leave(c.saved);
	return depth;
}

/* Whatever was at this address before is another lock: a program that reuses memory without free says so only here. */
static void create(uintptr_t addr, unsigned flags)
{
	struct lock *l;
	int saved;

	if (!gosan_front_enter(&saved))
		return;
	gosan_front_forget(addr, 1);
	take_word();
	l = get(addr);
	if (l)
		*l = (struct lock){.next = l->next, .addr = addr, .flags = flags};
	give_word();
	gosan_front_leave(saved);
}

/* Announced like a free: analyzers look whether it is held, or waited for. */
static void destroy(uintptr_t addr)
{
	struct lock **p, *l;
	int saved;

	gosan_front_free(addr, 1);
	if (!gosan_front_enter(&saved))
		return;
	take_word();
	p = find(addr);
	l = *p;
	if (l)
		*p = l->next;
	give_word();
	if (l)
		gosan_mem_free(l, sizeof(*l));
	gosan_front_leave(saved);
}

void gosan_tsan_mutex_forked(void)
{
	give_word();
}

/* ---- __tsan_mutex_* ---- */

ANNOTATION(__tsan_mutex_create, (void *addr, unsigned flags))
{
	create((uintptr_t)addr, flags);
}

/* A static lock outlives its destructor: other destructors of the program may still take it. The two flags say that
 * it is one, or that a destructor which serves static and other locks does not know. */
static bool outlives(uintptr_t addr, unsigned flags)
{
	const struct lock *l;
	bool linked;

	take_word();
	l = *find(addr);
	linked = l && l->flags & LINKER_INIT;
	give_word();
	return linked || flags & NOT_STATIC;
}

ANNOTATION(__tsan_mutex_destroy, (void *addr, unsigned flags))
{
	if (!outlives((uintptr_t)addr, flags))
		destroy((uintptr_t)addr);
}

/* A deadlock is seen here, before the program waits in its own way; a failed try is not even a wish. */
ANNOTATION(__tsan_mutex_pre_lock, (void *addr, unsigned flags))
{
	struct call c = {.addr = (uintptr_t)addr, .flags = flags, .pc = GOSAN_CALLER};

	if (!(flags & TRY_LOCK) && enter(&c)) {
		request(&c);
		gosan_front_leave(c.saved);
	}
	gosan_annotate_ignore(GOSAN_READS | GOSAN_WRITES, 1);
}

ANNOTATION(__tsan_mutex_post_lock, (void *addr, unsigned flags, int recursion))
{
	gosan_annotate_ignore(GOSAN_READS | GOSAN_WRITES, -1);
	if (!(flags & TRY_LOCK_FAILED))
		locked((uintptr_t)addr, flags, flags & RECURSIVE_LOCK && recursion > 0 ? recursion : 1, false,
		       GOSAN_CALLER);
}

/* Before the program's own unlock: afterwards another thread may have the lock, and its acquire must find this
 * release. What it returns comes back as `recursion` when the lock is taken again. */
GOSAN_EXPORT int __tsan_mutex_pre_unlock(void *addr, unsigned flags);
GOSAN_EXPORT int __tsan_mutex_pre_unlock(void *addr, unsigned flags)
{
	int depth = unlocked((uintptr_t)addr, flags, flags & RECURSIVE_UNLOCK, GOSAN_CALLER);

	gosan_annotate_ignore(GOSAN_READS | GOSAN_WRITES, 1);
	return flags & RECURSIVE_UNLOCK ? depth : 0;
}

/* Around the lock's own code, and, by divert, around the program's that is called from there. */
#define REGION(name, by) \
	ANNOTATION(name, (void *addr, unsigned flags)) \
	{ \
		gosan_annotate_ignore(GOSAN_READS | GOSAN_WRITES, by); \
	}
REGION(__tsan_mutex_post_unlock, -1)
REGION(__tsan_mutex_pre_signal, 1)
REGION(__tsan_mutex_post_signal, -1)
REGION(__tsan_mutex_pre_divert, -1)
REGION(__tsan_mutex_post_divert, 1)

/* ---- AnnotateRWLock*: told after the fact, so the request comes with the lock ---- */

ANNOTATION(AnnotateRWLockCreate, (PLACE, void *lock))
{
	create((uintptr_t)lock, WRITE_REENTRANT);
}

ANNOTATION(AnnotateRWLockCreateStatic, (PLACE, void *lock))
{
	create((uintptr_t)lock, LINKER_INIT | WRITE_REENTRANT);
}

ANNOTATION(AnnotateRWLockDestroy, (PLACE, void *lock))
{
	if (!outlives((uintptr_t)lock, 0))
		destroy((uintptr_t)lock);
}

ANNOTATION(AnnotateRWLockAcquired, (PLACE, void *lock, uintptr_t is_w))
{
	locked((uintptr_t)lock, is_w ? 0 : READ_LOCK, 1, true, GOSAN_CALLER);
}

ANNOTATION(AnnotateRWLockReleased, (PLACE, void *lock, uintptr_t is_w))
{
	unlocked((uintptr_t)lock, is_w ? 0 : READ_LOCK, false, GOSAN_CALLER);
}

/* ---- managed objects: every one is a recursive lock ---- */

#define MANAGED(name, params, body) \
	ANNOTATION(__tsan_java_mutex_##name, params) \
	{ \
		body; \
	}
MANAGED(lock, (uintptr_t addr), locked(addr, 0, 1, true, GOSAN_CALLER))
MANAGED(unlock, (uintptr_t addr), unlocked(addr, 0, false, GOSAN_CALLER))
MANAGED(read_lock, (uintptr_t addr), locked(addr, READ_LOCK, 1, true, GOSAN_CALLER))
MANAGED(read_unlock, (uintptr_t addr), unlocked(addr, READ_LOCK, false, GOSAN_CALLER))
MANAGED(lock_rec, (uintptr_t addr, int times), locked(addr, 0, times, true, GOSAN_CALLER))

GOSAN_EXPORT int __tsan_java_mutex_unlock_rec(uintptr_t addr);
GOSAN_EXPORT int __tsan_java_mutex_unlock_rec(uintptr_t addr)
{
	return unlocked(addr, 0, true, GOSAN_CALLER);
}
