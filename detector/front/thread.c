/* SPDX-License-Identifier: Apache-2.0
 *
 * thread.c: birth, end and join of threads that the program makes itself, POSIX and C11.
 *
 * A thread's context is made by its creator, so that the child starts with what the creator knew. It ends in
 * the last round of the destructors of thread-specific data, which run for a return, pthread_exit and
 * cancellation alike; what the thread does after that is glibc's own. A join finds the context by the
 * handle, which may be used again once the thread was joined or was detached and ended.
 */
#include "front.h"
#include "intercept.h"

#include "../depot.h"
#include "../mem.h"
#include "../module.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <threads.h>

#define BUCKETS 256

/* Lives from the creation to the join, in the detector's memory; a detached thread's until its handle is used
 * again. */
struct thread {
	struct thread *next;
	pthread_t handle;
	struct gosan_g *g;
	int round; /* of the destructors */
	union {
		void *(*posix)(void *);
		int (*c11)(void *);
	} fn;
	void *arg;
};

/* Living threads and those that nobody joined yet, by handle. Under table_lock, which is a leaf. */
static struct thread *table[BUCKETS];
static char table_lock;
static pthread_key_t key;
static bool have_key;

/* A handle is the address of the thread's descriptor: its low bits are the same for all. */
static struct thread **bucket(pthread_t handle)
{
	return &table[((uintptr_t)handle >> 12) % BUCKETS];
}

static void lock(void)
{
	while (__atomic_test_and_set(&table_lock, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void unlock(void)
{
	__atomic_clear(&table_lock, __ATOMIC_RELEASE);
}

/* Take the entry out: NULL when the handle is unknown. */
static struct thread *take(pthread_t handle)
{
	struct thread **p, *t;

	lock();
	for (p = bucket(handle); *p && !pthread_equal((*p)->handle, handle);)
		p = &(*p)->next;
	t = *p;
	if (t)
		*p = t->next;
	unlock();
	return t;
}

/* An entry with this handle belongs to a detached thread that ended. */
static void enter(struct thread *t)
{
	struct thread **head = bucket(t->handle);

	take(t->handle);
	lock();
	t->next = *head;
	*head = t;
	unlock();
}

/* Destructor of the key. Setting the value again asks for another round; after the last, the libc only frees. */
static void end(void *arg)
{
	struct thread *t = arg;
	struct gosan_event ev = {.op = GOSAN_EV_G_END, .g = t->g};
	int saved;

	if (++t->round < PTHREAD_DESTRUCTOR_ITERATIONS) {
		pthread_setspecific(key, t);
		return;
	}
	if (gosan_front_enter(&saved)) {
		gosan_engine_event(&ev);
		gosan_front_leave(saved);
	}
	gosan_ignore++; /* for the rest of this thread's life */
}

/* Keys made later have destructors that run after ours in each round: hence the waiting for the last one. */
void gosan_pthread_init(void)
{
	have_key = pthread_key_create(&key, end) == 0;
}

/* glibc keeps stacks of ended threads, and the thread-local variables at their end, for the next ones. */
static void forget_stack(struct gosan_g *g)
{
	pthread_attr_t attr;
	void *lo;
	size_t size;

	if (pthread_getattr_np(pthread_self(), &attr) != 0)
		return;
	if (pthread_attr_getstack(&attr, &lo, &size) == 0) {
		g->stack_lo = (uintptr_t)lo;
		g->stack_hi = (uintptr_t)lo + size;
		gosan_access_forget(g->stack_lo, size);
		gosan_front_forget(g->stack_lo, size);
	}
	pthread_attr_destroy(&attr);
}

/* On the new thread, before any code of the program. */
static void begin(struct thread *t)
{
	struct gosan_event ev = {.op = GOSAN_EV_G_START, .g = t->g};
	int saved;

	gosan_self = gosan_front_thread = t->g;
	t->handle = pthread_self();
	enter(t);
	if (have_key)
		pthread_setspecific(key, t);
	if (gosan_front_enter(&saved)) {
		forget_stack(t->g);
		gosan_engine_event(&ev);
		gosan_front_leave(saved);
	}
}

/* The two kinds of start routine differ in what they return, so each has its trampoline. */
static void *run_posix(void *arg)
{
	struct thread *t = arg;

	begin(t);
	return t->fn.posix(t->arg);
}

static int run_c11(void *arg)
{
	struct thread *t = arg;

	begin(t);
	return t->fn.c11(t->arg);
}

/* NULL: the thread is not watched. */
static struct thread *prepare(void *arg, uintptr_t pc)
{
	struct thread *t = NULL;
	int saved;

	if (!gosan_module_any_instrumented() || gosan_intercept_is_runtime(pc) || !gosan_front_enter(&saved))
		return NULL;
	t = gosan_mem_alloc(sizeof(*t));
	if (t) {
		uint32_t stack = gosan_unwind_here();
		struct gosan_event ev = {.op = GOSAN_EV_G_SPAWN, .g = gosan_engine_self(), .stack = stack};

		t->arg = arg;
		t->g = ev.peer = gosan_engine_new_g(0, true);
		t->g->parent = ev.g;
		t->g->created_stack = stack;
		gosan_engine_event(&ev);
	}
	gosan_front_leave(saved);
	return t;
}

/* A context whose thread could not be made: it will never have an event. */
static int created(struct thread *t, int rc)
{
	if (rc != 0)
		t->g->ended = true;
	return rc;
}

/* The real call comes last: the thread may run, and even end, before it returns. */
GOSAN_EXPORT int pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	struct thread *t = prepare(arg, GOSAN_CALLER);

	if (!t)
		return GOSAN_REAL(pthread_create)(ret, attr, fn, arg);
	t->fn.posix = fn;
	return created(t, GOSAN_REAL(pthread_create)(ret, attr, run_posix, t));
}

GOSAN_EXPORT int thrd_create(thrd_t *ret, thrd_start_t fn, void *arg)
{
	struct thread *t = prepare(arg, GOSAN_CALLER);

	if (!t)
		return GOSAN_REAL(thrd_create)(ret, fn, arg);
	t->fn.c11 = fn;
	return created(t, GOSAN_REAL(thrd_create)(ret, run_c11, t));
}

/* Where the runtime, if there is one, counts threads that can't end a standstill. */
static _Atomic unsigned *hidden_count(void)
{
	return dlsym(RTLD_DEFAULT, "go_probe_threads");
}

/* By the next definition: our own wrapper would announce it. */
int gosan_pthread_hidden(void *(*fn)(void *), void *arg)
{
	pthread_t thread;
	int rc = GOSAN_REAL(pthread_create)(&thread, NULL, fn, arg);
	_Atomic unsigned *hidden = hidden_count();

	if (rc == 0 && hidden)
		++*hidden;
	return rc ? -rc : pthread_detach(thread);
}

void gosan_pthread_forked(void)
{
	_Atomic unsigned *hidden = hidden_count();

	if (hidden)
		*hidden = 0;
}

/* The handle is taken out before the real join, after which it may already name another thread. */
static int joined(struct thread *t, int rc)
{
	struct gosan_event ev = {.op = GOSAN_EV_G_JOIN};
	int saved;

	if (!t)
		return rc;
	if (rc != 0) {
		enter(t);
		return rc;
	}
	if (gosan_front_enter(&saved)) {
		ev.g = gosan_engine_self();
		ev.peer = t->g;
		ev.stack = gosan_unwind_here();
		gosan_engine_event(&ev);
		gosan_front_leave(saved);
	}
	gosan_mem_free(t, sizeof(*t));
	return rc;
}

/* A thread that has not begun yet enters itself while its joiner waits: look again after the wait. */
#define JOINS(name, type, params, args, handle) \
	GOSAN_EXPORT int name params \
	{ \
		struct thread *t = take((pthread_t)handle); \
		int rc = GOSAN_REAL(name) args; \
\
		return joined(t || rc ? t : take((pthread_t)handle), rc); \
	}
JOINS(pthread_join, int, (pthread_t h, void **ret), (h, ret), h)
JOINS(pthread_tryjoin_np, int, (pthread_t h, void **ret), (h, ret), h)
JOINS(pthread_timedjoin_np, int, (pthread_t h, void **ret, const struct timespec *t_), (h, ret, t_), h)
JOINS(pthread_clockjoin_np, int, (pthread_t h, void **ret, clockid_t c, const struct timespec *t_),
      (h, ret, c, t_), h)
JOINS(thrd_join, int, (thrd_t h, int *ret), (h, ret), h)
