/* SPDX-License-Identifier: Apache-2.0
 *
 * waits.c: who is parked on what, and who works with which object.
 *
 * The engine knows what each goroutine waits for (g->wait). Analyzers need the other directions, too:
 *
 *      parked ──► g ──► g ──► g              everybody who is parked, for standstill and leaks
 *      obj->use ──► { g, g, g }              everybody who worked with an object: its possible helpers
 *      obj->use->last[] ──► g, stack         the last one who gave (sent, unlocked, ..) and who took
 *
 * and one bit per goroutine, `explained`: a finding has said why it will never run again. The bit is what
 * turns the many symptoms of a hang into one finding (README.md).
 *
 * Cost: an event on an object is a comparison with the last user in the common case, else one look into a
 * hash set. Park and ready are list operations. Everything else is for reports.
 *
 * Invariants
 *  - A goroutine is in the list of the parked iff its wait.why is not 0 and it has not ended. Only after a fork those
 *    who stayed with the parent are still in it: they have ended in the child.
 *  - use->who holds every living goroutine that touched the object, unless `partial` is set. It is never
 *    full, so that a search for somebody who is not in it ends.
 */
#include <string.h>

#include "../../runtime/probe.h"
#include "mem.h"
#include "analyze.h"

#define ROOM_FIRST       4
#define ROOM_OF_THE_DEAD 32

static struct gosan_g *parked, *holders;
static uint32_t last_mark;

/* Doubling, so that a push is O(1) in the mean. The old block goes back to mem.h for others. */
void *gosan_vec_push(struct gosan_vec *v, size_t size)
{
	if (v->n == v->cap) {
		size_t cap = v->cap ? v->cap * 2 : 8;
		void *data = gosan_mem_alloc(cap * size);

		if (!data)
			return NULL;
		if (v->n)
			memcpy(data, v->data, v->n * size);
		if (v->data)
			gosan_mem_free(v->data, v->cap * size);
		v->data = data;
		v->cap = cap;
	}
	return gosan_mem_set((char *)v->data + v->n++ * size, 0, size);
}

/* The empty array again, ready for use. */
void gosan_vec_free(struct gosan_vec *v, size_t size)
{
	if (v->data)
		gosan_mem_free(v->data, v->cap * size);
	*v = (struct gosan_vec){0};
}

/* Made at need: most goroutines of a big program never block and never release a lock. */
struct gosan_waits *gosan_waits_of(struct gosan_g *g)
{
	if (!g->waits)
		g->waits = gosan_mem_alloc(sizeof(struct gosan_waits));
	return g->waits;
}

/* Most objects of a program with many small structs are touched once and never waited for: made at need, too. */
struct gosan_use *gosan_waits_use(struct gosan_obj *obj)
{
	if (!obj->use)
		obj->use = gosan_mem_alloc(sizeof(struct gosan_use));
	return obj->use;
}

/* Without a call for what every event does. */
static inline struct gosan_use *use_of(struct gosan_obj *obj)
{
	return obj->use ? obj->use : gosan_waits_use(obj);
}

/* The list of the parked. */

/* Every object that g waits for has one waiter more (by 1) or less (by -1). The wait set does not change between park
 * and ready: only the goroutine itself writes it, and it is parked. Whoever goes on takes one of the wakes, unless
 * its time may have been up: then the wake may be another's. */
static inline void count_waiter(const struct gosan_g *g, int by)
{
	for (size_t i = 0; i < g->wait.n && i < GOSAN_WAIT_MAX; i++) {
		struct gosan_obj *obj = g->wait.on[i].obj;
		struct gosan_use *u = obj ? use_of(obj) : NULL;

		if (!u || (by < 0 && !u->waiting))
			continue;
		u->waiting += (size_t)by;
		if (by < 0 && u->woken && (!g->wait.timed || u->woken > u->waiting))
			u->woken--;
	}
}

static void link_holder(struct gosan_g *g, struct gosan_waits *w)
{
	w->holder = true;
	w->prev_holder = NULL;
	w->next_holder = holders;
	if (holders)
		gosan_waits_of(holders)->prev_holder = g;
	holders = g;
}

static void unlink_holder(struct gosan_waits *w)
{
	w->holder = false;
	if (w->prev_holder)
		gosan_waits_of(w->prev_holder)->next_holder = w->next_holder;
	else
		holders = w->next_holder;
	if (w->next_holder)
		gosan_waits_of(w->next_holder)->prev_holder = w->prev_holder;
}

/* Doubly linked, so that a ready in the middle of ten thousand parked goroutines is O(1). */
static void park(struct gosan_g *g, bool timed)
{
	struct gosan_waits *w = g->waits ? g->waits : gosan_waits_of(g);

	if (w && timed)
		w->unwoken = NULL; /* it may go on without a wake */
	if (!w || w->parked)
		return;
	count_waiter(g, 1);
	w->parked = true;
	w->prev = NULL;
	w->next = parked;
	if (parked)
		gosan_waits_of(parked)->prev = g;
	parked = g;
	if (g->n_held)
		link_holder(g, w);
}

/* Whoever goes on is not stuck, whatever was said of it: Go lets anybody unlock a mutex, so even a goroutine
 * that waited for a lock of its own can be freed. A cycle of several was one emission. */
void gosan_waits_went_on(struct gosan_g *g)
{
	struct gosan_waits *w = g->waits;
	uint64_t emission = w ? w->blamed : 0;

	if (!emission)
		return;
	for (struct gosan_g *p = parked; p; p = gosan_waits_next(p))
		if (gosan_waits_of(p)->blamed == emission)
			gosan_waits_of(p)->blamed = 0;
	w->blamed = 0;
	w->explained = false;
	gosan_finding_take_back(emission);
}

static void unpark(struct gosan_g *g)
{
	struct gosan_waits *w = g->waits;

	if (!w || !w->parked)
		return;
	if (w->blamed)
		gosan_waits_went_on(g);
	if (w->prev)
		gosan_waits_of(w->prev)->next = w->next;
	else
		parked = w->next;
	if (w->next)
		gosan_waits_of(w->next)->prev = w->prev;
	count_waiter(g, -1);
	if (w->holder)
		unlink_holder(w);
	w->parked = false;
	w->explained = false;
	w->lost_wake = false;
}

struct gosan_g *gosan_waits_first(void)
{
	return parked;
}

struct gosan_g *gosan_waits_next(const struct gosan_g *g)
{
	return ((const struct gosan_waits *)g->waits)->next;
}

bool gosan_waits_any(const struct gosan_obj *obj)
{
	const struct gosan_use *u = obj->use;

	return u && u->waiting;
}

/* A select waits for several; a wait set that was cut off (truncated) may hide one, so callers that conclude
 * from "no" look at that, too. */
bool gosan_waits_on(const struct gosan_g *g, const struct gosan_obj *obj)
{
	for (size_t i = 0; g->wait.why && i < g->wait.n && i < GOSAN_WAIT_MAX; i++)
		if (g->wait.on[i].obj == obj)
			return true;
	return false;
}

uint64_t gosan_waits_rank(const struct gosan_g *g)
{
	return g->is_system ? 0 : g->is_thread ? (UINT64_C(1) << 48) + g->tid : g->id;
}

/* O(parked) each: for reports only, of at most GOSAN_PARTS_MAX participants. */
struct gosan_g *gosan_waits_by_rank(uint64_t from, const struct gosan_obj *obj)
{
	struct gosan_g *best = NULL;
	uint64_t lowest = UINT64_MAX;

	for (struct gosan_g *g = parked; g; g = gosan_waits_next(g)) {
		uint64_t rank = gosan_waits_rank(g);

		if (!g->ended && rank >= from && rank < lowest && (!obj || gosan_waits_on(g, obj))) {
			best = g;
			lowest = rank;
		}
	}
	return best;
}

const struct gosan_held *gosan_waits_holds(const struct gosan_g *g, const struct gosan_obj *obj)
{
	for (size_t i = g->n_held; i-- > 0;)
		if (g->held[i].obj == obj &&
		    (g->held[i].mode & GO_LOCK_READ ? !obj->crossed : obj->owner == g))
			return &g->held[i];
	return NULL;
}

/* Few of the parked hold a lock, and what somebody parked holds does not change. */
size_t gosan_waits_readers(const struct gosan_obj *l, struct gosan_g **ret, size_t n)
{
	size_t found = 0;

	for (struct gosan_g *g = holders; g && found < n; g = gosan_waits_of(g)->next_holder) {
		const struct gosan_held *h = gosan_waits_holds(g, l);

		if (h && h->mode & GO_LOCK_READ)
			ret[found++] = g;
	}
	return found;
}

size_t gosan_waits_unwoken(const struct gosan_obj *obj)
{
	const struct gosan_use *u = obj->use;

	return u && u->waiting > u->woken ? u->waiting - u->woken : 0;
}

/* Without memory the mark is lost, and a hang may be reported twice: better than not at all. */
void gosan_waits_explain(struct gosan_g *g, const char *check)
{
	struct gosan_waits *w = gosan_check_on(check) ? gosan_waits_of(g) : NULL;

	if (w)
		w->explained = true;
}

void gosan_waits_blame(struct gosan_g *g, const char *check)
{
	struct gosan_waits *w = gosan_waits_of(g);

	gosan_waits_explain(g, check);
	if (w)
		w->blamed = gosan_finding_last();
}

bool gosan_waits_explained(const struct gosan_g *g)
{
	return g->waits && ((const struct gosan_waits *)g->waits)->explained;
}

/* A walk marks with a number of its own, so that nobody has to clear marks. */
uint32_t gosan_waits_new_mark(void)
{
	return ++last_mark;
}

bool gosan_waits_mark(struct gosan_g *g, uint32_t mark)
{
	struct gosan_waits *w = gosan_waits_of(g);

	if (!w || w->mark == mark)
		return false;
	w->mark = mark;
	return true;
}

/* Who uses what. */

/* Where g is, or the free place where it would be. Ends because the set is never full. */
static const struct gosan_g **place(const struct gosan_g **who, size_t room, const struct gosan_g *g)
{
	size_t i = gosan_waits_hash(0, (uintptr_t)g) & (room - 1);

	while (who[i] && who[i] != g)
		i = (i + 1) & (room - 1);
	return &who[i];
}

/* The living decide the new size: a channel that ten thousand short-lived goroutines used one after the other keeps a
 * small set. `least` is a power of two. */
static bool rebuild(struct gosan_use *u, size_t least)
{
	const struct gosan_g **old = u->who, **fresh;
	size_t n = 0, room = least;

	for (size_t i = 0; i < u->room; i++)
		n += old[i] && !old[i]->ended;
	while (room < n * 4)
		room *= 2;
	fresh = gosan_mem_alloc(room * sizeof *fresh);
	if (!fresh)
		return u->n + 1 < u->room;
	for (size_t i = 0; i < u->room; i++)
		if (old[i] && !old[i]->ended)
			*place(fresh, room, old[i]) = old[i];
	if (old)
		gosan_mem_free(old, u->room * sizeof *old);
	u->who = fresh;
	u->n = n;
	u->room = room;
	return true;
}

/* At half full. A set that the dead filled becomes larger up to a point, or each short-lived user would rebuild it. */
static bool make_room(struct gosan_use *u)
{
	size_t least = u->room < ROOM_OF_THE_DEAD ? 2 * u->room : ROOM_OF_THE_DEAD;

	return u->n * 2 < u->room || rebuild(u, u->room ? least : ROOM_FIRST);
}

static void drop_dead(struct gosan_obj *obj, void *unused)
{
	struct gosan_use *u = obj->use;

	(void)unused;
	if (u && u->who)
		rebuild(u, ROOM_FIRST);
}

void gosan_waits_reap(void)
{
	gosan_engine_each_object(0, UINTPTR_MAX, drop_dead, NULL);
}

static __attribute__((noinline)) void add_to_set(struct gosan_use *u, const struct gosan_g *g)
{
	const struct gosan_g **p;

	if (!make_room(u)) {
		u->partial = true;
		return;
	}
	p = place(u->who, u->room, g);
	u->n += !*p;
	u->recent[1] = u->recent[0];
	*p = u->recent[0] = g;
}

/* The same goroutine most often comes again, and with a channel the two that talk through it: `recent` answers without a
 * look into the set. Who is named there is in it, or has ended and does not come again. */
static inline void add_user(struct gosan_use *u, const struct gosan_g *g)
{
	if (u->recent[0] != g && u->recent[1] != g)
		add_to_set(u, g);
}

/* Places of the ended are still filled until the set is rebuilt; every `fits` says no to them. */
bool gosan_waits_used_by(const struct gosan_obj *obj, bool (*fits)(const struct gosan_g *))
{
	const struct gosan_use *u = obj->use;

	for (size_t i = 0; u && i < u->room; i++)
		if (u->who[i] && fits(u->who[i]))
			return true;
	return false;
}

bool gosan_waits_uses(const struct gosan_g *g, const struct gosan_obj *obj)
{
	const struct gosan_use *u = obj->use;

	return u && u->room && *place(u->who, u->room, g) == g;
}

/* The last ones of each direction are for reports only; who could help is a matter of the whole set.
 * What a goroutine does to an object for those who wait there: 0 gives, 1 takes, -1 neither. */
static inline int direction(const struct gosan_event *ev)
{
	enum { GIVES = 1, TAKES = 2 };
	static const signed char way[GOSAN_EV_COUNT] = {
		[GOSAN_EV_CHAN_SEND] = GIVES,  [GOSAN_EV_CHAN_PAIR] = GIVES,
		[GOSAN_EV_CHAN_CLOSE] = GIVES, [GOSAN_EV_LOCK_RELEASE] = GIVES,
		[GOSAN_EV_ONCE_DONE] = GIVES,  [GOSAN_EV_COND_WAKE] = GIVES,
		[GOSAN_EV_HB_RELEASE] = GIVES, [GOSAN_EV_SEM_POST] = GIVES,
		[GOSAN_EV_CHAN_RECV] = TAKES,  [GOSAN_EV_CHAN_RECV_CLOSED] = TAKES,
	};

	if (ev->op == GOSAN_EV_WG_ADD)
		return ev->arg < 0 ? 0 : -1;
	return way[ev->op] - 1;
}

/* The system stands for timers, signals and I/O: what they delivered to once they may deliver to again. It is
 * no user: it never ends and never gets stuck. */
static inline void touch(struct gosan_obj *obj, const struct gosan_event *ev)
{
	struct gosan_use *u = use_of(obj);
	int d = direction(ev);

	if (!u)
		return;
	if (ev->g->is_system || ev->op == GOSAN_EV_NOTIFY)
		u->fed = true;
	if (ev->g->is_system)
		return;
	add_user(u, ev->g);
	if (ev->peer && ev->op == GOSAN_EV_CHAN_PAIR) {
		add_user(u, ev->peer);
		u->last[1].g = ev->peer;
		u->last[1].stack = ev->peer->last_stack;
	}
	if (d >= 0) {
		u->last[d].g = ev->g;
		u->last[d].stack = ev->stack;
	}
}

/* Threads wake up by themselves, some time after they were sent the wake: until then they are parked, and yet not
 * stuck. */
static void note_wake(const struct gosan_event *ev)
{
	struct gosan_use *u = ev->obj->use;

	if (!u || u->waiting <= u->woken)
		return;
	if (ev->op == GOSAN_EV_COND_WAKE && ev->arg >= 0)
		return; /* the runtime says itself who is ready */
	if (ev->op == GOSAN_EV_COND_WAKE && ev->mode)
		u->woken = u->waiting;
	else
		u->woken++;
}

/* The last arrival frees all who wait. It is parked like the others when it says so. */
static void note_arrival(const struct gosan_event *ev)
{
	const struct gosan_obj *obj = ev->g->wait.n ? ev->g->wait.on[0].obj : NULL;
	struct gosan_use *u = obj ? obj->use : NULL;

	if (u && obj->counted && u->waiting - u->woken >= obj->count)
		u->woken = u->waiting;
}

/* Objects that nobody can wait for by themselves need no users. An atomic can be very busy. */
static bool has_users(const struct gosan_obj *obj)
{
	return obj->kind != GOSAN_OBJ_ATOMIC && obj->kind != GOSAN_OBJ_FD && obj->kind != GOSAN_OBJ_TIMER;
}

/* Reports name the dead by struct gosan_g, which stays; what only serves walks goes. */
static void forget_g(struct gosan_g *g)
{
	unpark(g);
	if (g->waits)
		gosan_mem_free(g->waits, sizeof(struct gosan_waits));
	g->waits = NULL;
}

/* After the engine's own books and after every other analyzer but block.c saw the event: a park is in the list when
 * block.c looks, and what before() of others asks is the state before the event. */
void gosan_waits_note(const struct gosan_event *ev)
{
	struct gosan_use *u;

	if (ev->obj && has_users(ev->obj))
		touch(ev->obj, ev);
	switch (ev->op) {
	case GOSAN_EV_G_PARK:
		park(ev->g, ev->mode & GOSAN_LOCK_TIMED);
		if (ev->arg == GOSAN_WAIT_BARRIER)
			note_arrival(ev);
		break;
	case GOSAN_EV_COND_WAKE:
	case GOSAN_EV_SEM_POST:
		note_wake(ev);
		break;
	case GOSAN_EV_G_READY:
		unpark(ev->peer);
		break;
	case GOSAN_EV_G_START:
		unpark(ev->g);
		break;
	case GOSAN_EV_G_END:
		forget_g(ev->g);
		break;
	case GOSAN_EV_TICKER_NEW:
	case GOSAN_EV_TICKER_STOP:
		u = ev->obj2 ? gosan_waits_use(ev->obj2) : NULL;
		if (u)
			u->fed = ev->op == GOSAN_EV_TICKER_NEW;
		break;
	default:
		break;
	}
}

/* One round of a multiplicative hash (the golden ratio, Knuth vol. 3, 6.4), folded, since callers use the low
 * bits. Not for the program's data: nobody attacks these tables. */
uint64_t gosan_waits_hash(uint64_t h, uint64_t x)
{
	h = (h ^ x) * UINT64_C(0x9E3779B97F4A7C15);
	return h ^ h >> 29;
}
