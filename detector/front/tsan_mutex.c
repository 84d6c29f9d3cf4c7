/* SPDX-License-Identifier: Apache-2.0
 *
 * tsan_mutex.c: locks that the program made itself and announces: __tsan_mutex_*, AnnotateRWLock*, and those of
 * managed objects. They become the events of an rwmutex at that address.
 *
 * A table of ours remembers who holds such a lock how often: the engine knows no recursion, and a lock may be
 * announced whose address the program's pthread lock has too. What that front end holds already is left to it.
 *
 * Between "pre" and "post" the lock's own code runs: neither its accesses nor its atomics count. What they order is
 * what the announcements say, and a failed attempt orders nothing.
 *
 * Announcements that contradict each other are misuse: an unlock of what nobody took, or a second holder of a lock that
 * is held for writing. The program is believed afterwards, so that one mistake is not told for ever.
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

/* Lives until the program destroys its lock, or makes another at its address. One whose memory ended without a word is
 * known by its object, which is another then. */
struct lock {
	struct lock *next;
	uintptr_t addr;
	const struct gosan_obj *obj;
	unsigned flags;
	bool foreign;                /* another front end has it */
	bool told;                   /* we have sent an event that it was taken */
	bool broken;                 /* its announcements contradicted each other; that was reported */
	const struct gosan_g *owner; /* writer */
	int depth;                   /* of the writer; 0: not held for writing, as far as we were told */
};

/* Under `word`, a leaf but for the memory's own lock. */
static struct lock *table[BUCKETS];
static char word;
static bool forgetful; /* a lock could not be remembered: what looks like misuse may be none */

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

/* With the word taken. NULL when memory is exhausted: the lock then has no recursion. That it was broken is kept: its end
 * may have been part of the mistake. */
static struct lock *get(uintptr_t addr, const struct gosan_obj *obj)
{
	struct lock **p = find(addr), *l = *p;

	if (!l && (l = *p = gosan_mem_alloc(sizeof(*l))) != NULL)
		l->addr = addr;
	forgetful |= !l;
	if (l && l->obj != obj)
		*l = (struct lock){.next = l->next, .addr = addr, .obj = obj, .broken = l->broken};
	return l;
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

/* Once per lock. peer: who holds it, NULL: nobody. Not under the word. */
static void fault(const struct call *c, int kind, struct gosan_g *peer)
{
	struct gosan_event ev = {.op = GOSAN_EV_FAULT, .arg = kind, .g = c->g, .obj = c->obj, .peer = peer};

	ev.mode = mode_of(c->flags);
	ev.stack = gosan_access_stack(c->g, c->pc);
	gosan_engine_event(&ev);
}

/* With the word taken: may what is wrong with l be reported? */
static bool may_blame(struct lock *l)
{
	bool may = !forgetful && !(l && (l->broken || l->foreign));

	if (l)
		l->broken = true;
	return may;
}

/* With the word taken. Taken for writing by whom it is not to be shared with: another, or its owner who reads now and has
 * no lock that allows it. An owner who writes again counts, whatever kind of lock it is. */
static struct gosan_g *contradicts(const struct lock *l, const struct call *c)
{
	struct gosan_g *owner = l ? (struct gosan_g *)l->owner : NULL;
	bool again = owner == c->g && (!(c->flags & READ_LOCK) || l->flags & WRITE_REENTRANT);

	return again ? NULL : owner;
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
	struct gosan_g *other;
	bool tell, blame;
	struct lock *l;

	take_word();
	l = get(c->addr, c->obj);
	other = contradicts(l, c);
	blame = other && may_blame(l);
	tell = !is_foreign(l, c) && ((c->flags & READ_LOCK) || count(l, c->g, times) <= times);
	if (l && tell)
		l->told = true;
	give_word();
	if (blame)
		fault(c, GOSAN_FAULT_LOCK_OF_LOCKED, other);
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

/* With the word taken. Is there nothing that this unlock could give back? Readers are not counted here: theirs is wrong
 * only while somebody writes. *ret_owner: who else has it. What the engine knows of another front end is no misuse. */
static bool nothing_held(struct lock *l, const struct call *c, struct gosan_g **ret_owner)
{
	struct gosan_g *owner = l ? (struct gosan_g *)l->owner : NULL;
	bool wrong = c->flags & READ_LOCK ? owner && !(l->flags & WRITE_REENTRANT)
					  : owner != c->g && !holds(c->g, c->obj);

	*ret_owner = owner == c->g ? NULL : owner;
	return wrong && !is_foreign(l, c) && may_blame(l);
}

/* Returns how often it was held; all of it is given up when `whole`. */
static int unlocked(uintptr_t addr, unsigned flags, bool whole, uintptr_t pc)
{
	struct call c = {.addr = addr, .flags = flags, .pc = pc};
	int depth = 1, left = 0;
	struct gosan_g *owner;
	bool foreign, wrong;
	struct lock *l;

	if (!enter(&c))
		return depth;
	take_word();
	l = get(addr, c.obj);
	wrong = nothing_held(l, &c, &owner);
	foreign = l && l->foreign;
	if (!(flags & READ_LOCK)) {
		depth = count(l, c.g, 0);
		depth = depth < 1 ? 1 : depth;
		left = count(l, c.g, whole ? -depth : -1);
	}
	give_word();
	if (wrong)
		fault(&c, owner ? GOSAN_FAULT_UNLOCK_BY_OTHER : GO_FAULT_UNLOCK_OF_UNLOCKED, owner);
	if (left <= 0 && !foreign)
		send(&c, GOSAN_EV_LOCK_RELEASE);
	gosan_front_leave(c.saved);
	return depth;
}

/* Whatever was at this address before is another lock: a program that reuses memory without free says so only here. A
 * static lock may be in use before its constructor runs, and stays what it is. */
static void create(uintptr_t addr, unsigned flags)
{
	struct call c = {.addr = addr, .flags = flags};
	struct lock *l;

	if (!(flags & LINKER_INIT) && gosan_front_enter(&c.saved)) {
		gosan_front_forget(addr, 1);
		gosan_front_leave(c.saved);
	}
	if (!enter(&c))
		return;
	take_word();
	l = get(addr, c.obj);
	if (l) {
		l->flags = flags;
		l->broken = false;
	}
	give_word();
	gosan_front_leave(c.saved);
}

/* Announced like a free: analyzers look whether it is held, or waited for. The record of a held one stays, so that its
 * unlock is not told as well. */
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
	if (l && l->owner) {
		l->broken = true;
		l = NULL;
	}
	if (l)
		*p = l->next;
	give_word();
	if (l)
		gosan_mem_free(l, sizeof(*l));
	gosan_front_leave(saved);
}

/* What other threads held stays locked for ever in the child, unless the program makes it new, which it need not say. */
void gosan_tsan_mutex_forked(void)
{
	give_word();
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct lock *l = table[i]; l; l = l->next)
			if (l->owner != gosan_self) {
				l->owner = NULL;
				l->depth = 0;
				l->broken = true;
			}
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
	gosan_annotate_ignore(GOSAN_ALL, 1);
}

ANNOTATION(__tsan_mutex_post_lock, (void *addr, unsigned flags, int recursion))
{
	gosan_annotate_ignore(GOSAN_ALL, -1);
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

	gosan_annotate_ignore(GOSAN_ALL, 1);
	return flags & RECURSIVE_UNLOCK ? depth : 0;
}

/* Around the lock's own code, and, by divert, around the program's that is called from there. */
#define REGION(name, by) \
	ANNOTATION(name, (void *addr, unsigned flags)) \
	{ \
		gosan_annotate_ignore(GOSAN_ALL, by); \
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
