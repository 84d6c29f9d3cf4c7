/* SPDX-License-Identifier: Apache-2.0
 *
 * cond.c: condition variables. A wait gives the mutex up and takes it again, also when it is cancelled; both are
 * events of the mutex, and in between the thread is parked on the condition.
 *
 * glibc has two conditions: the programs of before 2.3.2 refer to GLIBC_2.2.5's, whose structure holds a pointer to the
 * other. We define the names without a version, for the newer one; a reference to 2.2.5 that reached us
 * would be misread. The dynamic linker binds such a reference to us all the same, so a program with one is
 * forwarded by the structure's look: there is none in the field that has threads and runs on glibc 2.36, and the
 * takeover of libtsan's programs, whose references have no version at all, means the newer.
 */
#include "pthread.h"

#include "../../runtime/probe.h"

#include <dlfcn.h>
#include <threads.h>

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

/* __wrefs: the lowest bit says that other processes use it. */
static struct gosan_lock cond(const pthread_cond_t *c)
{
	return (struct gosan_lock){c, GOSAN_OBJ_COND, c->__data.__wrefs & 1 ? GOSAN_OBJ_SHARED : 0};
}

struct waiting {
	struct gosan_call call;
	struct gosan_lock cond, mutex;
	bool held, woken;
};

static void begin(struct waiting *w, pthread_cond_t *c, pthread_mutex_t *m, bool timed)
{
	struct gosan_park p = {.why = GO_WAIT_COND, .timed = timed};

	w->cond = cond(c);
	w->mutex = gosan_mutex_describe(m);
	w->held = gosan_pthread_holds(&w->call, &w->mutex) || m->__data.__owner == w->call.t->tid;
	if (!w->held)
		gosan_pthread_fault(&w->call, &w->cond, GO_FAULT_COND_UNLOCKED, 0, 0);
	gosan_pthread_tell_all(w->call.t);
	p.obj = gosan_pthread_object(&w->cond);
	p.relock = gosan_pthread_object(&w->mutex);
	gosan_pthread_event(&w->call, (struct gosan_event){.op = GOSAN_EV_COND_WAIT,
							   .obj = p.obj,
							   .obj2 = p.relock,
							   .arg2 = gosan_pthread_left(w->call.t, m)});
	gosan_pthread_release(&w->call, &w->mutex, GO_LOCK_WRITE);
	gosan_pthread_park(&w->call, &p);
}

/* No request: the thread takes back what it gave up, whatever else it holds. */
static void end(void *arg)
{
	struct waiting *w = arg;

	gosan_pthread_back(&w->call);
	if (w->held)
		gosan_pthread_acquired(&w->call, &w->mutex, GO_LOCK_WRITE | GOSAN_REQUESTED);
	gosan_pthread_event(&w->call, (struct gosan_event){.op = GOSAN_EV_COND_WAITED,
							   .mode = w->woken ? 0 : GOSAN_NOT_WOKEN,
							   .obj = gosan_pthread_object(&w->cond),
							   .obj2 = gosan_pthread_object(&w->mutex)});
}

#define WAITS(name, params, real, real_args, c_, m_, timed) \
	GOSAN_EXPORT int name params \
	{ \
		struct waiting w = {.call = GOSAN_CALL}; \
		int rc; \
\
		if (!w.call.t) \
			return real real_args; \
		begin(&w, (pthread_cond_t *)(c_), (pthread_mutex_t *)(m_), timed); \
		pthread_cleanup_push(end, &w); \
		rc = real real_args; \
		w.woken = rc == 0; \
		pthread_cleanup_pop(1); \
		return rc; \
	}
WAITS(pthread_cond_wait, (pthread_cond_t * c, pthread_mutex_t *m), REAL_COND(pthread_cond_wait), (c, m), c, m,
      false)
WAITS(pthread_cond_timedwait, (pthread_cond_t * c, pthread_mutex_t *m, const struct timespec *t),
      REAL_COND(pthread_cond_timedwait), (c, m, t), c, m, true)
WAITS(pthread_cond_clockwait, (pthread_cond_t * c, pthread_mutex_t *m, clockid_t k, const struct timespec *t),
      GOSAN_REAL(pthread_cond_clockwait), (c, m, k, t), c, m, true)
WAITS(cnd_wait, (cnd_t * c, mtx_t *m), GOSAN_REAL(cnd_wait), (c, m), c, m, false)
WAITS(cnd_timedwait, (cnd_t * c, mtx_t *m, const struct timespec *t), GOSAN_REAL(cnd_timedwait), (c, m, t), c,
      m, true)

/* Before the real call: whoever is woken finds it done. How many wait is the analyzers' count. Wakes are numbered, so
 * that a section of the mutex that was never told can be placed among them. Of the first one it matters whether it comes
 * in a section of the mutex. */
static void wake(const struct gosan_call *c, const void *cnd, bool all)
{
	struct gosan_lock l = cond(cnd);
	struct gosan_obj *obj = c->t ? gosan_pthread_object(&l) : NULL;

	if (obj && !obj->woken)
		gosan_pthread_tell_all(c->t);
	if (c->t)
		gosan_pthread_event(c, (struct gosan_event){.op = GOSAN_EV_COND_WAKE,
							    .obj = obj,
							    .mode = all,
							    .arg = -1,
							    .arg2 = __atomic_add_fetch(&gosan_pthread_wakes,
										       1, __ATOMIC_RELAXED)});
}

#define WAKES(name, type, real, all) \
	GOSAN_EXPORT int name(type *c) \
	{ \
		wake(&GOSAN_CALL, c, all); \
		return real(c); \
	}
WAKES(pthread_cond_signal, pthread_cond_t, REAL_COND(pthread_cond_signal), false)
WAKES(pthread_cond_broadcast, pthread_cond_t, REAL_COND(pthread_cond_broadcast), true)
WAKES(cnd_signal, cnd_t, GOSAN_REAL(cnd_signal), false)
WAKES(cnd_broadcast, cnd_t, GOSAN_REAL(cnd_broadcast), true)

GOSAN_EXPORT int pthread_cond_init(pthread_cond_t *c, const pthread_condattr_t *attr)
{
	int rc = REAL_COND(pthread_cond_init)(c, attr);
	struct gosan_lock l = cond(c);

	if (rc == 0)
		gosan_pthread_init_object(&GOSAN_CALL, &l, -1);
	return rc;
}

GOSAN_EXPORT int cnd_init(cnd_t *c)
{
	int rc = GOSAN_REAL(cnd_init)(c);
	struct gosan_lock l = cond((pthread_cond_t *)c);

	if (rc == thrd_success)
		gosan_pthread_init_object(&GOSAN_CALL, &l, -1);
	return rc;
}

/* The real call waits for waiters that were woken and have not left yet; those that nobody woke make it wait for
 * ever. So it is told before. */
GOSAN_EXPORT int pthread_cond_destroy(pthread_cond_t *c)
{
	struct gosan_lock l = cond(c);

	gosan_pthread_destroy(&GOSAN_CALL, &l, 0);
	return REAL_COND(pthread_cond_destroy)(c);
}

GOSAN_EXPORT void cnd_destroy(cnd_t *c)
{
	struct gosan_lock l = cond((pthread_cond_t *)c);

	gosan_pthread_destroy(&GOSAN_CALL, &l, 0);
	GOSAN_REAL(cnd_destroy)(c);
}
