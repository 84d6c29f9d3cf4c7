/* SPDX-License-Identifier: Apache-2.0
 *
 * thread.c: birth, end, join and detachment of threads, POSIX and C11.
 *
 * A thread's context is made by its creator, so that the child starts with what the creator knew. It ends in the
 * last round of the destructors of thread-specific data, which run for a return, pthread_exit and cancellation
 * alike; what the thread does after that is glibc's own. A join finds the context by the handle, which may be used
 * again once the thread was joined or was detached and ended. Threads that came another way (timers with
 * SIGEV_THREAD, clone) are adopted at their first call.
 */
#include "inplace.h"
#include "noise.h"
#include "pthread.h"

#include "../recorder.h"
#include "../depot.h"
#include "../mem.h"
#include "../module.h"
#include "../walk.h"

#include "../../runtime/probe.h"

#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <threads.h>
#include <unistd.h>

#define BUCKETS 256
#define RECENT  64

extern void *__libc_stack_end;

/* Threads that are joinable or live, by handle and all together. Under table_lock, which is a leaf. */
static struct gosan_thread *table[BUCKETS], *all;
static char table_lock;
static pthread_key_t key;
static bool have_key;

bool gosan_pthread_used;

/* A handle is the address of the thread's descriptor: its low bits are the same for all. */
static struct gosan_thread **bucket(pthread_t handle)
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

static struct gosan_thread **find(pthread_t handle)
{
	struct gosan_thread **p = bucket(handle);

	while (*p && !pthread_equal((*p)->handle, handle))
		p = &(*p)->next;
	return p;
}

/* Both lists. */
static void unlink_thread(struct gosan_thread **p)
{
	struct gosan_thread *t = *p, **q = &all;

	*p = t->next;
	while (*q != t)
		q = &(*q)->next_all;
	*q = t->next_all;
}

/* An entry with this handle belongs to a detached thread that ended. */
static void enter(struct gosan_thread *t)
{
	struct gosan_thread **p, *old;

	lock();
	p = find(t->handle);
	old = *p;
	if (old)
		unlink_thread(p);
	t->next = *bucket(t->handle);
	*bucket(t->handle) = t;
	t->next_all = all;
	all = t;
	unlock();
	if (old)
		gosan_mem_free(old, sizeof(*old));
}

/* A thread enters itself when it begins. Until then its creator's note answers for it. */
static struct {
	pthread_t handle;
	struct gosan_g *g;
} recent[RECENT];
static unsigned n_recent;

/* What the table has under this handle is of a detached thread that ended, unless the new one was quicker. */
static void note_recent(pthread_t handle, struct gosan_g *g)
{
	struct gosan_thread **p, *old;

	lock();
	p = find(handle);
	old = *p && (*p)->g != g && (*p)->g->ended ? *p : NULL;
	if (old)
		unlink_thread(p);
	recent[n_recent % RECENT].handle = handle;
	recent[n_recent++ % RECENT].g = g;
	unlock();
	if (old)
		gosan_mem_free(old, sizeof(*old));
}

/* The context of a handle; NULL when it is unknown. */
struct gosan_g *gosan_thread_context(pthread_t handle)
{
	struct gosan_thread *t;
	struct gosan_g *g;

	lock();
	t = *find(handle);
	g = t ? t->g : NULL;
	for (unsigned i = 1; !g && i <= RECENT && i <= n_recent; i++)
		if (pthread_equal(recent[(n_recent - i) % RECENT].handle, handle))
			g = recent[(n_recent - i) % RECENT].g;
	unlock();
	return g;
}

bool gosan_thread_each(bool (*fn)(struct gosan_thread *, void *), void *arg)
{
	bool done = false;

	lock();
	for (struct gosan_thread *t = all; t && !done; t = t->next_all)
		done = fn(t, arg);
	unlock();
	return done;
}

struct by_tid {
	pid_t tid;
	struct gosan_g *g;
};

static bool has_tid(struct gosan_thread *t, void *arg)
{
	struct by_tid *b = arg;

	if (t->tid != b->tid || t->ended)
		return false;
	b->g = t->g;
	return true;
}

struct gosan_g *gosan_thread_by_tid(pid_t tid)
{
	struct by_tid b = {tid, NULL};

	gosan_thread_each(has_tid, &b);
	return b.g;
}

unsigned gosan_thread_unborn;

/* ---- the end ---- */

/* What was never told is counted: a verdict says how much was seen. */
static void count_untold(struct gosan_thread *t)
{
	__atomic_fetch_add(&gosan_counters->events, t->untold, __ATOMIC_RELAXED);
	t->untold = 0;
}

static bool flush_one(struct gosan_thread *t, void *unused)
{
	(void)unused;
	count_untold(t);
	return false;
}

void gosan_pthread_flush(void)
{
	gosan_thread_each(flush_one, NULL);
}

/* Set once, at start. */
static sigset_t everything;

/* Destructor of the key. Setting the value again asks for another round; after the last, the libc only frees. */
static void end(void *arg)
{
	struct gosan_thread *t = arg;
	struct gosan_event ev = {.op = GOSAN_EV_G_END, .g = t->g};
	int saved;

	if (++t->round < PTHREAD_DESTRUCTOR_ITERATIONS) {
		pthread_setspecific(key, t);
		return;
	}
	gosan_pthread_tell_all(t);
	count_untold(t);
	t->ended = true;
	if (t->masked)
		pthread_sigmask(SIG_SETMASK, &everything, NULL);
	if (t->g->id == 0 && gosan_front_enter(&saved)) {
		ev.stack = t->g->created_stack;
		gosan_engine_event(&ev);
		gosan_front_leave(saved);
	}
	gosan_ignore++; /* for the rest of this thread's life */
}

/* Keys made later have destructors that run after ours in each round: hence the waiting for the last one. */
void gosan_pthread_init(void)
{
	sigfillset(&everything);
	have_key = pthread_key_create(&key, end) == 0;
	gosan_unwind_warm();
	gosan_inplace_init();
}

/* ---- the beginning ---- */

/* glibc keeps stacks of ended threads, and the thread-local variables at their end, for the next ones. */
static void forget_stack(struct gosan_thread *t)
{
	struct gosan_g *g = t->g;
	pthread_attr_t attr;
	void *lo;
	size_t size;

	if (pthread_getattr_np(pthread_self(), &attr) != 0)
		return;
	if (pthread_attr_getstack(&attr, &lo, &size) == 0) {
		g->stack_lo = (uintptr_t)lo;
		g->stack_hi = (uintptr_t)lo + size;
		t->stack_hi = g->stack_hi;
		gosan_walk_stack(g->stack_lo, g->stack_hi);
		gosan_access_forget(g->stack_lo, size);
		gosan_front_forget(g->stack_lo, size);
	}
	pthread_attr_destroy(&attr);
}

/* What a thread knows of itself. */
static void be(struct gosan_thread *t)
{
	t->handle = pthread_self();
	t->tid = (pid_t)syscall(SYS_gettid);
	enter(t);
	if (have_key)
		pthread_setspecific(key, t);
	gosan_pthread_me = t;
}

/* On the new thread, before any code of the program. */
static void begin(struct gosan_thread *t)
{
	struct gosan_event ev = {.op = GOSAN_EV_G_START, .g = t->g, .stack = t->g->created_stack};
	int saved;

	gosan_self = gosan_front_thread = t->g;
	be(t);
	__atomic_fetch_sub(&gosan_thread_unborn, 1, __ATOMIC_RELEASE);
	if (gosan_front_enter(&saved)) {
		forget_stack(t);
		gosan_unwind_warm();
		gosan_engine_event(&ev);
		gosan_front_leave(saved);
	}
	if (t->masked)
		pthread_sigmask(SIG_SETMASK, &t->mask, NULL);
}

/* The main thread's stack grows, and where it ends is known without asking. */
struct gosan_thread *gosan_thread_adopt(void)
{
	struct gosan_thread *t;
	int saved;

	if (!gosan_front_enter(&saved))
		return NULL;
	t = gosan_mem_alloc(sizeof(*t));
	if (t) {
		t->g = gosan_engine_self();
		t->stack_hi = syscall(SYS_gettid) == getpid() ? (uintptr_t)__libc_stack_end : 0;
		if (t->stack_hi)
			gosan_walk_main_stack(t->stack_hi);
		be(t);
	}
	gosan_front_leave(saved);
	return t;
}

/* The two kinds of start routine differ in what they return, so each has its trampoline. */
static void *run_posix(void *arg)
{
	struct gosan_thread *t = arg;

	begin(t);
	gosan_noise_birth();
	return t->fn.posix(t->arg);
}

static int run_c11(void *arg)
{
	struct gosan_thread *t = arg;

	begin(t);
	gosan_noise_birth();
	return t->fn.c11(t->arg);
}

/* A handler that ran before the thread has begun, or after its end, would have accesses that belong to nobody. A mask
 * that the attributes give is set by the libc, before we are asked. */
static void hold_signals(struct gosan_thread *t, const pthread_attr_t *attr, sigset_t *before)
{
	sigset_t given;

	pthread_sigmask(SIG_SETMASK, &everything, before);
	t->mask = *before;
	t->masked = !attr || pthread_attr_getsigmask_np(attr, &given) != 0;
}

static bool is_detached(const pthread_attr_t *attr)
{
	int state = PTHREAD_CREATE_JOINABLE;

	if (attr)
		pthread_attr_getdetachstate(attr, &state);
	return state == PTHREAD_CREATE_DETACHED;
}

/* The first thread that a program makes: from here on there is something to watch. */
static void first_thread(void)
{
	static bool done;

	if (__atomic_exchange_n(&done, true, __ATOMIC_RELAXED))
		return;
	gosan_pthread_used = true;
	gosan_signal_init();
	gosan_preload_watch();
}

/* NULL: the thread is not watched. */
static struct gosan_thread *prepare(const struct gosan_call *c, const pthread_attr_t *attr, void *arg)
{
	struct gosan_thread *t = NULL;
	int saved;

	if (!c->t)
		return NULL;
	first_thread();
	if (!gosan_front_enter(&saved))
		return NULL;
	t = gosan_mem_alloc(sizeof(*t));
	if (t) {
		uint32_t stack = gosan_module_any_instrumented()
					 ? gosan_access_stack(gosan_engine_self(), c->pc)
					 : gosan_unwind_here();
		struct gosan_event ev = {.op = GOSAN_EV_G_SPAWN, .g = gosan_engine_self(), .stack = stack};

		__atomic_fetch_add(&gosan_thread_unborn, 1, __ATOMIC_RELAXED);
		c->t->generation++;
		t->arg = arg;
		t->g = ev.peer = gosan_engine_new_g(0, true);
		t->g->parent = ev.g;
		t->g->created_stack = stack;
		gosan_engine_event(&ev);
		ev.op = GOSAN_EV_THREAD_DETACH;
		if (is_detached(attr))
			gosan_engine_event(&ev);
	}
	gosan_front_leave(saved);
	return t;
}

/* On success the entry is the new thread's. A context whose thread could not be made will never have an event, and
 * nobody has to join it. */
static int created(struct gosan_thread *t, struct gosan_g *g, pthread_t handle, int rc)
{
	if (rc == 0) {
		note_recent(handle, g);
		gosan_noise_birth();
		return 0;
	}
	__atomic_fetch_sub(&gosan_thread_unborn, 1, __ATOMIC_RELAXED);
	g->ended = g->joined = true;
	GOSAN_RECORD(gosan_recorder_gone(g, GOSAN_TRACE_GONE_ENDED | GOSAN_TRACE_GONE_JOINED));
	gosan_mem_free(t, sizeof(*t));
	return rc;
}

/* The thread may run, and even end, before the real call returns. */
GOSAN_EXPORT int pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	struct gosan_thread *t = prepare(&GOSAN_CALL, attr, arg);
	struct gosan_g *g = t ? t->g : NULL;
	bool hold = gosan_module_any_instrumented();
	pthread_t handle = 0;
	sigset_t before;
	int rc;

	if (!t)
		return GOSAN_REAL(pthread_create)(ret, attr, fn, arg);
	t->fn.posix = fn;
	if (hold)
		hold_signals(t, attr, &before);
	rc = GOSAN_REAL(pthread_create)(&handle, attr, run_posix, t);
	if (hold)
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		*ret = handle;
	return created(t, g, handle, rc);
}

GOSAN_EXPORT int thrd_create(thrd_t *ret, thrd_start_t fn, void *arg)
{
	struct gosan_thread *t = prepare(&GOSAN_CALL, NULL, arg);
	struct gosan_g *g = t ? t->g : NULL;
	bool hold = gosan_module_any_instrumented();
	thrd_t handle = 0;
	sigset_t before;
	int rc;

	if (!t)
		return GOSAN_REAL(thrd_create)(ret, fn, arg);
	t->fn.c11 = fn;
	if (hold)
		hold_signals(t, NULL, &before);
	rc = GOSAN_REAL(thrd_create)(&handle, run_c11, t);
	if (hold)
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == thrd_success)
		*ret = handle;
	return created(t, g, handle, rc);
}

/* Of all threads only the one that forked is in the child, with another number. Records of the others are history. */
void gosan_pthread_forked(void)
{
	struct gosan_thread *me = gosan_pthread_me;

	table_lock = 0;
	memset(table, 0, sizeof(table));
	all = NULL;
	gosan_thread_unborn = 0;
	gosan_hang_forked();
	if (!me)
		return;
	me->tid = getpid();
	me->next = me->next_all = NULL;
	*bucket(me->handle) = all = me;
}

/* ---- join and detach ---- */

struct joining {
	struct gosan_call call;
	pthread_t handle;
	struct gosan_thread *t; /* as it was before the call; not to be looked into after it */
	struct gosan_g *g;
};

static struct gosan_thread *entry_of(pthread_t handle)
{
	struct gosan_thread *t;

	lock();
	t = *find(handle);
	unlock();
	return t;
}

/* A thread that has not begun yet enters itself while its joiner waits. One that has ended is not waited for. */
static void await(struct joining *j, bool timed)
{
	struct gosan_park p = {.why = GOSAN_WAIT_JOIN, .timed = timed};

	j->t = entry_of(j->handle);
	j->g = p.joins = gosan_thread_context(j->handle);
	gosan_pthread_tell_all(j->call.t);
	if (!j->g || !j->g->ended)
		gosan_pthread_park(&j->call, &p);
}

static void back(void *arg)
{
	struct joining *j = arg;

	gosan_pthread_back(&j->call);
}

/* The handle may name another thread as soon as the real call has returned: then its entry has another context. */
static void joined(struct joining *j)
{
	struct gosan_thread **p, *t;

	lock();
	p = find(j->handle);
	t = *p;
	if (t && (j->g ? t->g == j->g : t == j->t || !j->t))
		unlink_thread(p);
	else
		t = NULL;
	unlock();
	if (t)
		j->g = t->g;
	if (j->g)
		gosan_pthread_event(&j->call, (struct gosan_event){.op = GOSAN_EV_G_JOIN, .peer = j->g});
	if (t)
		gosan_mem_free(t, sizeof(*t));
}

#define JOINS(name, params, args, handle_, timed) \
	GOSAN_EXPORT int name params \
	{ \
		struct joining j = {GOSAN_CALL, (pthread_t)(handle_), NULL, NULL}; \
		int rc; \
\
		if (!j.call.t) \
			return GOSAN_REAL(name) args; \
		await(&j, timed); \
		pthread_cleanup_push(back, &j); \
		rc = GOSAN_REAL(name) args; \
		pthread_cleanup_pop(1); \
		if (rc == 0) \
			joined(&j); \
		return rc; \
	}
JOINS(pthread_join, (pthread_t h, void **ret), (h, ret), h, false)
JOINS(pthread_timedjoin_np, (pthread_t h, void **ret, const struct timespec *t), (h, ret, t), h, true)
JOINS(pthread_clockjoin_np, (pthread_t h, void **ret, clockid_t c, const struct timespec *t), (h, ret, c, t),
      h, true)
JOINS(thrd_join, (thrd_t h, int *ret), (h, ret), h, false)

GOSAN_EXPORT int pthread_tryjoin_np(pthread_t h, void **ret)
{
	struct joining j = {GOSAN_CALL, h, entry_of(h), NULL};
	int rc;

	j.g = j.t ? j.t->g : NULL;
	rc = GOSAN_REAL(pthread_tryjoin_np)(h, ret);
	if (rc == 0 && j.call.t)
		joined(&j);
	return rc;
}

/* Before the real call: afterwards the handle may be anybody's. */
static void detach(const struct gosan_call *c, pthread_t handle)
{
	struct gosan_g *g = c->t ? gosan_thread_context(handle) : NULL;

	if (g)
		gosan_pthread_event(c, (struct gosan_event){.op = GOSAN_EV_THREAD_DETACH, .peer = g});
}

GOSAN_EXPORT int pthread_detach(pthread_t handle)
{
	detach(&GOSAN_CALL, handle);
	return GOSAN_REAL(pthread_detach)(handle);
}

GOSAN_EXPORT int thrd_detach(thrd_t handle)
{
	detach(&GOSAN_CALL, handle);
	return GOSAN_REAL(thrd_detach)(handle);
}
