/* SPDX-License-Identifier: Apache-2.0
 *
 * engine.c: the one pass over events: lock, look, apply, look again, count. And what every analyzer asks
 * for: who there is, what they hold, what they wait for, which objects there are.
 *
 * Lock order: engine lock, then depot's, then mem's; the last two are leaves. Access locks (shadow memory)
 * are taken before the engine lock or not together with it.
 * Nothing under the engine lock calls the program, allocates from it, or blocks but on these locks.
 *
 * Invariants
 *  - `gosan_engine_busy` is set before a thread tries the lock and cleared after it released it, so that a signal
 *    handler on that thread sees it whatever instruction it interrupts; its events are dropped and counted.
 *  - What a goroutine holds is in held.c's list.
 *  - obj->owner is the writer that holds it, as far as the held list had room.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../runtime/probe.h"
#include "chain.h"
#include "context.h"
#include "depot.h"
#include "floor.h"
#include "hb.h"
#include "held.h"
#include "lockpath.h"
#include "mem.h"
#include "object.h"
#include "reap.h"
#include "registry.h"
#include "shadow.h"
#include "engine.h"
#include "recorder.h"

static struct gosan_counters early_counters;
struct gosan_counters *gosan_counters = &early_counters;
__thread struct gosan_g *gosan_self __attribute__((tls_model("initial-exec")));

__thread bool gosan_engine_busy __attribute__((tls_model("initial-exec")));
uint64_t gosan_engine_tick, gosan_engine_replayed_ns;
static int lock_word; /* 0 free, 1 held, 2 held and somebody sleeps */
static uint32_t n_threads;
bool (*gosan_engine_can_act)(void);
static bool over; /* end() ran: analyzers see nothing more, clocks go on */

/* Where a context can't be made: stamps {0, 0}, covered by everybody. */
static struct gosan_life no_life;
static struct gosan_g nobody = {
	.cells = GOSAN_G_CELLS(GOSAN_CELL_NONE),
	.writes = GOSAN_G_WRITES,
	.shadow_base = (uintptr_t)&gosan_shadow_empty,
	.is_thread = true,
	.is_system = true,
	.name = "unknown",
	.life = &no_life,
	.edges = no_life.edges,
	.sources = no_life.sources,
	.left = no_life.left,
	.wait = {.on = no_life.on},
};

#define ANALYZERS_MAX 15

/* What an event needs beside g; one that lacks it (memory was exhausted, or a hook was interrupted inside
 * the engine) is lost. */
enum need { PEER = 1, OBJ = 2 };
static const unsigned char needs[GOSAN_EV_COUNT] = {
	[GOSAN_EV_G_SPAWN] = PEER,         [GOSAN_EV_G_JOIN] = PEER,        [GOSAN_EV_G_READY] = PEER,
	[GOSAN_EV_CHAN_MAKE] = OBJ,        [GOSAN_EV_CHAN_SEND] = OBJ,      [GOSAN_EV_CHAN_RECV] = OBJ,
	[GOSAN_EV_CHAN_PAIR] = OBJ | PEER, [GOSAN_EV_CHAN_CLOSE] = OBJ,     [GOSAN_EV_CHAN_RECV_CLOSED] = OBJ,
	[GOSAN_EV_CHAN_FREE] = OBJ,        [GOSAN_EV_LOCK_REQUEST] = OBJ,   [GOSAN_EV_LOCK_ACQUIRE] = OBJ,
	[GOSAN_EV_LOCK_RELEASE] = OBJ,     [GOSAN_EV_WG_ADD] = OBJ,         [GOSAN_EV_WG_WAIT] = OBJ,
	[GOSAN_EV_WG_WAITED] = OBJ,        [GOSAN_EV_ONCE_DONE] = OBJ,      [GOSAN_EV_ONCE_RETURN] = OBJ,
	[GOSAN_EV_COND_WAIT] = OBJ,        [GOSAN_EV_COND_WAITED] = OBJ,    [GOSAN_EV_COND_WAKE] = OBJ,
	[GOSAN_EV_THREAD_DETACH] = PEER,   [GOSAN_EV_OBJ_INIT] = OBJ,       [GOSAN_EV_OBJ_DESTROY] = OBJ,
	[GOSAN_EV_SEM_POST] = OBJ,         [GOSAN_EV_SEM_WAIT] = OBJ,       [GOSAN_EV_SEM_WAITED] = OBJ,
	[GOSAN_EV_BARRIER_WAIT] = OBJ,     [GOSAN_EV_BARRIER_PASSED] = OBJ, [GOSAN_EV_HB_RELEASE] = OBJ,
	[GOSAN_EV_HB_RELEASE_STORE] = OBJ, [GOSAN_EV_HB_ACQUIRE] = OBJ,
};

/* The lock. Held for about a microsecond: spin a little, then sleep, for with more threads than processors
 * the holder may need this one to go on. errno belongs to the program. */
static bool try_lock(void)
{
	int free_word = 0;

	return __atomic_compare_exchange_n(&lock_word, &free_word, 1, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

/* Drepper's third mutex: whoever slept takes the lock as 2, for there may be others. */
static __attribute__((noinline)) void lock_slow(void)
{
	int saved = errno;

	for (int i = 0; i < 1000; i++)
		if (__atomic_load_n(&lock_word, __ATOMIC_RELAXED) == 0 && try_lock())
			return;
	while (__atomic_exchange_n(&lock_word, 2, __ATOMIC_ACQUIRE) != 0)
		syscall(SYS_futex, &lock_word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
	errno = saved;
}

/* Every park asks. The interposed function would look up who asks, and whether what it fills in is checked. */
int (*gosan_engine_clock)(clockid_t, struct timespec *) = clock_gettime;

/* The clock of wait.since_ns. The coarse one is a few milliseconds late, and five times as fast. */
static uint64_t now_ns(void)
{
	struct timespec t;

	if (gosan_engine_replayed_ns)
		return gosan_engine_replayed_ns;
	gosan_engine_clock(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void gosan_engine_lock(void)
{
	gosan_engine_busy = true;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (!try_lock())
		lock_slow();
}

/* For whoever must report although a thread may have died or been stopped with the lock held. */
bool gosan_engine_lock_within(unsigned ms)
{
	uint64_t until = now_ns() + (uint64_t)ms * 1000000u;

	if (gosan_engine_busy)
		return false;
	gosan_engine_busy = true;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	while (!try_lock()) {
		if (now_ns() >= until) {
			gosan_engine_busy = false;
			return false;
		}
		sched_yield();
	}
	return true;
}

/* The word is freed before the flag: a handler in between loses an event, but never waits for itself. */
void gosan_engine_unlock(void)
{
	if (__atomic_exchange_n(&lock_word, 0, __ATOMIC_RELEASE) == 2) {
		int saved = errno;

		syscall(SYS_futex, &lock_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
		errno = saved;
	}
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	gosan_engine_busy = false;
}

bool gosan_engine_inside(void)
{
	return gosan_engine_busy;
}

/* For functions that take the lock themselves: false (and one event lost) when this thread is inside. */
static bool enter(void)
{
	if (gosan_engine_busy) {
		GOSAN_COUNT(lost);
		return false;
	}
	gosan_engine_lock();
	return true;
}

/* In lock order, and back. The child inherits the flag, which the unlock clears there too. */
void gosan_engine_fork(bool before)
{
	if (before)
		gosan_engine_lock();
	if (before) {
		gosan_depot_fork(true);
		gosan_clock_fork(true);
		gosan_mem_fork(true);
		return;
	}
	gosan_mem_fork(false);
	gosan_clock_fork(false);
	gosan_depot_fork(false);
	gosan_engine_unlock();
}

int gosan_engine_init(void)
{
	gosan_unwind_init();
	return gosan_engine_self() == &nobody ? -ENOMEM : 0;
}

/* Goroutines. */

/* Under the lock. NULL when there is no memory for it. */
static struct gosan_g *make_g(uint64_t id, bool is_thread)
{
	struct gosan_g *g;

	gosan_reap(false);
	g = gosan_actor_new();
	if (!g && gosan_reap(true))
		g = gosan_actor_new();
	if (!g)
		return NULL;
	g->id = id;
	g->is_thread = is_thread;
	gosan_shadow_birth(g);
	gosan_chain_begin(g);
	g->tid = is_thread ? ++n_threads : 0;
	gosan_actor_born(g);
	GOSAN_RECORD(gosan_recorder_new_g(g));
	return g;
}

struct gosan_g *gosan_engine_new_g(uint64_t id, bool is_thread)
{
	if (!enter())
		return &nobody;
	struct gosan_g *g = make_g(id, is_thread);

	gosan_engine_unlock();
	if (!g)
		GOSAN_COUNT(lost);
	else if (is_thread)
		GOSAN_COUNT(threads);
	else
		GOSAN_COUNT(goroutines);
	return g ? g : &nobody;
}

/* A thread that nobody announced (created by a library that was loaded before us, or by clone) has no edge
 * in from its creator: nobody saw it. */
struct gosan_g *gosan_engine_self(void)
{
	if (!gosan_self) {
		struct gosan_g *g = gosan_engine_new_g(0, true);

		if (g == &nobody && gosan_engine_busy)
			return g; /* try again outside */
		gosan_self = g;
	}
	return gosan_self;
}

struct gosan_g *gosan_engine_whose(struct gosan_stamp s)
{
	return gosan_chain_whose(s);
}

void gosan_engine_system_begin(struct gosan_g *sys, struct gosan_obj *timer)
{
	if (sys == &nobody || !enter())
		return;
	gosan_floor_stop();
	GOSAN_RECORD(gosan_recorder_system_begin(sys, timer));
	gosan_hb_system_begin(sys, timer);
	gosan_engine_unlock();
}

/* Objects. */

/* created_stack is that of its first event; object.c has no business with stacks. */
static struct gosan_obj *born(uintptr_t addr, enum gosan_obj_kind kind)
{
	struct gosan_obj *obj = gosan_object_new(addr, kind);

	if (kind == GOSAN_OBJ_TIMER)
		gosan_floor_stop();
	if (!obj)
		GOSAN_COUNT(lost);
	else
		obj->created_by = gosan_self ? gosan_self->id : 0;
	if (obj)
		GOSAN_RECORD(gosan_recorder_new_object(obj));
	return obj;
}

/* The kinds that have an id word come first in the enumeration. Others may share the address: an atomic in a
 * structure that begins with it. */
static void die_if_worded(struct gosan_obj *obj, void *unused)
{
	(void)unused;
	if (obj->kind <= GOSAN_OBJ_COND)
		gosan_object_die(obj);
}

/* Under the lock. A word of 0 where an object lives: the program zeroed it, so it is another one. */
static struct gosan_obj *renew(uint32_t *id_word, enum gosan_obj_kind kind,
			       struct gosan_obj **ret_copied_from)
{
	uintptr_t addr = (uintptr_t)id_word;
	struct gosan_obj *named = *id_word ? gosan_object_by_id(*id_word) : NULL, *obj;

	if (gosan_object_fits(named, addr, kind))
		return named; /* another thread was faster */
	if (named && !named->dead && named->addr != addr && named->kind == kind && ret_copied_from)
		*ret_copied_from = named;
	gosan_object_each(addr, addr + 1, die_if_worded, NULL);
	obj = born(addr, kind);
	if (obj)
		__atomic_store_n(id_word, obj->id, __ATOMIC_RELAXED);
	return obj;
}

struct gosan_obj *gosan_engine_object(uint32_t *id_word, enum gosan_obj_kind kind,
				      struct gosan_obj **ret_copied_from)
{
	struct gosan_obj *obj = gosan_object_known(id_word, kind);

	if (ret_copied_from)
		*ret_copied_from = NULL;
	if (obj)
		return obj;
	if (!enter())
		return NULL;
	obj = renew(id_word, kind, ret_copied_from);
	gosan_engine_unlock();
	return obj;
}

struct gosan_obj *gosan_engine_object_at(uintptr_t addr, enum gosan_obj_kind kind)
{
	struct gosan_obj *obj = gosan_object_peek(addr, kind);

	if (obj)
		return obj;
	if (!enter())
		return NULL;
	obj = gosan_object_find(addr, kind);

	if (!obj)
		obj = born(addr, kind);
	gosan_engine_unlock();
	return obj;
}

struct gosan_obj *gosan_engine_renew_at(uintptr_t addr, enum gosan_obj_kind kind)
{
	if (!enter())
		return NULL;
	struct gosan_obj *obj = gosan_object_find(addr, kind);

	if (obj)
		gosan_object_die(obj);
	obj = born(addr, kind);
	gosan_engine_unlock();
	return obj;
}

struct gosan_obj *gosan_engine_find(uintptr_t addr, enum gosan_obj_kind kind)
{
	return gosan_object_find(addr, kind);
}

void gosan_engine_each_object(uintptr_t lo, uintptr_t hi, void (*fn)(struct gosan_obj *, void *), void *arg)
{
	gosan_object_each(lo, hi, fn, arg);
}

static void die(struct gosan_obj *obj, void *unused)
{
	(void)unused;
	gosan_object_die(obj);
}

void gosan_engine_forget(uintptr_t lo, uintptr_t hi)
{
	gosan_object_each(lo, hi, die, NULL);
}

/* Events. */

/* After the analyzers. Nobody acquires the end of a goroutine; that of a thread waits for its join. */
static __attribute__((noinline)) void end_g(struct gosan_g *g)
{
	if (gosan_actor_bury(g))
		gosan_reap_ended();
	gosan_engine_flush(g);
	gosan_lockpath_end(g);
	if (g == gosan_self)
		gosan_context_end(g);
	if (g->is_thread)
		return;
	gosan_chain_end(g);
	gosan_clock_clear(&g->strong);
	gosan_clock_clear(&g->weak);
	gosan_actor_take_life(g);
	if (g->n_held == 0) {
		gosan_mem_free(g->held, g->held_room * sizeof *g->held);
		g->held = NULL;
		g->held_room = 0;
	}
}

/* From here on others may look at g->wait, for its goroutine no longer runs. */
static __attribute__((noinline)) void park(const struct gosan_event *ev)
{
	struct gosan_wait *w = &ev->g->wait;

	w->why = (int)ev->arg;
	w->stack = ev->stack;
	w->at = ev->at;
	w->timed = ev->mode & GOSAN_LOCK_TIMED ? true : false;
	w->joins = ev->peer;
	w->relock = ev->obj2;
	w->since_ns = now_ns();
	if (w->why == GOSAN_WAIT_JOIN)
		gosan_floor_waits(ev->g);
}

/* After the clocks: hb.c asks for the owner that an unlock had. */
static void keep_books(const struct gosan_event *ev)
{
	switch (ev->op) {
	case GOSAN_EV_LOCK_ACQUIRE:
		gosan_held_add(ev);
		break;
	case GOSAN_EV_LOCK_RELEASE:
		gosan_held_remove(ev);
		break;
	case GOSAN_EV_G_PARK:
		park(ev);
		break;
	case GOSAN_EV_G_READY:
		ev->peer->wait.why = 0;
		break;
	case GOSAN_EV_G_START:
		ev->g->wait.why = 0;
		break;
	case GOSAN_EV_G_END:
		ev->g->ended = true;
		ev->g->wait.why = 0;
		break;
	case GOSAN_EV_G_JOIN:
		ev->peer->joined = true;
		ev->g->floor_relied = false;
		gosan_chain_end(ev->peer);
		break;
	case GOSAN_EV_THREAD_DETACH:
		ev->peer->detached = true;
		break;
	case GOSAN_EV_OBJ_INIT:
		ev->obj->count = (uint32_t)ev->arg;
		ev->obj->counted = true;
		break;
	default: /* the others change clocks only */
		break;
	}
}

/* Events of nobody are lost as well: its clocks must stay empty. */
static bool complete(const struct gosan_event *ev)
{
	return ev->g && ev->g != &nobody && (!(needs[ev->op] & PEER) || (ev->peer && ev->peer != &nobody)) &&
	       (!(needs[ev->op] & OBJ) || ev->obj);
}

/* The stamp is taken before the clocks move: an event belongs to the epoch that it ends. busy_epoch leaves
 * out G_END and G_READY, which order nothing and are asked for by nobody, so that a chain is free for others as soon as
 * what came before is known: the last Done of a round readies whoever waits. */
static void note(struct gosan_event *ev)
{
	ev->at = gosan_stamp_of(ev->g);
	if (ev->stack)
		ev->g->last_stack = ev->stack;
	if (ev->g->n_held)
		gosan_held_prune(ev->g);
	if (ev->op != GOSAN_EV_G_END && ev->op != GOSAN_EV_G_READY)
		ev->g->busy_epoch = ev->g->epoch;
	if (ev->op == GOSAN_EV_CHAN_PAIR)
		ev->peer->busy_epoch = ev->peer->epoch;
	if (ev->obj && !ev->obj->created_stack)
		ev->obj->created_stack = ev->stack;
}

/* Who looks at which event: most events concern few analyzers. Made at the first event. */
typedef void (*callback)(const struct gosan_event *);
static struct calls {
	callback before[ANALYZERS_MAX + 1], after[ANALYZERS_MAX + 1];
} calls[GOSAN_EV_COUNT];
static bool have_calls;

static __attribute__((noinline)) void make_calls(void)
{
	for (size_t op = 0; op < GOSAN_EV_COUNT; op++) {
		struct calls *c = &calls[op];
		size_t n_before = 0, n_after = 0;

		for (size_t i = 0; gosan_registry[i] && i < ANALYZERS_MAX; i++) {
			const struct gosan_analyzer *a = gosan_registry[i];
			bool wants = !a->wants || a->wants((enum gosan_op)op);
			bool wants_after = a->wants_after ? a->wants_after((enum gosan_op)op) : wants;

			if (wants && a->before)
				c->before[n_before++] = a->before;
			if (wants_after && a->after)
				c->after[n_after++] = a->after;
		}
	}
	have_calls = true;
}

/* Clocks and books. Of kinds that have a short way the object's bit keeps those off who come that way: the event's
 * number on its object is given there, and recorded before anybody can have the next. */
static void apply(struct gosan_event *ev, bool shared)
{
	if (shared)
		gosan_hb_bit_lock(&ev->obj->bit);
	if (ev->obj)
		ev->seq = ++ev->obj->seq;
	GOSAN_RECORD(gosan_recorder_event(ev));
	if (gosan_hb_orders(ev->op))
		gosan_hb_apply(ev);
	keep_books(ev);
	if (shared)
		gosan_hb_bit_unlock(&ev->obj->bit);
}

/* Only this is written without the lock: the goroutine itself counts there. */
void gosan_engine_flush(struct gosan_g *g)
{
	uint64_t n = __atomic_exchange_n(&g->n_events, 0, __ATOMIC_RELAXED);

	gosan_counters->events += n;
}

/* Between before() and after() an analyzer sees the state change: owner, held and wait are those before the
 * event in before(), and those after it in after(). Clocks likewise. */
void gosan_engine_event(struct gosan_event *ev)
{
	static const struct calls none;
	bool shared = ev->obj && gosan_lockpath_has(ev->obj->kind);

	if (!complete(ev)) {
		GOSAN_COUNT(lost);
		return;
	}
	if (!enter())
		return;
	if (!have_calls)
		make_calls();
	gosan_engine_tick++;
	note(ev);
	const struct calls *c = over ? &none : &calls[ev->op];
	for (const callback *call = c->before; *call; call++)
		(*call)(ev);
	apply(ev, shared);
	for (const callback *call = c->after; *call; call++)
		(*call)(ev);
	if (shared)
		gosan_lockpath_learn(ev);
	if (ev->op == GOSAN_EV_G_END) {
		end_g(ev->g);
		GOSAN_RECORD(gosan_recorder_thread_end(ev->g));
	}
	if (ev->op == GOSAN_EV_OBJ_DESTROY && ev->arg == 0)
		gosan_object_die(ev->obj);
	gosan_counters->events++;
	gosan_engine_unlock();
}

void gosan_engine_end(enum gosan_end why)
{
	if (!enter())
		return;
	if (!over) {
		GOSAN_RECORD(gosan_recorder_finish(why));
		for (size_t i = 0; gosan_registry[i]; i++)
			if (gosan_registry[i]->end)
				gosan_registry[i]->end(why);
	}
	over = true;
	gosan_engine_unlock();
}
