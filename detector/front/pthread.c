/* SPDX-License-Identifier: Apache-2.0
 *
 * pthread.c: locks of POSIX and C11 threads, as order. A program that mixes goroutines and threads must get
 * no false alarm; which of its pthread locks can deadlock is not judged here (awake.c says so in the verdict).
 *
 * A release is sent before the real call, an acquire after it succeeded. glibc's C11 functions call its
 * pthread code inside, not through the PLT, so both families are interposed and no event comes twice.
 * A program without instrumented modules has no accesses that the order could matter for: then every
 * wrapper is one load and a jump.
 */
#include "front.h"
#include "intercept.h"

#include "../depot.h"
#include "../module.h"

#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <threads.h>

/* pthread_cond_* has an old version (2.2.5) with another structure: ask for the one that headers mean. */
#define REAL_COND(name) \
	(__extension__({ \
		static __typeof__(name) *real_; \
		if (__builtin_expect(!real_, 0)) { \
			*(void **)&real_ = dlvsym(RTLD_NEXT, #name, "GLIBC_2.3.2"); \
			if (!real_) \
				real_ = (__typeof__(name) *)gosan_intercept_next(#name); \
		} \
		real_; \
	}))

/* Readers of an rwlock leave their clocks apart from the writers': at the next address. */
#define READERS(l) ((const char *)(l) + 1)

static bool wanted(uintptr_t pc)
{
	return gosan_front_on && gosan_ignore == 0 && gosan_module_any_instrumented() &&
	       !gosan_intercept_is_runtime(pc);
}

static void order(enum gosan_op op, const volatile void *addr, enum gosan_obj_kind kind, uintptr_t pc)
{
	struct gosan_event ev = {.op = op};
	int saved;

	if (!wanted(pc) || !gosan_front_enter(&saved))
		return;
	gosan_front_note((uintptr_t)addr);
	ev.g = gosan_engine_self();
	ev.obj = gosan_engine_object_at((uintptr_t)addr, kind);
	ev.stack = gosan_unwind_here();
	gosan_engine_event(&ev);
	gosan_front_leave(saved);
}

#define RELEASE(addr, kind) order(GOSAN_EV_HB_RELEASE, addr, GOSAN_OBJ_##kind, GOSAN_CALLER)
#define ACQUIRE(addr, kind) order(GOSAN_EV_HB_ACQUIRE, addr, GOSAN_OBJ_##kind, GOSAN_CALLER)

/* A robust mutex whose owner died is locked all the same. */
static bool got(int rc)
{
	return rc == 0 || rc == EOWNERDEAD;
}

/* int NAME(PARAMS): a call that acquires obj when it succeeds, or that releases it in any case. */
#define ACQUIRES(name, params, args, obj, kind) \
	GOSAN_EXPORT int name params \
	{ \
		int rc = GOSAN_REAL(name) args; \
\
		if (got(rc)) \
			ACQUIRE(obj, kind); \
		return rc; \
	}
#define RELEASES(name, params, args, obj, kind) \
	GOSAN_EXPORT int name params \
	{ \
		RELEASE(obj, kind); \
		return GOSAN_REAL(name) args; \
	}

ACQUIRES(pthread_mutex_lock, (pthread_mutex_t * m), (m), m, MUTEX)
ACQUIRES(pthread_mutex_trylock, (pthread_mutex_t * m), (m), m, MUTEX)
ACQUIRES(pthread_mutex_timedlock, (pthread_mutex_t * m, const struct timespec *t), (m, t), m, MUTEX)
ACQUIRES(pthread_mutex_clocklock, (pthread_mutex_t * m, clockid_t c, const struct timespec *t), (m, c, t), m,
	 MUTEX)
RELEASES(pthread_mutex_unlock, (pthread_mutex_t * m), (m), m, MUTEX)
ACQUIRES(mtx_lock, (mtx_t * m), (m), m, MUTEX)
ACQUIRES(mtx_trylock, (mtx_t * m), (m), m, MUTEX)
ACQUIRES(mtx_timedlock, (mtx_t * m, const struct timespec *t), (m, t), m, MUTEX)
RELEASES(mtx_unlock, (mtx_t * m), (m), m, MUTEX)
ACQUIRES(pthread_spin_lock, (pthread_spinlock_t * s), (s), s, OTHER)
ACQUIRES(pthread_spin_trylock, (pthread_spinlock_t * s), (s), s, OTHER)
RELEASES(pthread_spin_unlock, (pthread_spinlock_t * s), (s), s, OTHER)
ACQUIRES(sem_wait, (sem_t * s), (s), s, SEM)
ACQUIRES(sem_trywait, (sem_t * s), (s), s, SEM)
ACQUIRES(sem_timedwait, (sem_t * s, const struct timespec *t), (s, t), s, SEM)
ACQUIRES(sem_clockwait, (sem_t * s, clockid_t c, const struct timespec *t), (s, c, t), s, SEM)
RELEASES(sem_post, (sem_t * s), (s), s, SEM)
ACQUIRES(pthread_rwlock_rdlock, (pthread_rwlock_t * l), (l), l, RWMUTEX)
ACQUIRES(pthread_rwlock_tryrdlock, (pthread_rwlock_t * l), (l), l, RWMUTEX)
ACQUIRES(pthread_rwlock_timedrdlock, (pthread_rwlock_t * l, const struct timespec *t), (l, t), l, RWMUTEX)
ACQUIRES(pthread_rwlock_clockrdlock, (pthread_rwlock_t * l, clockid_t c, const struct timespec *t), (l, c, t),
	 l, RWMUTEX)

/* A writer comes after earlier writers and after readers. */
#define WRITES(name, params, args, lock) \
	GOSAN_EXPORT int name params \
	{ \
		int rc = GOSAN_REAL(name) args; \
\
		if (rc == 0) { \
			ACQUIRE(lock, RWMUTEX); \
			ACQUIRE(READERS(lock), RWMUTEX); \
		} \
		return rc; \
	}
WRITES(pthread_rwlock_wrlock, (pthread_rwlock_t * l), (l), l)
WRITES(pthread_rwlock_trywrlock, (pthread_rwlock_t * l), (l), l)
WRITES(pthread_rwlock_timedwrlock, (pthread_rwlock_t * l, const struct timespec *t), (l, t), l)
WRITES(pthread_rwlock_clockwrlock, (pthread_rwlock_t * l, clockid_t c, const struct timespec *t), (l, c, t),
       l)

/* __cur_writer is the writer's thread id while it holds the lock, in every glibc since 2.25. */
GOSAN_EXPORT int pthread_rwlock_unlock(pthread_rwlock_t *l)
{
	if (l->__data.__cur_writer)
		RELEASE(l, RWMUTEX);
	else
		RELEASE(READERS(l), RWMUTEX);
	return GOSAN_REAL(pthread_rwlock_unlock)(l);
}

/* All come before all: those of the next round that are quicker add order that is not there, never less. */
GOSAN_EXPORT int pthread_barrier_wait(pthread_barrier_t *b)
{
	int rc;

	RELEASE(b, BARRIER);
	rc = GOSAN_REAL(pthread_barrier_wait)(b);
	if (rc == 0 || rc == PTHREAD_BARRIER_SERIAL_THREAD)
		ACQUIRE(b, BARRIER);
	return rc;
}

/* ---- conditions: the wait gives the mutex up and takes it again, also when it is cancelled ---- */

struct relock {
	const void *mutex;
	uintptr_t pc;
};

static void relock(void *arg)
{
	const struct relock *r = arg;

	order(GOSAN_EV_HB_ACQUIRE, r->mutex, GOSAN_OBJ_MUTEX, r->pc);
}

#define WAITS(name, params, call, m) \
	GOSAN_EXPORT int name params \
	{ \
		struct relock r = {m, GOSAN_CALLER}; \
		int rc; \
\
		RELEASE(m, MUTEX); \
		pthread_cleanup_push(relock, &r); \
		rc = call; \
		pthread_cleanup_pop(1); \
		return rc; \
	}
WAITS(pthread_cond_wait, (pthread_cond_t * c, pthread_mutex_t *m), REAL_COND(pthread_cond_wait)(c, m), m)
WAITS(pthread_cond_timedwait, (pthread_cond_t * c, pthread_mutex_t *m, const struct timespec *t),
      REAL_COND(pthread_cond_timedwait)(c, m, t), m)
WAITS(pthread_cond_clockwait, (pthread_cond_t * c, pthread_mutex_t *m, clockid_t k, const struct timespec *t),
      GOSAN_REAL(pthread_cond_clockwait)(c, m, k, t), m)
WAITS(cnd_wait, (cnd_t * c, mtx_t *m), GOSAN_REAL(cnd_wait)(c, m), m)
WAITS(cnd_timedwait, (cnd_t * c, mtx_t *m, const struct timespec *t), GOSAN_REAL(cnd_timedwait)(c, m, t), m)

/* ---- once: the end of the routine comes before every return ---- */

struct once_call {
	struct once_call *outer; /* a routine may call another once */
	void (*routine)(void);
	const void *control;
	uintptr_t pc;
};
static __thread struct once_call *innermost;

static void once_routine(void)
{
	struct once_call *c = innermost;

	c->routine();
	order(GOSAN_EV_HB_RELEASE, c->control, GOSAN_OBJ_ONCE, c->pc);
}

#define ONCE(name, ret, type, result) \
	GOSAN_EXPORT ret name(type *control, void (*routine)(void)) \
	{ \
		struct once_call c = {innermost, routine, control, GOSAN_CALLER}; \
\
		innermost = &c; \
		result GOSAN_REAL(name)(control, once_routine); \
		innermost = c.outer; \
		ACQUIRE(control, ONCE);
ONCE(pthread_once, int, pthread_once_t, int rc =)
return rc;
}
ONCE(call_once, void, once_flag, )
}
