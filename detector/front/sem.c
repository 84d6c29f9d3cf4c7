/* SPDX-License-Identifier: Apache-2.0
 *
 * sem.c: semaphores and barriers.
 *
 * A post may come from a signal handler, also from one that interrupted a wait of the same thread: then it is an event
 * like any other. One that interrupted a hook is counted as lost.
 */
#include "inplace.h"
#include "quick.h"

#include "../mem.h"

#include "../../runtime/probe.h"

#include <sched.h>
#include <semaphore.h>
#include <stdarg.h>
#include <fcntl.h>

/* ---- semaphores ---- */

/* The second half of glibc's structure begins with how its futex is called: private is 0. Named ones are shared. */
static struct gosan_lock semaphore(const sem_t *s)
{
	int shared = ((const int *)s)[2];

	return (struct gosan_lock){s, GOSAN_OBJ_SEM, shared ? GOSAN_OBJ_SHARED : 0};
}

static void event(const struct gosan_call *c, const struct gosan_lock *l, enum gosan_op op, int mode)
{
	gosan_pthread_event(c, (struct gosan_event){.op = op, .obj = gosan_pthread_object(l), .mode = mode});
}

static void event_at_once(const struct gosan_call *c, const struct gosan_lock *l, enum gosan_op op, int mode)
{
	if (!gosan_pthread_short(c, op, gosan_pthread_object(l)))
		event(c, l, op, mode);
}

/* The short way of an uninstrumented program: a thread that takes and posts a semaphore again that nobody else touched
 * since tells nobody anything. A token of its own brings it nothing that it does not know. A post publishes
 * what its last told post did, if it has sent no event since and learned nothing (its locks that were never told are
 * after both).
 *
 * last_user: who used the semaphore last, written by everybody else
 *      - before it takes a token or waits for one,
 *      - after the event of a post, before the post itself.
 * So whoever takes a token that others posted after its own last look finds the word changed, and acquires; and who
 * posts looks again after its post: either it finds that somebody came to wait, and sends the event after all, or
 * that one comes after the post.
 *
 * A token that is taken so is told before the thread tells of any lock: it may be the gate around it. And only posts of
 * such tokens stay untold, for it matters how many others there were (token.h). */
#define LAST_USERS 256
static uint64_t last_user[LAST_USERS];

static uint64_t *last_of(const sem_t *s)
{
	return &last_user[(uintptr_t)s / sizeof(*s) % LAST_USERS];
}

/* Contexts are never freed, so that no other thread has the same. */
static uint64_t name_of(const struct gosan_thread *t, const sem_t *s)
{
	return (uintptr_t)s * UINT64_C(0x9e3779b97f4a7c15) + (uintptr_t)t->g;
}

static void set_last(const struct gosan_thread *t, const sem_t *s)
{
	__atomic_store_n(last_of(s), name_of(t, s), __ATOMIC_SEQ_CST);
}

static bool is_last(const struct gosan_thread *t, const sem_t *s)
{
	return __atomic_load_n(last_of(s), __ATOMIC_SEQ_CST) == name_of(t, s);
}

static struct gosan_posted *posted(struct gosan_thread *t, const sem_t *s)
{
	return &t->posted[(uintptr_t)s / sizeof(*s) % GOSAN_POSTED];
}

static uint64_t moves(const struct gosan_thread *t)
{
	return t->moves << 32 | t->g->learned_weak;
}

/* True: taken, and there is nothing to tell. *ret_taken: it is taken. */
static inline bool take_quick(uintptr_t pc, sem_t *s, bool *ret_taken)
{
	struct gosan_thread *t = gosan_pthread_light(pc);
	struct gosan_posted *p = t ? posted(t, s) : NULL;

	*ret_taken = false;
	if (!p || p->sem != (uintptr_t)s || !is_last(t, s) || !gosan_inplace_sem_take(s))
		return false;
	*ret_taken = true;
	if (!is_last(t, s))
		return false;
	t->untold++;
	t->taken++;
	p->taken++;
	return true;
}

struct waiting {
	struct gosan_call call;
	struct gosan_lock sem;
};

static void block(const struct waiting *w, bool timed)
{
	struct gosan_park p = {.why = GOSAN_WAIT_SEM, .obj = gosan_pthread_object(&w->sem), .timed = timed};

	set_last(w->call.t, (const sem_t *)(uintptr_t)w->sem.addr);
	gosan_pthread_tell_all(w->call.t);
	event(&w->call, &w->sem, GOSAN_EV_SEM_WAIT, timed ? GOSAN_LOCK_TIMED : 0);
	gosan_pthread_park(&w->call, &p);
}

static void back(void *arg)
{
	const struct waiting *w = arg;

	gosan_pthread_back(&w->call);
}

/* A wait that succeeds at once is a point of cancellation all the same. errno is the real call's. */
#define WAITS(name, params, args, timed) \
	GOSAN_EXPORT int name params \
	{ \
		int saved = errno, rc; \
		bool taken; \
\
		pthread_testcancel(); \
		if (take_quick(GOSAN_CALLER, s, &taken)) \
			return 0; \
		struct waiting w = {GOSAN_CALL, semaphore(s)}; \
		if (!w.call.t) \
			return taken ? 0 : GOSAN_REAL(name) args; \
		set_last(w.call.t, s); \
		rc = taken ? 0 : GOSAN_REAL(sem_trywait)(s); \
		if (rc != 0) { \
			errno = saved; \
			block(&w, timed); \
			pthread_cleanup_push(back, &w); \
			rc = GOSAN_REAL(name) args; \
			pthread_cleanup_pop(1); \
			if (rc == 0) \
				event(&w.call, &w.sem, GOSAN_EV_SEM_WAITED, timed ? GOSAN_LOCK_TIMED : 0); \
			return rc; \
		} \
		if (rc == 0) \
			event_at_once(&w.call, &w.sem, GOSAN_EV_SEM_WAITED, timed ? GOSAN_LOCK_TIMED : 0); \
		return rc; \
	}
WAITS(sem_wait, (sem_t * s), (s), false)
WAITS(sem_timedwait, (sem_t * s, const struct timespec *t), (s, t), true)
WAITS(sem_clockwait, (sem_t * s, clockid_t c, const struct timespec *t), (s, c, t), true)

GOSAN_EXPORT int sem_trywait(sem_t *s)
{
	struct gosan_call c;
	struct gosan_lock l = semaphore(s);
	bool taken;
	int rc = 0;

	if (take_quick(GOSAN_CALLER, s, &taken))
		return 0;
	c = GOSAN_CALL;
	if (c.t)
		set_last(c.t, s);
	if (!taken)
		rc = GOSAN_REAL(sem_trywait)(s);
	if (c.t && rc == 0)
		event_at_once(&c, &l, GOSAN_EV_SEM_WAITED, GO_LOCK_TRY);
	return rc;
}

static void tell_post(const struct gosan_call *c, sem_t *s)
{
	struct gosan_lock l = semaphore(s);
	struct gosan_posted *p = posted(c->t, s);

	if (c->t->taken)
		gosan_pthread_tell_tokens(c->t);
	event_at_once(c, &l, GOSAN_EV_SEM_POST, 0);
	p->sem = (uintptr_t)s;
	p->moves = moves(c->t);
	set_last(c->t, s);
}

/* 1: posted; 0: not. Somebody who came to wait for it hears of it late, but before anything that we do next. */
static inline bool post_quick(uintptr_t pc, uintptr_t sp, sem_t *s)
{
	struct gosan_thread *t = gosan_pthread_light(pc);
	struct gosan_posted *p = t ? posted(t, s) : NULL;

	if (!p || p->sem != (uintptr_t)s || !p->taken || p->moves != moves(t) || !is_last(t, s) ||
	    !gosan_inplace_sem_post(s))
		return false;
	t->untold++;
	t->taken--;
	p->taken--;
	if (__builtin_expect(!is_last(t, s), 0)) {
		struct gosan_call c = {t, pc, sp};
		struct gosan_lock l = semaphore(s);

		event(&c, &l, GOSAN_EV_SEM_POST, 0);
	}
	return true;
}

GOSAN_EXPORT int sem_post(sem_t *s)
{
	struct gosan_call c;

	if (post_quick(GOSAN_CALLER, GOSAN_SP, s))
		return 0;
	c = GOSAN_CALL;
	if (c.t)
		tell_post(&c, s);
	else if (gosan_front_on && gosan_front_depth > 0)
		GOSAN_COUNT(lost);
	return GOSAN_REAL(sem_post)(s);
}

GOSAN_EXPORT int sem_init(sem_t *s, int shared, unsigned value)
{
	int rc = GOSAN_REAL(sem_init)(s, shared, value);
	struct gosan_lock l = semaphore(s);

	__atomic_store_n(last_of(s), 0,
			 __ATOMIC_SEQ_CST); /* whose posts there were does not matter any more */
	if (rc == 0)
		gosan_pthread_init_object(&GOSAN_CALL, &l, shared ? -1 : (int64_t)value);
	return rc;
}

GOSAN_EXPORT int sem_destroy(sem_t *s)
{
	struct gosan_lock l = semaphore(s);

	gosan_pthread_destroy(&GOSAN_CALL, &l, 0);
	return GOSAN_REAL(sem_destroy)(s);
}

/* A named semaphore may be mapped already: then it is the same object, and nothing has begun. */
GOSAN_EXPORT int sem_close(sem_t *s)
{
	return GOSAN_REAL(sem_close)(s);
}

/* ---- barriers ---- */

#define BUCKETS 64

/* A barrier, by its address. Under barriers_lock, a leaf. */
struct barrier {
	struct barrier *next;
	uintptr_t addr;
	uint32_t parties, arrived; /* arrived since the initialisation */
};
static struct barrier *barriers[BUCKETS];
static char barriers_lock;

static void lock(void)
{
	while (__atomic_test_and_set(&barriers_lock, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void unlock(void)
{
	__atomic_clear(&barriers_lock, __ATOMIC_RELEASE);
}

void gosan_sem_forked(void)
{
	unlock();
}

static struct barrier **find(uintptr_t addr)
{
	struct barrier **p = &barriers[(addr >> 5) % BUCKETS];

	while (*p && (*p)->addr != addr)
		p = &(*p)->next;
	return p;
}

/* A new one, or the old one's count from the start. */
static void begin_barrier(uintptr_t addr, uint32_t parties)
{
	struct barrier **p, *b;

	lock();
	p = find(addr);
	b = *p ? *p : gosan_mem_alloc(sizeof(*b));
	if (b) {
		b->addr = addr;
		b->parties = parties;
		b->arrived = 0;
		*p = b;
	}
	unlock();
}

static void end_barrier(uintptr_t addr)
{
	struct barrier **p, *b;

	lock();
	p = find(addr);
	b = *p;
	if (b) {
		*p = b->next;
		gosan_mem_free(b, sizeof(*b));
	}
	unlock();
}

/* Rounds take turns between two objects: who arrives for the next round does not mix with those who have not left this
 * one yet. With more threads than parties the libc may group them otherwise, and the order is still one that
 * the barrier gives in some run. parties 0: the barrier is not known. */
static uintptr_t arrive(uintptr_t addr, uint32_t *ret_parties)
{
	const struct barrier *b;
	uint32_t round = 0;

	*ret_parties = 0;
	lock();
	b = *find(addr);
	if (b && b->parties) {
		round = (*find(addr))->arrived++ / b->parties;
		*ret_parties = b->parties;
	}
	unlock();
	return addr + (round & 1);
}

static struct gosan_obj *barrier_object(const pthread_barrier_t *b, uintptr_t addr, uint32_t parties)
{
	struct gosan_lock l = {(const void *)addr, GOSAN_OBJ_BARRIER, 0};
	struct gosan_obj *obj;

	l.flags = ((const int *)b)[3] ? GOSAN_OBJ_SHARED : 0;
	obj = gosan_pthread_object(&l);
	if (obj && parties) {
		obj->count = parties;
		obj->counted = true;
	}
	return obj;
}

GOSAN_EXPORT int pthread_barrier_wait(pthread_barrier_t *b)
{
	struct gosan_call c = GOSAN_CALL;
	struct gosan_park p = {.why = GOSAN_WAIT_BARRIER};
	uint32_t parties;
	uintptr_t addr;
	int rc;

	if (!c.t)
		return GOSAN_REAL(pthread_barrier_wait)(b);
	gosan_pthread_tell_all(c.t);
	addr = arrive((uintptr_t)b, &parties);
	p.obj = barrier_object(b, addr, parties);
	gosan_pthread_event(&c, (struct gosan_event){.op = GOSAN_EV_BARRIER_WAIT, .obj = p.obj});
	gosan_pthread_park(&c, &p);
	rc = GOSAN_REAL(pthread_barrier_wait)(b);
	gosan_pthread_back(&c);
	if (rc == 0 || rc == PTHREAD_BARRIER_SERIAL_THREAD)
		gosan_pthread_event(&c, (struct gosan_event){.op = GOSAN_EV_BARRIER_PASSED, .obj = p.obj});
	return rc;
}

static struct gosan_lock barrier(const pthread_barrier_t *b)
{
	return (struct gosan_lock){b, GOSAN_OBJ_BARRIER, 0};
}

GOSAN_EXPORT int pthread_barrier_init(pthread_barrier_t *b, const pthread_barrierattr_t *attr, unsigned count)
{
	int rc = GOSAN_REAL(pthread_barrier_init)(b, attr, count);
	struct gosan_call c = GOSAN_CALL;
	struct gosan_lock l = barrier(b);

	if (rc == 0 && c.t) {
		gosan_front_forget((uintptr_t)b, 2);
		begin_barrier((uintptr_t)b, count);
		gosan_pthread_init_object(&c, &l, (int64_t)count);
	}
	return rc;
}

/* The real call waits until all have left. */
GOSAN_EXPORT int pthread_barrier_destroy(pthread_barrier_t *b)
{
	struct gosan_call c = GOSAN_CALL;
	struct gosan_lock l = barrier(b);
	int rc;

	gosan_pthread_destroy(&c, &l, 0);
	rc = GOSAN_REAL(pthread_barrier_destroy)(b);
	if (c.t && rc == 0)
		end_barrier((uintptr_t)b);
	return rc;
}
