/* SPDX-License-Identifier: Apache-2.0
 *
 * fate.c: what happens to an object of threads beside its use: its beginning, its end, and misuse by others than its
 * holder. Here records of other threads are looked at, and told in their name.
 */
#include "pthread.h"

#include "../depot.h"

#include <sched.h>

/* ---- locks of other threads ---- */

#define PATIENCE 100000 /* turns of others */
#define FORK_MAX 1000   /* locks of others that a fork tells of */

struct holder {
	uintptr_t addr;
	struct gosan_g *g; /* NULL: nobody holds it untold */
	struct gosan_record *at, record;
	bool busy; /* the holder is telling of it itself */
};

static void set_holder(struct holder *h, struct gosan_thread *t, struct gosan_record *r)
{
	h->g = t->g;
	h->at = r;
	h->record = *r;
}

static bool find_holder(struct gosan_thread *t, void *arg)
{
	struct holder *h = arg;

	for (unsigned i = 0; i < t->n && i < GOSAN_RECORDS; i++) {
		struct gosan_record *r = &t->record[i];

		if (r->addr != h->addr || r->gone)
			continue;
		if (!gosan_pthread_claim(r)) {
			if (__atomic_load_n(&r->told, __ATOMIC_ACQUIRE) != GOSAN_TELLING)
				continue;
			h->busy = true;
		}
		set_holder(h, t, r);
		return true;
	}
	return false;
}

/* In the holder's name. Its clocks don't matter, for nothing is instrumented. */
static void tell_of(const struct holder *h)
{
	struct gosan_lock l = {(const void *)h->record.addr, h->record.kind, h->record.flags};
	struct gosan_event ev = {.op = GOSAN_EV_LOCK_ACQUIRE, .g = h->g};

	if (!h->g->ended) {
		ev.mode = h->record.mode & ~GOSAN_REQUESTED;
		ev.stack = h->record.stack ? h->record.stack : gosan_depot_put(&h->record.pc, 1);
		ev.obj = gosan_pthread_object(&l);
		gosan_engine_event(&ev);
	}
	gosan_pthread_claimed(h->at);
}

/* A running thread holds, untold, what is being destroyed or unlocked: told in its name, or, when it is about to tell
 * itself, awaited: what follows must not come before its acquisition. */
static void tell_holder(const struct gosan_lock *l)
{
	struct holder h;

	for (int i = 0; i < PATIENCE; i++) {
		h = (struct holder){.addr = (uintptr_t)l->addr};
		if (!gosan_thread_each(find_holder, &h))
			return;
		if (!h.busy)
			break;
		sched_yield();
	}
	if (!h.busy)
		tell_of(&h);
}

static bool find_untold(struct gosan_thread *t, void *arg)
{
	if (t == gosan_pthread_me)
		return false;
	for (unsigned i = 0; i < t->n && i < GOSAN_RECORDS; i++) {
		struct gosan_record *r = &t->record[i];

		if (!r->gone && gosan_pthread_claim(r)) {
			set_holder(arg, t, r);
			return true;
		}
	}
	return false;
}

/* A child has what they hold, and nobody who would give it back. Bounded, for they go on meanwhile. */
void gosan_pthread_forking(void)
{
	struct holder h;
	int saved;

	if (gosan_pthread_precise() || !gosan_front_enter(&saved))
		return;
	for (int i = 0; i < FORK_MAX && gosan_thread_each(find_untold, &h); i++)
		tell_of(&h);
	gosan_front_leave(saved);
}

/* ---- misuse ---- */

void gosan_pthread_fault(const struct gosan_call *c, const struct gosan_lock *l, int fault, pid_t owner,
			 int error)
{
	int saved;

	if (!gosan_front_enter(&saved))
		return;
	gosan_pthread_tell_records(c->t);
	if (fault == GOSAN_FAULT_UNLOCK_BY_OTHER && error == 0)
		tell_holder(l); /* the finding names its acquisition */
	gosan_pthread_emit(c, (struct gosan_event){.op = GOSAN_EV_FAULT,
						   .obj = gosan_pthread_object(l),
						   .arg = fault,
						   .arg2 = error,
						   .peer = owner ? gosan_thread_by_tid(owner) : NULL});
	gosan_front_leave(saved);
}

/* ---- use of the dead ---- */

#define GRAVES 256 /* the last destructions, by address: for reports only, so a lost one costs its place */

/* Written without a lock: a torn one names a wrong place of a destruction that took place at this address at that very
 * moment, which would be a race of its own. */
static struct grave {
	uintptr_t addr, pc;
	struct gosan_g *g;
} graves[GRAVES];

static struct grave *grave_of(const volatile void *addr)
{
	return &graves[((uintptr_t)addr >> 4) % GRAVES];
}

/* Freed memory is seen by the access, too. */
void gosan_pthread_dead(const struct gosan_call *c, const struct gosan_lock *l, const char *use)
{
	const struct grave *grave = grave_of(l->addr);
	struct gosan_event ev = {.op = GOSAN_EV_FAULT, .arg = GOSAN_FAULT_USE_OF_DEAD, .text = use};
	int saved;

	gosan_pthread_touch(c, (uintptr_t)l->addr, GOSAN_ATOMIC);
	if (!gosan_front_enter(&saved))
		return;
	gosan_pthread_tell_records(c->t);
	ev.obj = gosan_pthread_object(l);
	if (grave->addr == (uintptr_t)l->addr) {
		ev.peer = grave->g;
		ev.arg2 = gosan_depot_put(&grave->pc, 1);
	}
	gosan_pthread_emit(c, ev);
	gosan_front_leave(saved);
}

/* A record of another thread for this address: no longer its. */
static bool mark_gone(struct gosan_thread *t, void *addr)
{
	for (unsigned i = 0; i < t->n && i < GOSAN_RECORDS; i++)
		if (t->record[i].addr == (uintptr_t)addr)
			__atomic_store_n(&t->record[i].gone, true, __ATOMIC_RELEASE);
	return false;
}

void gosan_pthread_snatch(const struct gosan_call *c, const struct gosan_lock *l, int mode)
{
	int saved;

	if (!gosan_front_enter(&saved))
		return;
	gosan_thread_each(mark_gone, (void *)(uintptr_t)l->addr);
	gosan_pthread_emit(c, (struct gosan_event){.op = GOSAN_EV_LOCK_RELEASE,
						   .obj = gosan_pthread_object(l),
						   .mode = mode});
	gosan_front_leave(saved);
}

/* ---- birth and death of objects ---- */

/* Without accesses to order, an object that nobody has used needs no record of its birth, unless it has a value that
 * nobody can tell later. */
void gosan_pthread_init_object(const struct gosan_call *c, const struct gosan_lock *l, int64_t value)
{
	struct gosan_event ev = {.op = GOSAN_EV_OBJ_INIT, .arg = value};
	int saved;

	if (c->t)
		gosan_pthread_touch(c, (uintptr_t)l->addr, GOSAN_WRITE);
	if (!c->t || !gosan_front_enter(&saved))
		return;
	gosan_front_forget((uintptr_t)l->addr, 1);
	__atomic_fetch_add(&gosan_pthread_births, 1, __ATOMIC_RELAXED);
	if (value >= 0 || gosan_pthread_precise()) {
		gosan_front_note((uintptr_t)l->addr);
		ev.obj = gosan_engine_renew_at((uintptr_t)l->addr, l->kind);
		if (ev.obj)
			ev.obj->flags = l->flags;
		gosan_pthread_emit(c, ev);
	}
	gosan_front_leave(saved);
}

static bool known(const struct gosan_lock *l)
{
	bool found;

	gosan_engine_lock();
	found = gosan_engine_find((uintptr_t)l->addr, l->kind) != NULL;
	gosan_engine_unlock();
	return found;
}

void gosan_pthread_destroy(const struct gosan_call *c, const struct gosan_lock *l, int refused)
{
	int saved;

	if (c->t && !refused)
		gosan_pthread_touch(c, (uintptr_t)l->addr, GOSAN_WRITE);
	if (!c->t || !gosan_front_enter(&saved))
		return;
	gosan_pthread_tell_records(c->t);
	if (refused)
		tell_holder(l);
	else
		*grave_of(l->addr) = (struct grave){(uintptr_t)l->addr, c->pc, gosan_engine_self()};
	__atomic_fetch_add(&gosan_pthread_births, 1, __ATOMIC_RELAXED);
	if (known(l))
		gosan_pthread_emit(c, (struct gosan_event){.op = GOSAN_EV_OBJ_DESTROY,
							   .obj = gosan_pthread_object(l),
							   .arg = refused});
	gosan_front_leave(saved);
}
