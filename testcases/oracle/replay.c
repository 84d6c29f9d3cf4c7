/* SPDX-License-Identifier: Apache-2.0
 *
 * replay.c: steps to events. Goroutines and objects are new for each program; memory is forgotten.
 */
#include <string.h>

#include "access.h"
#include "atomic.h"
#include "extend.h"
#include "lockpath.h"
#include "replay.h"

static _Alignas(64) char memory[MEMORY];
static uint32_t id_words[MAX_OBJS], odd_words[MAX_OBJS];
static _Alignas(64) uint64_t cells[MAX_OBJS];

uintptr_t replay_memory(void)
{
	return (uintptr_t)memory;
}

static const enum gosan_obj_kind obj_kinds[] = {
	[CHAN] = GOSAN_OBJ_CHAN,           [MUTEX] = GOSAN_OBJ_MUTEX, [RWMUTEX] = GOSAN_OBJ_RWMUTEX,
	[WAITGROUP] = GOSAN_OBJ_WAITGROUP, [ONCE] = GOSAN_OBJ_ONCE,   [ATOMIC] = GOSAN_OBJ_ATOMIC,
	[TIMER] = GOSAN_OBJ_TIMER,         [SEM] = GOSAN_OBJ_SEM,     [CELL] = GOSAN_OBJ_OTHER,
	[BARRIER] = GOSAN_OBJ_BARRIER,
};

static const enum gosan_op ops[KINDS] = {
	[SPAWN] = GOSAN_EV_G_SPAWN,
	[START] = GOSAN_EV_G_START,
	[END] = GOSAN_EV_G_END,
	[JOIN] = GOSAN_EV_G_JOIN,
	[SEND] = GOSAN_EV_CHAN_SEND,
	[RECV] = GOSAN_EV_CHAN_RECV,
	[PAIR_SEND] = GOSAN_EV_CHAN_PAIR,
	[CLOSE] = GOSAN_EV_CHAN_CLOSE,
	[RECV_CLOSED] = GOSAN_EV_CHAN_RECV_CLOSED,
	[LOCK] = GOSAN_EV_LOCK_ACQUIRE,
	[UNLOCK] = GOSAN_EV_LOCK_RELEASE,
	[RLOCK] = GOSAN_EV_LOCK_ACQUIRE,
	[RUNLOCK] = GOSAN_EV_LOCK_RELEASE,
	[ADD] = GOSAN_EV_WG_ADD,
	[DONE] = GOSAN_EV_WG_ADD,
	[WAITED] = GOSAN_EV_WG_WAITED,
	[ONCE_DONE] = GOSAN_EV_ONCE_DONE,
	[ONCE_RETURN] = GOSAN_EV_ONCE_RETURN,
	[RELEASE] = GOSAN_EV_HB_RELEASE,
	[STORE] = GOSAN_EV_HB_RELEASE_STORE,
	[ACQUIRE] = GOSAN_EV_HB_ACQUIRE,
	[ARM] = GOSAN_EV_HB_RELEASE_STORE,
	[POST] = GOSAN_EV_SEM_POST,
	[TAKEN] = GOSAN_EV_SEM_WAITED,
	[ARRIVE] = GOSAN_EV_BARRIER_WAIT,
	[PASSED] = GOSAN_EV_BARRIER_PASSED,
};

static struct gosan_g *new_g(const struct program *p, int i)
{
	static uint64_t ids;
	struct gosan_g *g = gosan_engine_new_g(p->role[i] == GOROUTINE ? ++ids : 0, p->role[i] != GOROUTINE);

	g->is_system = p->role[i] == SYSTEM;
	return g;
}

void replay_begin(struct replay *r, const struct program *p)
{
	static uintptr_t pc = 0x10000;

	memset(r, 0, sizeof *r);
	memset(id_words, 0, sizeof id_words);
	memset(odd_words, 0, sizeof odd_words);
	r->p = p;
	r->pc0 = pc;
	pc += MAX_STEPS;
	gosan_access_forget(replay_memory(), MEMORY);
	gosan_access_forget((uintptr_t)cells, sizeof cells);
	r->g[0] = new_g(p, 0);
	r->g[1] = new_g(p, 1);
	for (int o = 0; o < p->n_objs; o++)
		r->obj[o] = gosan_engine_object(&id_words[o], obj_kinds[p->obj[o]], NULL);
	for (int o = 0; o < p->n_objs; o++)
		r->odd[o] = p->obj[o] == BARRIER ? gosan_engine_object(&odd_words[o], GOSAN_OBJ_BARRIER, NULL)
						 : NULL;
	for (int o = 0; o < p->n_objs; o++)
		if (p->obj[o] == CHAN)
			gosan_engine_event(&(struct gosan_event){.op = GOSAN_EV_CHAN_MAKE,
								 .g = r->g[0],
								 .obj = r->obj[o],
								 .arg = (int64_t)p->cap[o]});
}

/* As the hooks in a loop over bytes, which is a call's. */
static void do_bytes(struct gosan_g *g, const struct step *t, uintptr_t pc)
{
	unsigned flags = t->write ? GOSAN_WRITE : 0u;

	if (g->frame == g->frames)
		gosan_context_enter(g, pc, 0);
	for (unsigned i = 0; i < t->size; i++) {
		uintptr_t addr = replay_memory() + t->addr + i;

		if (!gosan_extend_access(g, addr, 1, flags, pc))
			gosan_access(addr, 1, flags, pc);
	}
}

/* In half of the programs plain ones go byte by byte. */
static void do_access(const struct replay *r, int i)
{
	const struct step *t = &r->p->step[i];

	if (r->p->seed % 2 && !t->atomic)
		do_bytes(r->g[t->g], t, r->pc0 + (uintptr_t)i);
	else
		gosan_access(replay_memory() + t->addr, t->size,
			     (t->write ? GOSAN_WRITE : 0u) | (t->atomic ? GOSAN_ATOMIC : 0u),
			     r->pc0 + (uintptr_t)i);
}

static void send_event(struct replay *r, const struct step *t)
{
	size_t cap = t->obj >= 0 ? r->p->cap[t->obj] : 0;
	struct gosan_event ev = {
		.op = ops[t->kind],
		.g = r->g[t->g],
		.peer = t->peer >= 0 ? r->g[t->peer] : NULL,
		.obj = t->obj >= 0 ? r->obj[t->obj] : NULL,
		.mode = t->kind == RLOCK || t->kind == RUNLOCK,
	};

	if ((t->kind == ARRIVE || t->kind == PASSED) && t->k % 2)
		ev.obj = r->odd[t->obj];
	if (t->kind == SEND || t->kind == RECV)
		ev.arg = (int64_t)(t->k % cap);
	if (t->kind == ADD || t->kind == DONE)
		ev.arg = t->kind == ADD ? 1 : -1;
	gosan_engine_event(&ev);
}

/* In a third of the programs whatever can go the short way does. */
static bool short_way(struct replay *r, const struct step *t)
{
	struct gosan_obj *obj = t->obj >= 0 ? r->obj[t->obj] : NULL;
	struct gosan_g *g = r->g[t->g];

	if (r->p->seed % 3 || !obj)
		return false;
	switch (t->kind) {
	case LOCK:
	case RLOCK:
		return gosan_lockpath_acquire(g, obj, t->kind == RLOCK, 0);
	case UNLOCK:
	case RUNLOCK:
		return gosan_lockpath_release(g, obj, t->kind == RUNLOCK, 0);
	case POST:
		return gosan_lockpath_post(g, obj, 0);
	case TAKEN:
		return gosan_lockpath_wait(g, obj, 0);
	default:
		return false;
	}
}

/* As the hooks do it. */
static void do_cell(const struct replay *r, const struct step *t)
{
	struct gosan_g *g = r->g[t->g];
	uintptr_t addr = (uintptr_t)&cells[t->obj];
	int mo = t->acq && t->rel ? GOSAN_MO_ACQ_REL
		 : t->acq         ? GOSAN_MO_ACQUIRE
		 : t->rel         ? GOSAN_MO_RELEASE
				  : GOSAN_MO_RELAXED;
	struct gosan_atomic_stripe *s;

	g->access_epoch = g->epoch; /* the access that every hook makes: not before it does a chain end */
	if (t->kind == C_LOAD && r->p->seed % 2 && gosan_atomic_settled(g, addr, mo))
		return;
	s = gosan_atomic_lock(addr);
	if (t->kind != C_STORE)
		gosan_atomic_loaded(s, g, addr, mo, 0);
	if (t->kind != C_LOAD)
		gosan_atomic_stored(s, g, addr, mo, t->kind == C_RMW);
	gosan_atomic_unlock(s);
}

static void do_fence(const struct replay *r, const struct step *t)
{
	r->g[t->g]->access_epoch = r->g[t->g]->epoch;
	if (t->acq || t->rel)
		gosan_atomic_fence(r->g[t->g], t->acq && t->rel ? GOSAN_MO_ACQ_REL
					       : t->acq         ? GOSAN_MO_ACQUIRE
								: GOSAN_MO_RELEASE);
}

void replay_step(struct replay *r, int i)
{
	const struct step *t = &r->p->step[i];

	gosan_self = r->g[t->g];
	if (t->kind == SPAWN)
		r->g[t->peer] = new_g(r->p, t->peer);
	r->at[i] = gosan_stamp_of(r->g[t->g]);
	if (t->kind == PAIR_SEND)
		r->at[i + 1] = gosan_stamp_of(r->g[t->peer]);
	if (t->kind == ACCESS)
		do_access(r, i);
	else if (t->kind == FIRE)
		gosan_engine_system_begin(r->g[t->g], r->obj[t->obj]);
	else if (t->kind >= C_LOAD && t->kind <= C_RMW)
		do_cell(r, t);
	else if (t->kind == FENCE)
		do_fence(r, t);
	else if (!short_way(r, t))
		send_event(r, t);
}
