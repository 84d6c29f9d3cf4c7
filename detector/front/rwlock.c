/* SPDX-License-Identifier: Apache-2.0
 *
 * rwlock.c: read-write locks. Tried first, as mutexes are (mutex.c).
 *
 * Whose turn it is: glibc's default lets a reader in while others read, also past a writer that waits; only the kind
 * PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP makes readers queue. __cur_writer is the writer's kernel number
 * while it has the lock, and the upper bits of __readers count readers, in every glibc since 2.25.
 */
#include "inplace.h"
#include "quick.h"

#include "../../runtime/probe.h"

#define READER_SHIFT 3 /* of __readers, below it: phase and wishes of writers */

static struct gosan_lock rwlock(const pthread_rwlock_t *l)
{
	unsigned flags = GOSAN_OBJ_OWNED;

	flags |= l->__data.__shared ? GOSAN_OBJ_SHARED : 0;
	flags |= l->__data.__flags == PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP ? GOSAN_OBJ_WRITERS_FIRST
										   : 0;
	return (struct gosan_lock){l, GOSAN_OBJ_RWMUTEX, flags};
}

/* A refusal (EDEADLK: the caller is the writer) is the program's to see: no wait, no request. */
static void block(const struct gosan_call *c, const struct gosan_lock *l, int mode)
{
	const pthread_rwlock_t *rw = (const void *)(uintptr_t)l->addr;

	if (rw->__data.__cur_writer != c->t->tid)
		gosan_pthread_block(c, l, mode);
}

static int blocked(const struct gosan_call *c, const struct gosan_lock *l, int mode, int rc)
{
	gosan_pthread_back(c);
	if (rc == 0)
		gosan_pthread_acquired(c, l, mode | GOSAN_REQUESTED);
	return rc;
}

/* int NAME(PARAMS): try, and if it is busy, wait. What the short way leaves is apart, so that it has no frame. */
#define LOCKS(name, params, args, try, l_, mode) \
	static __attribute__((noinline)) int name##_far params \
	{ \
		struct gosan_call c = {gosan_pthread_watch(pc), pc, sp}; \
		struct gosan_lock l = rwlock(l_); \
		int rc; \
\
		if (!c.t) \
			return GOSAN_REAL(name) args; \
		rc = GOSAN_REAL(try)(l_); \
		if (rc == 0) { \
			gosan_pthread_acquired(&c, &l, mode); \
			return 0; \
		} \
		if (rc == EBUSY) \
			block(&c, &l, mode); \
		return blocked(&c, &l, mode, GOSAN_REAL(name) args); \
	}
#define TRIES(name, mode) \
	GOSAN_EXPORT int name(pthread_rwlock_t *l_) \
	{ \
		struct gosan_call c = GOSAN_CALL; \
		struct gosan_lock l = rwlock(l_); \
		int rc = GOSAN_REAL(name)(l_); \
\
		if (c.t && rc == 0) \
			gosan_pthread_acquired(&c, &l, mode); \
		return rc; \
	}

#define TIMED(mode) ((mode) | GOSAN_LOCK_TIMED)
#define CALL        uintptr_t pc, uintptr_t sp
LOCKS(pthread_rwlock_rdlock, (pthread_rwlock_t * l_, CALL), (l_), pthread_rwlock_tryrdlock, l_, GO_LOCK_READ)
LOCKS(pthread_rwlock_timedrdlock, (pthread_rwlock_t * l_, const struct timespec *t, CALL), (l_, t),
      pthread_rwlock_tryrdlock, l_, TIMED(GO_LOCK_READ))
LOCKS(pthread_rwlock_clockrdlock, (pthread_rwlock_t * l_, clockid_t k, const struct timespec *t, CALL),
      (l_, k, t), pthread_rwlock_tryrdlock, l_, TIMED(GO_LOCK_READ))
LOCKS(pthread_rwlock_wrlock, (pthread_rwlock_t * l_, CALL), (l_), pthread_rwlock_trywrlock, l_, GO_LOCK_WRITE)
LOCKS(pthread_rwlock_timedwrlock, (pthread_rwlock_t * l_, const struct timespec *t, CALL), (l_, t),
      pthread_rwlock_trywrlock, l_, TIMED(GO_LOCK_WRITE))
LOCKS(pthread_rwlock_clockwrlock, (pthread_rwlock_t * l_, clockid_t k, const struct timespec *t, CALL),
      (l_, k, t), pthread_rwlock_trywrlock, l_, TIMED(GO_LOCK_WRITE))

/* It is taken, and others are held. */
static __attribute__((noinline)) int locked_far(pthread_rwlock_t *rw, struct gosan_thread *t,
						const struct gosan_site *s, int mode, uintptr_t pc,
						uintptr_t sp)
{
	struct gosan_call c = {t, pc, sp};
	struct gosan_lock l = rwlock(rw);

	if (!gosan_pthread_noted(t, s, rw, l.kind, l.flags, mode, pc, sp))
		gosan_pthread_acquired(&c, &l, mode);
	return 0;
}

static inline __attribute__((always_inline)) int locked(pthread_rwlock_t *rw, struct gosan_thread *t,
							const struct gosan_site *s, int mode, uintptr_t pc,
							uintptr_t sp)
{
	if (t->n)
		return locked_far(rw, t, s, mode, pc, sp);
	gosan_pthread_fill(&t->record[0], s, rw, GOSAN_OBJ_RWMUTEX, rwlock(rw).flags, mode, pc, sp);
	gosan_pthread_count(t, 1);
	return 0;
}

GOSAN_EXPORT int pthread_rwlock_rdlock(pthread_rwlock_t *rw)
{
	struct gosan_thread *t;
	const struct gosan_site *s = gosan_pthread_quick(GOSAN_CALLER, &t);

	if (!s || !gosan_inplace_read_lock(rw))
		return pthread_rwlock_rdlock_far(rw, GOSAN_CALLER, GOSAN_SP);
	return locked(rw, t, s, GO_LOCK_READ, GOSAN_CALLER, GOSAN_SP);
}

GOSAN_EXPORT int pthread_rwlock_wrlock(pthread_rwlock_t *rw)
{
	struct gosan_thread *t;
	const struct gosan_site *s = gosan_pthread_quick(GOSAN_CALLER, &t);

	if (!s || !gosan_inplace_write_lock(rw, t->tid))
		return pthread_rwlock_wrlock_far(rw, GOSAN_CALLER, GOSAN_SP);
	return locked(rw, t, s, GO_LOCK_WRITE, GOSAN_CALLER, GOSAN_SP);
}

#define TIMES(name, params, args) \
	GOSAN_EXPORT int name params \
	{ \
		return name##_far args; \
	}
TIMES(pthread_rwlock_timedrdlock, (pthread_rwlock_t * l_, const struct timespec *t),
      (l_, t, GOSAN_CALLER, GOSAN_SP))
TIMES(pthread_rwlock_clockrdlock, (pthread_rwlock_t * l_, clockid_t k, const struct timespec *t),
      (l_, k, t, GOSAN_CALLER, GOSAN_SP))
TIMES(pthread_rwlock_timedwrlock, (pthread_rwlock_t * l_, const struct timespec *t),
      (l_, t, GOSAN_CALLER, GOSAN_SP))
TIMES(pthread_rwlock_clockwrlock, (pthread_rwlock_t * l_, clockid_t k, const struct timespec *t),
      (l_, k, t, GOSAN_CALLER, GOSAN_SP))
TRIES(pthread_rwlock_tryrdlock, GO_LOCK_READ | GO_LOCK_TRY)
TRIES(pthread_rwlock_trywrlock, GO_LOCK_WRITE | GO_LOCK_TRY)

/* One whose reader or writer locked it before anything was watched is unlocked in silence. */
static void unlock_of_others(const struct gosan_call *c, pthread_rwlock_t *rw, const struct gosan_lock *l)
{
	pid_t writer = rw->__data.__cur_writer;
	bool read = rw->__data.__readers >> READER_SHIFT;

	if (writer == c->t->tid)
		return;
	if (writer)
		gosan_pthread_fault(c, l, GOSAN_FAULT_UNLOCK_BY_OTHER, writer, 0);
	else if (!read)
		gosan_pthread_fault(c, l, GO_FAULT_UNLOCK_OF_UNLOCKED, 0, 0);
	if (writer || read)
		gosan_pthread_snatch(c, l, writer ? GO_LOCK_WRITE : GO_LOCK_READ);
}

static __attribute__((noinline)) int unlock_far(pthread_rwlock_t *rw, uintptr_t pc, uintptr_t sp)
{
	struct gosan_call c = {gosan_pthread_watch(pc), pc, sp};
	struct gosan_lock l = rwlock(rw);

	if (c.t && !gosan_pthread_release(&c, &l, rw->__data.__cur_writer ? GO_LOCK_WRITE : GO_LOCK_READ))
		unlock_of_others(&c, rw, &l);
	return GOSAN_REAL(pthread_rwlock_unlock)(rw);
}

static __attribute__((noinline)) int unlock_real(pthread_rwlock_t *rw)
{
	return GOSAN_REAL(pthread_rwlock_unlock)(rw);
}

/* It was this thread's newest lock, so if there is a writer it is this thread. */
static inline bool unlock_here(pthread_rwlock_t *rw)
{
	return rw->__data.__cur_writer ? gosan_inplace_write_unlock(rw) : gosan_inplace_read_unlock(rw);
}

GOSAN_EXPORT int pthread_rwlock_unlock(pthread_rwlock_t *rw)
{
	if (!gosan_pthread_pop((uintptr_t)rw))
		return unlock_far(rw, GOSAN_CALLER, GOSAN_SP);
	return unlock_here(rw) ? 0 : unlock_real(rw);
}

GOSAN_EXPORT int pthread_rwlock_init(pthread_rwlock_t *rw, const pthread_rwlockattr_t *attr)
{
	int rc = GOSAN_REAL(pthread_rwlock_init)(rw, attr);
	struct gosan_lock l = rwlock(rw);

	if (rc == 0)
		gosan_pthread_init_object(&GOSAN_CALL, &l, -1);
	return rc;
}

/* Nothing is refused: destroyed in use, the lock is told to be so before it is. */
GOSAN_EXPORT int pthread_rwlock_destroy(pthread_rwlock_t *rw)
{
	struct gosan_lock l = rwlock(rw);

	gosan_pthread_destroy(&GOSAN_CALL, &l, 0);
	return GOSAN_REAL(pthread_rwlock_destroy)(rw);
}
