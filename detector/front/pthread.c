/* SPDX-License-Identifier: Apache-2.0
 *
 * pthread.c: the core of the pthread front end: whose call it is, what the thread holds, which events that means.
 *
 * Records and events
 *
 *      lock a      [a]                 nothing is sent
 *      unlock a    []
 *      lock a      [a]
 *      lock b      [a!, b!]            request a, acquire a (late), request b, acquire b
 *      unlock b    [a!]                release b
 *      unlock a    []                  release a
 *
 * A record that is told (!) stays so until its release. Where accesses must be ordered, each is told at once.
 * Recursion is no event: only the outermost pair comes here.
 *
 * Stacks. The acquisition of a lone lock is mostly not needed, so only its pc and sp are noted. When the record is
 * told, the frames that were on the stack at the call and still are there are found by where they lie; that of a
 * function that took the lock and returned is known by the return address in the record. A place whose lock is
 * held across more returns would lose frames that way; so the first EAGER acquisitions of each place, and all
 * of places that ever lost one, capture at once.
 */
#include "noise.h"
#include "quick.h"

#include "../cfi.h"
#include "../depot.h"
#include "../lockpath.h"
#include "../mem.h"
#include "../module.h"

#include "../../runtime/probe.h"

#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EAGER    64
#define PATIENCE 100000 /* turns of others */

uint64_t gosan_pthread_births; /* initialisations and ends of locks that were known */
int64_t gosan_pthread_wakes;
__thread struct gosan_thread *gosan_pthread_me __attribute__((tls_model("initial-exec")));

bool gosan_pthread_precise(void)
{
	return gosan_module_any_instrumented() || gosan_front_attached;
}

struct gosan_thread *gosan_pthread_watch(uintptr_t pc)
{
	if (__builtin_expect(!gosan_front_on || gosan_ignore > 0 || gosan_front_depth > 0, 0))
		return NULL;
	if (__builtin_expect(gosan_site_of(pc)->ignored, 0))
		return NULL;
	if (__builtin_expect(!gosan_pthread_me, 0))
		return gosan_thread_adopt();
	gosan_noise_call();
	return gosan_pthread_me;
}

/* ---- events ---- */

/* Whom this thread's events belong to: a goroutine while it runs one. */
static inline struct gosan_g *who(void)
{
	return __builtin_expect(gosan_self != NULL, 1) ? gosan_self : gosan_engine_self();
}

static uint32_t stack_here(const struct gosan_call *c)
{
	return gosan_module_any_instrumented() ? gosan_access_stack(who(), c->pc)
					       : gosan_unwind_at(c->pc, c->sp);
}

static void send(struct gosan_event ev)
{
	gosan_engine_event(&ev);
}

/* From inside a hook. A thread that left a wait by longjmp or by a signal's doing did not say so. */
void gosan_pthread_emit(const struct gosan_call *c, struct gosan_event ev)
{
	ev.g = who();
	if (c->t)
		c->t->moves++;
	if (ev.g->wait.why && ev.op != GOSAN_EV_G_READY)
		send((struct gosan_event){.op = GOSAN_EV_G_READY, .g = ev.g, .peer = ev.g});
	if (!ev.stack)
		ev.stack = stack_here(c);
	gosan_engine_event(&ev);
}

/* The object itself as memory: its use reads it, its beginning and end write it. So what is used before its
 * initialisation is known to be over, or destroyed too early, is a race of the ordinary kind. Outside the hook, and
 * before what the call acquires, after what it will release. */
void gosan_pthread_touch(const struct gosan_call *c, uintptr_t addr, unsigned flags)
{
	if (__builtin_expect(gosan_module_instrumented, 0) && gosan_intercept_sees(c->pc))
		gosan_access(addr & ~(uintptr_t)1, 1, flags, c->pc);
}

/* Events that come before what their call waits for. */
static bool is_use(enum gosan_op op)
{
	return op == GOSAN_EV_COND_WAIT || op == GOSAN_EV_COND_WAKE || op == GOSAN_EV_BARRIER_WAIT ||
	       op == GOSAN_EV_SEM_POST || op == GOSAN_EV_SEM_WAIT;
}

struct gosan_obj *gosan_pthread_object(const struct gosan_lock *l)
{
	struct gosan_obj *obj;

	gosan_front_note((uintptr_t)l->addr);
	obj = gosan_engine_object_at((uintptr_t)l->addr, l->kind);
	if (obj && !obj->flags)
		obj->flags = l->flags;
	return obj;
}

void gosan_pthread_event(const struct gosan_call *c, struct gosan_event ev)
{
	int saved;

	if (ev.obj && is_use(ev.op))
		gosan_pthread_touch(c, ev.obj->addr, GOSAN_ATOMIC);
	if (!gosan_front_enter(&saved)) {
		GOSAN_COUNT(lost); /* a signal handler interrupted a hook of its thread */
		return;
	}
	gosan_pthread_emit(c, ev);
	c->t->generation++;
	gosan_front_leave(saved);
}

bool gosan_pthread_short(const struct gosan_call *c, enum gosan_op op, struct gosan_obj *obj)
{
	struct gosan_g *g = who();
	bool done;
	int saved;

	if (obj)
		gosan_pthread_touch(c, obj->addr, GOSAN_ATOMIC);
	if (!obj || g->wait.why || !gosan_front_enter(&saved))
		return false;
	done = (op == GOSAN_EV_SEM_POST ? gosan_lockpath_post : gosan_lockpath_wait)(g, obj, stack_here(c));
	c->t->generation++;
	c->t->moves++;
	gosan_front_leave(saved);
	return done;
}

/* ---- what the thread holds ---- */

static struct gosan_record *record_of(struct gosan_thread *t, uintptr_t addr)
{
	for (unsigned i = t->n; i-- > 0;)
		if (t->record[i].addr == addr)
			return &t->record[i];
	return NULL;
}

/* Another thread tells of it: bounded, for that one may be stopped. */
static void await_told(const struct gosan_record *r)
{
	for (int i = 0; i < PATIENCE && __atomic_load_n(&r->told, __ATOMIC_ACQUIRE) == GOSAN_TELLING; i++)
		sched_yield();
}

static void drop(struct gosan_thread *t, struct gosan_record *r)
{
	size_t at = (size_t)(r - t->record);

	for (size_t i = at; i < t->n; i++)
		await_told(&t->record[i]);
	memmove(r, r + 1, (t->n - at - 1) * sizeof(*r));
	t->n--;
}

/* Locks that others unlocked in the meantime. */
static void drop_gone(struct gosan_thread *t)
{
	for (unsigned i = t->n; i-- > 0;)
		if (__atomic_load_n(&t->record[i].gone, __ATOMIC_ACQUIRE))
			drop(t, &t->record[i]);
}

/* Whoever is parked in the books, or takes over from the dead, goes the long way. */
static bool may_be_short(const struct gosan_event *ev)
{
	return ev->obj && !ev->g->wait.why && !(ev->mode & GOSAN_LOCK_DIED);
}

static bool short_acquire(const struct gosan_event *ev)
{
	return may_be_short(ev) && gosan_lockpath_acquire(ev->g, ev->obj, ev->mode, ev->stack);
}

static bool short_take(const struct gosan_event *ev)
{
	return may_be_short(ev) && gosan_lockpath_take(ev->g, ev->obj, ev->mode, ev->stack);
}

/* Inside a hook. The request comes late, but before any other of this thread: in the order of its own actions nothing
 * has changed. */
static void tell(struct gosan_thread *t, struct gosan_record *r)
{
	struct gosan_lock l = {(const void *)r->addr, r->kind, r->flags};
	struct gosan_event ev = {.g = who(), .mode = r->mode & ~GOSAN_REQUESTED};
	bool asks = !(r->mode & (GO_LOCK_TRY | GOSAN_REQUESTED));

	if (!gosan_pthread_claim(r)) {
		await_told(r);
		return;
	}
	t->moves++;
	if (!r->stack) {
		bool whole;

		r->stack = gosan_site_restore(t, r, &whole);
		if (!whole) {
			gosan_site_of(r->pc)->eager = true;
			gosan_site_of(r->pc)->quick = false;
		}
	}
	ev.stack = r->stack;
	ev.obj = gosan_pthread_object(&l);
	if (!(asks ? short_acquire(&ev) : short_take(&ev))) {
		ev.op = GOSAN_EV_LOCK_REQUEST;
		if (asks)
			send(ev);
		ev.op = GOSAN_EV_LOCK_ACQUIRE;
		send(ev);
	}
	gosan_pthread_claimed(r);
}

/* By the address alone: who knows whether there is still a semaphore. The object is known from the post before. */
static void tell_tokens(struct gosan_thread *t)
{
	for (size_t i = 0; i < GOSAN_POSTED; i++) {
		struct gosan_posted *p = &t->posted[i];
		struct gosan_lock l = {(const void *)p->sem, GOSAN_OBJ_SEM, 0};

		for (; p->taken > 0; p->taken--) {
			t->moves++;
			send((struct gosan_event){.op = GOSAN_EV_SEM_WAITED,
						  .g = who(),
						  .obj = gosan_pthread_object(&l),
						  .stack = who()->last_stack});
		}
	}
	t->taken = 0;
}

void gosan_pthread_tell_tokens(struct gosan_thread *t)
{
	int saved;

	if (!gosan_front_enter(&saved))
		return;
	tell_tokens(t);
	gosan_front_leave(saved);
}

void gosan_pthread_tell_records(struct gosan_thread *t)
{
	if (t->taken)
		tell_tokens(t);
	drop_gone(t);
	for (unsigned i = 0; i < t->n; i++)
		tell(t, &t->record[i]);
}

void gosan_pthread_tell_all(struct gosan_thread *t)
{
	int saved;

	if ((t->n == 0 && !t->taken) || !gosan_front_enter(&saved))
		return;
	gosan_pthread_tell_records(t);
	gosan_front_leave(saved);
}

bool gosan_pthread_holds_in(uintptr_t lo, uintptr_t hi)
{
	const struct gosan_thread *t = gosan_pthread_me;

	for (unsigned i = 0; t && i < t->n; i++)
		if (t->record[i].addr >= lo && t->record[i].addr < hi)
			return true;
	return false;
}

/* Whoever frees the memory of a lock that it holds takes part in what is found there. */
void gosan_pthread_freed(uintptr_t lo, uintptr_t hi)
{
	if (gosan_pthread_holds_in(lo, hi))
		gosan_pthread_tell_all(gosan_pthread_me);
}

/* May a lock that is taken with no other held stay untold? What writes to rwlocks is told the first times: a read lock
 * that is taken again is a bug only if somebody ever writes. */
static bool lone(const struct gosan_thread *t, const struct gosan_record *r, const struct gosan_site *s)
{
	return t->n == 0 && who()->n_held == 0 &&
	       (r->kind != GOSAN_OBJ_RWMUTEX || r->mode & GO_LOCK_READ || s->count > EAGER);
}

bool gosan_pthread_nested(struct gosan_thread *t, struct gosan_record *r)
{
	uint64_t key = gosan_pthread_nested_key(t, r, who()->learned_weak);
	size_t at = key >> GOSAN_NESTED_SHIFT;

	if (t->nested[at].key != key)
		return false;
	r->stack = t->nested[at].stack;
	return true;
}

/* Was the same asked before: this lock, from here, with these held, taken where they were? Then the analyzers know
 * it, unless the thread learned something since, or others may be ordered after it that were not. */
static bool told_before(struct gosan_thread *t, const struct gosan_record *r)
{
	uint64_t key = gosan_pthread_nested_key(t, r, who()->learned_weak);
	size_t at = key >> GOSAN_NESTED_SHIFT;

	if (t->nested[at].key == key)
		return true;
	t->nested[at].key = key;
	t->nested[at].stack = r->stack;
	return false;
}

static bool may_wait(struct gosan_thread *t, const struct gosan_record *r, const struct gosan_site *s)
{
	if (gosan_pthread_precise() || r->mode & GOSAN_LOCK_DIED || t->crowded || who()->id)
		return false;
	if (t->n == 0)
		return lone(t, r, s);
	return told_before(t, r);
}

static void acquired_slow(const struct gosan_call *c, struct gosan_record *r, struct gosan_site *s)
{
	struct gosan_thread *t = c->t;
	int saved;

	gosan_pthread_touch(c, r->addr, GOSAN_ATOMIC);
	if (!gosan_front_enter(&saved))
		return;
	drop_gone(t);
	r->stack = stack_here(c); /* so neither ra nor cfa are needed */
	if (!may_wait(t, r, s)) {
		gosan_pthread_tell_records(t);
		tell(t, r);
	}
	/* A goroutine may go on on another thread: the engine alone keeps its locks. */
	if (who()->id == 0 && t->n < GOSAN_RECORDS)
		t->record[t->n++] = *r;
	else if (who()->id == 0) {
		tell(t, r);
		t->crowded = true;
	}
	gosan_front_leave(saved);
}

/* The rest before quick, for others look without a lock. */
static void make_quick(struct gosan_site *s)
{
	struct gosan_cfi rule;

	if (s->quick)
		return;
	rule = gosan_cfi_rule(s->pc - 1);
	if (rule.kind == GOSAN_CFI_SP || rule.kind == GOSAN_CFI_FP) {
		__atomic_store_n(&s->by_fp, rule.kind == GOSAN_CFI_FP, __ATOMIC_RELAXED);
		__atomic_store_n(&s->cfa, rule.cfa, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&s->quick, true, __ATOMIC_RELEASE);
}

void gosan_pthread_acquired(const struct gosan_call *c, const struct gosan_lock *l, int mode)
{
	struct gosan_site *s = gosan_site_of(c->pc);
	struct gosan_thread *t;
	struct gosan_record r = {.addr = (uintptr_t)l->addr,
				 .pc = c->pc,
				 .sp = c->sp,
				 .kind = (unsigned char)l->kind,
				 .mode = (unsigned char)mode,
				 .flags = (unsigned char)l->flags};

	if (s->quick && !(mode & GOSAN_LOCK_DIED) && gosan_pthread_quick(c->pc, &t) &&
	    gosan_pthread_noted(t, s, l->addr, l->kind, l->flags, mode, c->pc, c->sp))
		return;
	if (s->count <= EAGER)
		__atomic_store_n(&s->count, s->count + 1, __ATOMIC_RELAXED);
	else if (!s->eager)
		make_quick(s);
	acquired_slow(c, &r, s);
}

/* Does the engine list it for whoever runs here? */
static bool engine_holds(const struct gosan_lock *l)
{
	const struct gosan_g *g = who();

	for (size_t i = g->n_held; i-- > 0;)
		if (g->held[i].obj->addr == (uintptr_t)l->addr && !g->held[i].obj->dead)
			return true;
	return false;
}

bool gosan_pthread_holds(const struct gosan_call *c, const struct gosan_lock *l)
{
	drop_gone(c->t);
	return record_of(c->t, (uintptr_t)l->addr) || engine_holds(l);
}

static size_t left_at(uintptr_t addr)
{
	return (addr >> 4) & (GOSAN_LEFT - 1);
}

int64_t gosan_pthread_left(const struct gosan_thread *t, const volatile void *m)
{
	size_t i = left_at((uintptr_t)m);

	return t->left[i].addr == (uintptr_t)m ? t->left[i].wakes : 0;
}

static void give_back(const struct gosan_call *c, const struct gosan_lock *l, int mode)
{
	struct gosan_event ev = {.op = GOSAN_EV_LOCK_RELEASE,
				 .g = who(),
				 .obj = gosan_pthread_object(l),
				 .mode = mode,
				 .stack = stack_here(c)};

	if (!may_be_short(&ev) || !gosan_lockpath_release(ev.g, ev.obj, mode, ev.stack))
		gosan_pthread_emit(c, ev);
}

bool gosan_pthread_release(const struct gosan_call *c, const struct gosan_lock *l, int mode)
{
	struct gosan_thread *t = c->t;
	struct gosan_record *r = record_of(t, (uintptr_t)l->addr);
	bool told;
	int saved;

	if (r)
		await_told(r);
	told = !r || r->told;
	if (r && __atomic_load_n(&r->gone, __ATOMIC_ACQUIRE)) {
		drop(t, r);
		return false;
	}
	if (r)
		drop(t, r);
	if (__builtin_expect(!told, 1)) {
		size_t i = left_at((uintptr_t)l->addr);

		t->untold += 2;
		t->left[i].addr = (uintptr_t)l->addr;
		t->left[i].wakes = __atomic_load_n(&gosan_pthread_wakes, __ATOMIC_RELAXED);
		return true;
	}
	if (!r && !engine_holds(l))
		return false;
	gosan_pthread_touch(c, (uintptr_t)l->addr, GOSAN_ATOMIC);
	if (!gosan_front_enter(&saved))
		return true;
	give_back(c, l, mode);
	gosan_front_leave(saved);
	return true;
}

/* ---- waits ---- */

static void request(const struct gosan_call *c, const struct gosan_lock *l, int mode)
{
	gosan_pthread_tell_records(c->t);
	gosan_pthread_emit(c, (struct gosan_event){.op = GOSAN_EV_LOCK_REQUEST,
						   .obj = gosan_pthread_object(l),
						   .mode = mode});
}

void gosan_pthread_request(const struct gosan_call *c, const struct gosan_lock *l, int mode)
{
	int saved;

	if (!gosan_front_enter(&saved))
		return;
	request(c, l, mode);
	gosan_front_leave(saved);
}

static enum go_wait_op wait_op(int why)
{
	return why == GO_WAIT_RLOCK                           ? GO_ON_RLOCK
	       : why == GO_WAIT_MUTEX || why == GO_WAIT_WLOCK ? GO_ON_LOCK
							      : GO_ON_WAIT;
}

/* Nobody reads wait.on while wait.why is 0. */
static void park(const struct gosan_call *c, const struct gosan_park *p)
{
	struct gosan_wait *w = &who()->wait;

	gosan_pthread_tell_records(c->t);
	w->n = p->obj != NULL;
	w->truncated = false;
	w->on[0].obj = p->obj;
	w->on[0].op = (int)wait_op(p->why);
	gosan_pthread_emit(c, (struct gosan_event){.op = GOSAN_EV_G_PARK,
						   .arg = p->why,
						   .mode = p->timed ? GOSAN_LOCK_TIMED : 0,
						   .obj = p->obj,
						   .obj2 = p->relock,
						   .peer = p->joins});
}

void gosan_pthread_park(const struct gosan_call *c, const struct gosan_park *p)
{
	int saved;

	if (!gosan_front_enter(&saved))
		return;
	park(c, p);
	gosan_front_leave(saved);
}

void gosan_pthread_block(const struct gosan_call *c, const struct gosan_lock *l, int mode)
{
	struct gosan_park p = {.why = GO_WAIT_MUTEX, .timed = mode & GOSAN_LOCK_TIMED};
	int saved;

	if (!gosan_front_enter(&saved))
		return;
	if (l->kind == GOSAN_OBJ_RWMUTEX)
		p.why = mode & GO_LOCK_READ ? GO_WAIT_RLOCK : GO_WAIT_WLOCK;
	request(c, l, mode);
	p.obj = gosan_pthread_object(l);
	park(c, &p);
	gosan_front_leave(saved);
}

/* What ended the wait has told so itself; this only says that the thread runs again. */
void gosan_pthread_back(const struct gosan_call *c)
{
	struct gosan_g *g = who();
	int saved;

	if (!g->wait.why || !gosan_front_enter(&saved))
		return;
	gosan_pthread_emit(c,
			   (struct gosan_event){.op = GOSAN_EV_G_READY, .peer = g, .stack = g->wait.stack});
	gosan_front_leave(saved);
}
