/* SPDX-License-Identifier: Apache-2.0
 *
 * mutex.c: mutexes of POSIX in every type, C11's, and spin locks.
 *
 * A lock is tried first: what succeeds at once needs no word about waiting. Where the attempt fails, the request
 * and the park are sent before the real call and the rest after it. For each type of mutex an attempt that succeeds
 * does what the lock would have done; one that fails has no effect.
 *
 * What kind of mutex it is, how often it is locked and who has it, is read from the libc's structure, whose fields
 * have been where they are since glibc 2.5 (their size and place is part of the static initialisers, and so of every
 * program). In glibc, C11's mutexes are POSIX ones with other names for the results.
 */
#include "inplace.h"
#include "quick.h"

#include "../../runtime/probe.h"

#include <sys/syscall.h>
#include <threads.h>
#include <unistd.h>

/* The low bits of __kind: the type; above: how it is used. */
#define TYPE_BITS   3
#define ROBUST_BIT  16
#define SHARED_BIT  128
#define TID_MASK    0x3fffffff /* of __lock where it is the owner: robust and priority-inheriting ones */
#define PI_BIT      32
#define UNOWNED_MAX 2 /* __lock of the others: free, locked, locked and waited for */

static struct gosan_lock mutex(const pthread_mutex_t *m)
{
	int kind = m->__data.__kind, type = kind & TYPE_BITS;
	unsigned flags = GOSAN_OBJ_OWNED;

	flags |= type == PTHREAD_MUTEX_RECURSIVE_NP ? GOSAN_OBJ_RECURSIVE : 0;
	flags |= type == PTHREAD_MUTEX_ERRORCHECK_NP ? GOSAN_OBJ_ERRORCHECK : 0;
	flags |= kind & ROBUST_BIT ? GOSAN_OBJ_ROBUST : 0;
	flags |= kind & SHARED_BIT ? GOSAN_OBJ_SHARED : 0;
	return (struct gosan_lock){m, GOSAN_OBJ_MUTEX, flags};
}

struct gosan_lock gosan_mutex_describe(const pthread_mutex_t *m)
{
	return mutex(m);
}

/* Locked more than once by its owner, who asks: then the outermost pair has been told, or will be. */
static inline bool is_inner(const pthread_mutex_t *m)
{
	return (m->__data.__kind & TYPE_BITS) == PTHREAD_MUTEX_RECURSIVE_NP && m->__data.__count > 1;
}

static bool got(int rc)
{
	return rc == 0 || rc == EOWNERDEAD;
}

static void acquired(const struct gosan_call *c, pthread_mutex_t *m, int rc, int mode)
{
	struct gosan_lock l = mutex(m);

	if (!is_inner(m))
		gosan_pthread_acquired(c, &l, rc == EOWNERDEAD ? mode | GOSAN_LOCK_DIED : mode);
}

/* The owner of an error-checking mutex is told that it has it: it waits for nothing, so it requests nothing. */
static bool will_wait(const struct gosan_call *c, pthread_mutex_t *m)
{
	struct gosan_lock l = mutex(m);

	return !(l.flags & GOSAN_OBJ_ERRORCHECK && gosan_pthread_holds(c, &l));
}

static void block(const struct gosan_call *c, pthread_mutex_t *m, int mode)
{
	struct gosan_lock l = mutex(m);

	if (will_wait(c, m))
		gosan_pthread_block(c, &l, mode);
}

/* A request went out with the block. */
static int requested(int rc, int mode)
{
	return rc == EBUSY ? mode | GOSAN_REQUESTED : mode;
}

/* What the libc leaves in __kind when it destroys one: no kind that any initialisation makes. */
static bool is_dead(const pthread_mutex_t *m)
{
	return m->__data.__kind < 0;
}

/* The libc refuses, but hardly any program looks: it goes on as if it had the lock. */
static void use_of_dead(const struct gosan_call *c, const pthread_mutex_t *m, const char *use)
{
	struct gosan_lock l = {m, GOSAN_OBJ_MUTEX, GOSAN_OBJ_OWNED};

	if (c->t && is_dead(m))
		gosan_pthread_dead(c, &l, use);
}

static int blocked(const struct gosan_call *c, pthread_mutex_t *m, int mode, int rc)
{
	gosan_pthread_back(c);
	if (got(rc))
		acquired(c, m, rc, mode);
	else if (rc == EINVAL)
		use_of_dead(c, m, "lock");
	return rc;
}

/* The kernel's number of the owner; 0: nobody has it; -1: locked, by somebody who left no number. */
static pid_t owner_of(const pthread_mutex_t *m)
{
	int word = __atomic_load_n(&m->__data.__lock, __ATOMIC_RELAXED), owner = m->__data.__owner;

	if (m->__data.__kind & (ROBUST_BIT | PI_BIT))
		owner = word & TID_MASK;
	if (word == 0 || (owner == 0 && m->__data.__kind & ROBUST_BIT))
		return 0;
	return owner ? owner : -1;
}

/* Of a robust mutex that nobody can repair any more, glibc's trylock keeps the lock while it says so: these are looked
 * at, not tried. One that is taken between the look and the call counts as a thread that runs.
 * Anything but success and "busy" is for the real call to say. */
static inline bool at_once(const struct gosan_call *c, pthread_mutex_t *m, int mode, int *ret)
{
	if (m->__data.__kind & ROBUST_BIT) {
		*ret = owner_of(m) ? EBUSY : 0;
		return false;
	}
	*ret = GOSAN_REAL(pthread_mutex_trylock)(m);
	if (!got(*ret))
		return false;
	acquired(c, m, *ret, mode);
	return true;
}

static int lock(const struct gosan_call *c, pthread_mutex_t *m)
{
	int rc;

	if (!c->t)
		return GOSAN_REAL(pthread_mutex_lock)(m);
	if (at_once(c, m, GO_LOCK_WRITE, &rc))
		return rc;
	if (rc == EBUSY)
		block(c, m, GO_LOCK_WRITE);
	return blocked(c, m, requested(rc, GO_LOCK_WRITE), GOSAN_REAL(pthread_mutex_lock)(m));
}

static int trylock(const struct gosan_call *c, pthread_mutex_t *m)
{
	int rc = GOSAN_REAL(pthread_mutex_trylock)(m);

	if (c->t && got(rc))
		acquired(c, m, rc, GO_LOCK_TRY);
	else if (rc == EINVAL)
		use_of_dead(c, m, "trylock");
	return rc;
}

static int timedlock(const struct gosan_call *c, pthread_mutex_t *m, const struct timespec *t)
{
	int rc;

	if (!c->t)
		return GOSAN_REAL(pthread_mutex_timedlock)(m, t);
	if (at_once(c, m, GOSAN_LOCK_TIMED, &rc))
		return rc;
	if (rc == EBUSY)
		block(c, m, GOSAN_LOCK_TIMED);
	return blocked(c, m, requested(rc, GOSAN_LOCK_TIMED), GOSAN_REAL(pthread_mutex_timedlock)(m, t));
}

static int clocklock(const struct gosan_call *c, pthread_mutex_t *m, clockid_t k, const struct timespec *t)
{
	int rc;

	if (!c->t)
		return GOSAN_REAL(pthread_mutex_clocklock)(m, k, t);
	if (at_once(c, m, GOSAN_LOCK_TIMED, &rc))
		return rc;
	if (rc == EBUSY)
		block(c, m, GOSAN_LOCK_TIMED);
	return blocked(c, m, requested(rc, GOSAN_LOCK_TIMED), GOSAN_REAL(pthread_mutex_clocklock)(m, k, t));
}

/* What unlocks a lock that it does not hold gets an error from the types that check. Unlocked by a thread that locked
 * it before anything was watched, it is in order. */
static void unlock_of_others(const struct gosan_call *c, pthread_mutex_t *m)
{
	struct gosan_lock l = mutex(m);
	pid_t owner = owner_of(m);
	bool checked = l.flags & (GOSAN_OBJ_ERRORCHECK | GOSAN_OBJ_RECURSIVE | GOSAN_OBJ_ROBUST) ||
		       m->__data.__kind & PI_BIT;

	if (is_dead(m))
		use_of_dead(c, m, "unlock");
	if (is_dead(m) || owner == c->t->tid || owner < 0)
		return;
	gosan_pthread_fault(c, &l, owner ? GOSAN_FAULT_UNLOCK_BY_OTHER : GO_FAULT_UNLOCK_OF_UNLOCKED, owner,
			    checked ? EPERM : 0);
	if (owner && !checked)
		gosan_pthread_snatch(c, &l, GO_LOCK_WRITE);
}

static int unlock(const struct gosan_call *c, pthread_mutex_t *m)
{
	if (c->t && !(is_inner(m) && owner_of(m) == c->t->tid)) {
		struct gosan_lock l = mutex(m);

		if (!gosan_pthread_release(c, &l, GO_LOCK_WRITE))
			unlock_of_others(c, m);
	}
	return GOSAN_REAL(pthread_mutex_unlock)(m);
}

/* Of the commonest types: nothing is counted in it, and it is neither robust nor shared. */
static inline bool is_plain(const pthread_mutex_t *m)
{
	return m->__data.__kind == PTHREAD_MUTEX_NORMAL || m->__data.__kind == PTHREAD_MUTEX_ADAPTIVE_NP;
}

/* Nobody but its owner ever hears of a recursive mutex that is locked again. */
static inline bool is_recursive(const pthread_mutex_t *m)
{
	return m->__data.__kind == PTHREAD_MUTEX_RECURSIVE_NP;
}

/* A free one, of the types that do this alike. */
static inline bool take(pthread_mutex_t *m, pid_t tid)
{
	if (is_plain(m))
		return gosan_inplace_lock(m, tid);
	if (!is_recursive(m) || m->__data.__owner == tid || !gosan_inplace_lock(m, tid))
		return false;
	m->__data.__count = 1;
	return true;
}

/* The counterpart, of one that is locked once. */
static inline bool give(pthread_mutex_t *m)
{
	if (is_plain(m))
		return gosan_inplace_unlock(m);
	if (!is_recursive(m) || m->__data.__count != 1)
		return false;
	m->__data.__count = 0;
	if (gosan_inplace_unlock(m))
		return true;
	m->__data.__count = 1;
	return false;
}

/* What the short ways leave is called as if it stood in their place (a sibling call: they have no frame to speak of, and
 * its caller is the program). */
#define FAR static __attribute__((noinline))

FAR int lock_far(pthread_mutex_t *m, uintptr_t pc, uintptr_t sp)
{
	struct gosan_call c = {gosan_pthread_watch(pc), pc, sp};

	return lock(&c, m);
}

FAR int unlock_far(pthread_mutex_t *m, uintptr_t pc, uintptr_t sp)
{
	struct gosan_call c = {gosan_pthread_watch(pc), pc, sp};

	return unlock(&c, m);
}

static inline unsigned flags_of(const pthread_mutex_t *m)
{
	return is_plain(m) ? GOSAN_OBJ_OWNED : GOSAN_OBJ_OWNED | GOSAN_OBJ_RECURSIVE;
}

/* It is taken, and others are held: known from before, it is a record like them; else it is told, and they with it. */
FAR int locked_far(pthread_mutex_t *m, struct gosan_thread *t, const struct gosan_site *s, uintptr_t pc,
		   uintptr_t sp)
{
	struct gosan_call c = {t, pc, sp};

	if (!gosan_pthread_noted(t, s, m, GOSAN_OBJ_MUTEX, flags_of(m), GO_LOCK_WRITE, pc, sp))
		acquired(&c, m, 0, GO_LOCK_WRITE);
	return 0;
}

/* The owner of a recursive mutex comes again: no event, whatever else is the case. */
FAR int relock_far(pthread_mutex_t *m, uintptr_t pc, uintptr_t sp)
{
	const struct gosan_thread *t = gosan_pthread_me;

	if (is_recursive(m) && t && gosan_inplace_relock(m, t->tid))
		return 0;
	return lock_far(m, pc, sp);
}

GOSAN_EXPORT int pthread_mutex_lock(pthread_mutex_t *m)
{
	struct gosan_thread *t;
	const struct gosan_site *s = gosan_pthread_quick(GOSAN_CALLER, &t);

	if (!s || !take(m, t->tid))
		return relock_far(m, GOSAN_CALLER, GOSAN_SP);
	if (t->n)
		return locked_far(m, t, s, GOSAN_CALLER, GOSAN_SP);
	gosan_pthread_fill(&t->record[0], s, m, GOSAN_OBJ_MUTEX, flags_of(m), GO_LOCK_WRITE, GOSAN_CALLER,
			   GOSAN_SP);
	gosan_pthread_count(t, 1);
	return 0;
}

/* Inner unlocks are nobody's business; the outermost one is that of any mutex. What its owner does not do, or does once
 * too often, is looked at. */
FAR int unlock_recursive(pthread_mutex_t *m, uintptr_t pc, uintptr_t sp)
{
	const struct gosan_thread *t = gosan_pthread_me;

	if (!is_recursive(m) || !t || m->__data.__owner != t->tid)
		return unlock_far(m, pc, sp);
	if (gosan_inplace_unlock_inner(m, t->tid))
		return 0;
	if (m->__data.__count != 1 || !gosan_pthread_pop((uintptr_t)m))
		return unlock_far(m, pc, sp);
	return give(m) ? 0 : GOSAN_REAL(pthread_mutex_unlock)(m);
}

/* Somebody sleeps on it: the libc wakes one. */
FAR int unlock_waited(pthread_mutex_t *m)
{
	return GOSAN_REAL(pthread_mutex_unlock)(m);
}

GOSAN_EXPORT int pthread_mutex_trylock(pthread_mutex_t *m)
{
	return trylock(&GOSAN_CALL, m);
}

GOSAN_EXPORT int pthread_mutex_timedlock(pthread_mutex_t *m, const struct timespec *t)
{
	return timedlock(&GOSAN_CALL, m, t);
}

GOSAN_EXPORT int pthread_mutex_clocklock(pthread_mutex_t *m, clockid_t k, const struct timespec *t)
{
	return clocklock(&GOSAN_CALL, m, k, t);
}

GOSAN_EXPORT int pthread_mutex_unlock(pthread_mutex_t *m)
{
	if (!is_plain(m))
		return unlock_recursive(m, GOSAN_CALLER, GOSAN_SP);
	if (!gosan_pthread_pop((uintptr_t)m))
		return unlock_far(m, GOSAN_CALLER, GOSAN_SP);
	return gosan_inplace_unlock(m) ? 0 : unlock_waited(m);
}

static void initialised(const struct gosan_call *c, pthread_mutex_t *m)
{
	struct gosan_lock l = mutex(m);

	gosan_pthread_init_object(c, &l, -1);
}

GOSAN_EXPORT int pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attr)
{
	int rc = GOSAN_REAL(pthread_mutex_init)(m, attr);

	if (rc == 0)
		initialised(&GOSAN_CALL, m);
	return rc;
}

/* The libc refuses to destroy what is locked: the mutex lives on, and the program knows. What kind it was is gone
 * afterwards. */
GOSAN_EXPORT int pthread_mutex_destroy(pthread_mutex_t *m)
{
	struct gosan_lock l = mutex(m);
	int rc = GOSAN_REAL(pthread_mutex_destroy)(m);

	gosan_pthread_destroy(&GOSAN_CALL, &l, rc);
	return rc;
}

/* ---- C11 ---- */

static int result(int rc)
{
	return rc == 0           ? thrd_success
	       : rc == EBUSY     ? thrd_busy
	       : rc == ETIMEDOUT ? thrd_timedout
	       : rc == ENOMEM    ? thrd_nomem
				 : thrd_error;
}

GOSAN_EXPORT int mtx_init(mtx_t *m, int type)
{
	int rc = GOSAN_REAL(mtx_init)(m, type);

	if (rc == thrd_success)
		initialised(&GOSAN_CALL, (pthread_mutex_t *)m);
	return rc;
}

GOSAN_EXPORT int mtx_lock(mtx_t *m)
{
	return result(lock(&GOSAN_CALL, (pthread_mutex_t *)m));
}

GOSAN_EXPORT int mtx_trylock(mtx_t *m)
{
	return result(trylock(&GOSAN_CALL, (pthread_mutex_t *)m));
}

GOSAN_EXPORT int mtx_timedlock(mtx_t *m, const struct timespec *t)
{
	return result(timedlock(&GOSAN_CALL, (pthread_mutex_t *)m, t));
}

GOSAN_EXPORT int mtx_unlock(mtx_t *m)
{
	return result(unlock(&GOSAN_CALL, (pthread_mutex_t *)m));
}

GOSAN_EXPORT void mtx_destroy(mtx_t *m)
{
	struct gosan_lock l = mutex((pthread_mutex_t *)m);
	int rc = GOSAN_REAL(pthread_mutex_destroy)((pthread_mutex_t *)m);

	gosan_pthread_destroy(&GOSAN_CALL, &l, rc);
}

/* ---- spin locks: nobody is named in them, and the free ones are 1 ---- */

static struct gosan_lock spin(const volatile pthread_spinlock_t *s)
{
	return (struct gosan_lock){s, GOSAN_OBJ_SPIN, GOSAN_OBJ_OWNED};
}

GOSAN_EXPORT int pthread_spin_init(pthread_spinlock_t *s, int shared)
{
	struct gosan_lock l = spin(s);
	int rc = GOSAN_REAL(pthread_spin_init)(s, shared);

	l.flags |= shared == PTHREAD_PROCESS_SHARED ? GOSAN_OBJ_SHARED : 0;
	gosan_pthread_init_object(&GOSAN_CALL, &l, -1);
	return rc;
}

GOSAN_EXPORT int pthread_spin_destroy(pthread_spinlock_t *s)
{
	struct gosan_lock l = spin(s);

	gosan_pthread_destroy(&GOSAN_CALL, &l, 0);
	return GOSAN_REAL(pthread_spin_destroy)(s);
}

FAR int spin_far(pthread_spinlock_t *s, uintptr_t pc, uintptr_t sp)
{
	struct gosan_call c = {gosan_pthread_watch(pc), pc, sp};
	struct gosan_lock l = spin(s);
	int rc;

	if (!c.t)
		return GOSAN_REAL(pthread_spin_lock)(s);
	if (GOSAN_REAL(pthread_spin_trylock)(s) == 0) {
		gosan_pthread_acquired(&c, &l, GO_LOCK_WRITE);
		return 0;
	}
	gosan_pthread_block(&c, &l, GO_LOCK_WRITE);
	rc = GOSAN_REAL(pthread_spin_lock)(s);
	gosan_pthread_back(&c);
	gosan_pthread_acquired(&c, &l, GO_LOCK_WRITE | GOSAN_REQUESTED);
	return rc;
}

/* It is taken, and others are held. */
FAR int spun_far(pthread_spinlock_t *s, struct gosan_thread *t, const struct gosan_site *site, uintptr_t pc,
		 uintptr_t sp)
{
	struct gosan_call c = {t, pc, sp};
	struct gosan_lock l = spin(s);

	if (!gosan_pthread_noted(t, site, s, l.kind, l.flags, GO_LOCK_WRITE, pc, sp))
		gosan_pthread_acquired(&c, &l, GO_LOCK_WRITE);
	return 0;
}

GOSAN_EXPORT int pthread_spin_lock(pthread_spinlock_t *s)
{
	struct gosan_thread *t;
	const struct gosan_site *site = gosan_pthread_quick(GOSAN_CALLER, &t);

	if (!site || !gosan_inplace_spin_lock(s))
		return spin_far(s, GOSAN_CALLER, GOSAN_SP);
	if (t->n)
		return spun_far(s, t, site, GOSAN_CALLER, GOSAN_SP);
	gosan_pthread_fill(&t->record[0], site, s, GOSAN_OBJ_SPIN, GOSAN_OBJ_OWNED, GO_LOCK_WRITE,
			   GOSAN_CALLER, GOSAN_SP);
	gosan_pthread_count(t, 1);
	return 0;
}

GOSAN_EXPORT int pthread_spin_trylock(pthread_spinlock_t *s)
{
	struct gosan_call c = GOSAN_CALL;
	struct gosan_lock l = spin(s);
	int rc = GOSAN_REAL(pthread_spin_trylock)(s);

	if (c.t && rc == 0)
		gosan_pthread_acquired(&c, &l, GO_LOCK_TRY);
	return rc;
}

FAR int unspin_far(pthread_spinlock_t *s, uintptr_t pc, uintptr_t sp)
{
	struct gosan_call c = {gosan_pthread_watch(pc), pc, sp};
	struct gosan_lock l = spin(s);

	if (c.t && !gosan_pthread_release(&c, &l, GO_LOCK_WRITE)) {
		gosan_pthread_fault(
			&c, &l, *s == 1 ? GO_FAULT_UNLOCK_OF_UNLOCKED : GOSAN_FAULT_UNLOCK_BY_OTHER, 0, 0);
		gosan_pthread_snatch(&c, &l, GO_LOCK_WRITE);
	}
	return GOSAN_REAL(pthread_spin_unlock)(s);
}

GOSAN_EXPORT int pthread_spin_unlock(pthread_spinlock_t *s)
{
	if (!gosan_inplace || !gosan_pthread_pop((uintptr_t)s))
		return unspin_far(s, GOSAN_CALLER, GOSAN_SP);
	gosan_inplace_spin_unlock(s);
	return 0;
}
