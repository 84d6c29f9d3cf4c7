/* SPDX-License-Identifier: Apache-2.0
 *
 * lockpath.c: the short way.
 *
 * What an event on a lock changes is: the clocks of the object, its owner or readers, and its number of events, all
 * under the object's bit; and the clocks, the held list and the stamps of the goroutine itself, which runs here.
 * What it tells the analyzers is: who works with the object, a set that a goroutine enters once; and, for an
 * acquisition with other locks held (or of a rwmutex for writing), a lock dependency. Each goroutine remembers
 * both, and what it remembers needs no telling again:
 *
 *      objects       ids of the objects that it used the long way; what collides is forgotten
 *      acquisitions  hashes of (lock, mode, stack, locks held with their stacks, weak_moves)
 *
 * weak_moves makes the second exact: as long as the weak clock of a goroutine neither learned nor told anything,
 * a later request of it is ordered, in the weak order, with the same requests of others as the one that was told
 * (lockorder.c compares weak clocks only).
 *
 * Lock order: engine, object's bit, goroutine's bit, the leaves. The engine lock is never taken here.
 */
#include "lockpath.h"

#include "../runtime/probe.h"
#include "hb.h"
#include "mem.h"
#include "object.h"
#include "recorder.h"
#include "token.h"

#define OBJECTS_FIRST 4u
#define OBJECTS_LAST  4096u
#define NESTED        32u

/* At gosan_g.paths; changed under the engine lock by its goroutine's own events. */
struct paths {
	uint32_t *object; /* [mask + 1], by id */
	uint32_t mask;
	uint64_t *nested; /* [NESTED]; NULL: none yet */
};

bool gosan_lockpath_off;

static inline bool known(const struct gosan_g *g, const struct gosan_obj *obj)
{
	const struct paths *p = g->paths;

	return p && p->object[obj->id & p->mask] == obj->id;
}

/* Collisions of ids that come one after the other are rare, so a table that is too small shows by losing some. */
static void grow(struct paths *p)
{
	uint32_t room = (p->mask + 1) * 4, *fresh = gosan_mem_alloc(room * sizeof *fresh);

	if (!fresh)
		return;
	for (uint32_t i = 0; i <= p->mask; i++)
		if (p->object[i])
			fresh[p->object[i] & (room - 1)] = p->object[i];
	gosan_mem_free(p->object, (p->mask + 1) * sizeof *fresh);
	p->object = fresh;
	p->mask = room - 1;
}

static struct paths *paths_of(struct gosan_g *g)
{
	struct paths *p = g->paths;

	if (p)
		return p;
	p = gosan_mem_alloc(sizeof *p);
	if (!p)
		return NULL;
	p->object = gosan_mem_alloc(OBJECTS_FIRST * sizeof *p->object);
	if (!p->object) {
		gosan_mem_free(p, sizeof *p);
		return NULL;
	}
	p->mask = OBJECTS_FIRST - 1;
	g->paths = p;
	return p;
}

/* A multiplicative hash, as good as its constant (Steele, Vigna 2021): 64 bits don't collide in a run. */
static inline uint64_t mix(uint64_t h, uint64_t x)
{
	h = (h ^ x) * UINT64_C(0xd1342543de82ef95);
	return h ^ h >> 32;
}

static uint64_t key_of(const struct gosan_g *g, const struct gosan_obj *obj, int mode, uint32_t stack)
{
	uint64_t h =
		mix((uint64_t)obj->id << 32 | stack, (uint64_t)g->weak_moves << 1 | (mode & GO_LOCK_READ));

	for (size_t i = 0; i < g->n_held; i++) {
		const struct gosan_held *l = &g->held[i];

		h = mix(h, (uint64_t)l->obj->id << 32 | l->stack);
		h = mix(h, (uint64_t)l->mode);
	}
	return h;
}

/* Is it one that lockorder.c makes a dependency of? */
static inline bool depends(const struct gosan_g *g, const struct gosan_obj *obj, int mode)
{
	return !(mode & GO_LOCK_TRY) &&
	       (g->n_held || (obj->kind == GOSAN_OBJ_RWMUTEX && !(mode & GO_LOCK_READ)));
}

static inline bool told(const struct gosan_g *g, const struct gosan_obj *obj, int mode, uint32_t stack)
{
	const struct paths *p = g->paths;
	uint64_t key;

	if (!p->nested)
		return false;
	key = key_of(g, obj, mode, stack);
	return p->nested[key % NESTED] == key;
}

/* Only what the event's own goroutine did while it ran. The request tells the dependency, with the locks held
 * before the acquisition. */
void gosan_lockpath_learn(const struct gosan_event *ev)
{
	bool request = ev->op == GOSAN_EV_LOCK_REQUEST;
	bool use = ev->op == GOSAN_EV_LOCK_ACQUIRE || ev->op == GOSAN_EV_SEM_POST ||
		   ev->op == GOSAN_EV_SEM_WAITED;
	struct paths *p;
	uint64_t key;

	if ((!request && !use) || ev->g->is_system || !(p = paths_of(ev->g)))
		return;
	if (use) {
		uint32_t id = ev->obj->id, *at = &p->object[id & p->mask];

		if (*at && *at != id && p->mask + 1 < OBJECTS_LAST) {
			grow(p);
			at = &p->object[id & p->mask];
		}
		*at = id;
		return;
	}
	if (!depends(ev->g, ev->obj, ev->mode))
		return;
	if (!p->nested)
		p->nested = gosan_mem_alloc(NESTED * sizeof *p->nested);
	if (!p->nested)
		return;
	key = key_of(ev->g, ev->obj, ev->mode, ev->stack);
	p->nested[key % NESTED] = key;
}

void gosan_lockpath_end(struct gosan_g *g)
{
	struct paths *p = g->paths;

	if (!p)
		return;
	g->paths = NULL;
	gosan_mem_free(p->object, (p->mask + 1) * sizeof *p->object);
	gosan_mem_free(p->nested, NESTED * sizeof *p->nested);
	gosan_mem_free(p, sizeof *p);
}

/* Without the object's bit: what may be asked of the goroutine alone. */
static inline bool may(const struct gosan_g *g, const struct gosan_obj *obj)
{
	return !gosan_engine_busy && !__atomic_load_n(&gosan_lockpath_off, __ATOMIC_RELAXED) &&
	       known(g, obj) && gosan_hb_may_advance(g);
}

/* The flag before the bit: a handler that comes in between loses its event and waits for nothing. False: the object
 * died, and only the engine knows what lives there now. */
static inline bool begin(struct gosan_g *g, struct gosan_obj *obj, uint32_t stack)
{
	gosan_engine_busy = true;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	gosan_hb_bit_lock(&obj->bit);
	if (__builtin_expect(obj->dead, 0)) {
		gosan_hb_bit_unlock(&obj->bit);
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		gosan_engine_busy = false;
		return false;
	}
	g->busy_epoch = g->epoch;
	g->last_stack = stack;
	obj->seq++;
	return true;
}

static inline void end(struct gosan_g *g, struct gosan_obj *obj, unsigned events)
{
	gosan_hb_bit_unlock(&obj->bit);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	gosan_engine_busy = false;
	g->n_events += events;
}

static void learn_lock(struct gosan_g *g, struct gosan_obj *obj, int mode, uint32_t stack)
{
	gosan_hb_bit_lock(&g->clock_bit);
	gosan_hb_lock(g, obj, mode, stack);
	gosan_hb_bit_unlock(&g->clock_bit);
}

/* Has it an entry for the lock, valid or not? */
static inline bool listed(const struct gosan_g *g, const struct gosan_obj *obj)
{
	for (size_t i = 0; i < g->n_held; i++)
		if (g->held[i].obj == obj)
			return true;
	return false;
}

static inline bool ask(const struct gosan_g *g, const struct gosan_obj *obj, int mode, uint32_t stack)
{
	return !(mode & ~(GO_LOCK_READ | GO_LOCK_TRY)) && !listed(g, obj) &&
	       (!depends(g, obj, mode) || told(g, obj, mode, stack));
}

/* A request that tells nothing new changes nothing: not even the object is touched. */
bool gosan_lockpath_request(struct gosan_g *g, struct gosan_obj *obj, int mode, uint32_t stack)
{
	if (!may(g, obj) || !ask(g, obj, mode, stack))
		return false;
	g->last_stack = stack;
	g->n_events++;
	GOSAN_RECORD(gosan_recorder_lock(GOSAN_TRACE_REQUEST, obj, mode, stack));
	return true;
}

/* A lock that it has an entry for already is the engine's business. An owner that the lock still has means that its
 * unlock was not seen: likewise. */
static inline bool take(struct gosan_g *g, struct gosan_obj *obj, int mode, uint32_t stack, unsigned events)
{
	if (g->n_held >= g->held_room || __atomic_load_n(&obj->owner, __ATOMIC_RELAXED) ||
	    !begin(g, obj, stack))
		return false;
	struct gosan_stamp at = gosan_stamp_of(g);

	if (!gosan_hb_no_news(g, obj, true))
		learn_lock(g, obj, mode, stack);
	if (mode & GO_LOCK_READ)
		obj->readers++;
	else
		__atomic_store_n(&obj->owner, g, __ATOMIC_RELAXED);
	gosan_lockpath_push(g, &(struct gosan_held){obj, mode, stack, at});
	GOSAN_RECORD(
		gosan_recorder_lock(events == 2 ? GOSAN_TRACE_ACQUIRE : GOSAN_TRACE_TAKE, obj, mode, stack));
	end(g, obj, events);
	return true;
}

bool gosan_lockpath_take(struct gosan_g *g, struct gosan_obj *obj, int mode, uint32_t stack)
{
	return may(g, obj) && !(mode & ~(GO_LOCK_READ | GO_LOCK_TRY)) && !listed(g, obj) &&
	       take(g, obj, mode, stack, 1);
}

bool gosan_lockpath_acquire(struct gosan_g *g, struct gosan_obj *obj, int mode, uint32_t stack)
{
	return may(g, obj) && ask(g, obj, mode, stack) && take(g, obj, mode, stack, 2);
}

/* Its newest acquisition of obj in this mode, from the end: locks are mostly given back in reverse. */
static inline size_t find(const struct gosan_g *g, const struct gosan_obj *obj, int mode)
{
	size_t i = g->n_held;

	while (i > 0 && (g->held[i - 1].obj != obj || ((g->held[i - 1].mode ^ mode) & GO_LOCK_READ)))
		i--;
	return i;
}

bool gosan_lockpath_release(struct gosan_g *g, struct gosan_obj *obj, int mode, uint32_t stack)
{
	size_t i = may(g, obj) ? find(g, obj, mode) : 0;
	bool read = mode & GO_LOCK_READ;

	if (!i || (!read && obj->owner != g) || !begin(g, obj, stack))
		return false;
	gosan_hb_unlock(g, obj, mode);
	obj->release_stack = stack;
	if (!read)
		__atomic_store_n(&obj->owner, NULL, __ATOMIC_RELAXED);
	else if (obj->readers)
		obj->readers--;
	gosan_lockpath_drop(g, i - 1);
	gosan_lockpath_left(g, obj, __atomic_load_n(&gosan_engine_tick, __ATOMIC_RELAXED));
	GOSAN_RECORD(gosan_recorder_lock(GOSAN_TRACE_RELEASE, obj, mode, stack));
	end(g, obj, 1);
	return true;
}

bool gosan_lockpath_post(struct gosan_g *g, struct gosan_obj *obj, uint32_t stack)
{
	if (!may(g, obj) || !begin(g, obj, stack))
		return false;
	gosan_token_post(g, obj);
	GOSAN_RECORD(gosan_recorder_lock(GOSAN_TRACE_POST, obj, 0, stack));
	end(g, obj, 1);
	return true;
}

bool gosan_lockpath_wait(struct gosan_g *g, struct gosan_obj *obj, uint32_t stack)
{
	if (!may(g, obj) || !begin(g, obj, stack))
		return false;
	if (!gosan_hb_no_news(g, obj, false)) {
		gosan_hb_bit_lock(&g->clock_bit);
		gosan_hb_acquire(g, obj, GOSAN_EV_SEM_WAITED, stack);
		gosan_hb_bit_unlock(&g->clock_bit);
	}
	gosan_token_take(g, obj);
	GOSAN_RECORD(gosan_recorder_lock(GOSAN_TRACE_WAIT, obj, 0, stack));
	end(g, obj, 1);
	return true;
}

/* The copy of memory may have caught another thread in the middle of an event. Its clocks are dropped without
 * counting: what the child's only thread does is after all of it (gosan_chain_alone), so nothing is lost. */
static void free_bit(struct gosan_obj *obj, void *unused)
{
	(void)unused;
	if (!obj->bit)
		return;
	obj->strong = obj->weak = obj->r_strong = obj->seen = obj->seen_weak = (struct gosan_clock){0};
	obj->at = (struct gosan_stamp){0, 0};
	obj->bit = 0;
}

void gosan_lockpath_fork_child(void)
{
	gosan_object_each(0, UINTPTR_MAX, free_bit, NULL);
	for (struct gosan_g *g = gosan_engine_all(); g; g = g->next)
		if (g->clock_bit)
			g->clock_bit = 0;
}
