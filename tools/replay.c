/* SPDX-License-Identifier: Apache-2.0
 *
 * replay.c: what was recorded happens again, to the engine.
 *
 * Each record is the call that made it, with the same arguments; ids of stacks, contexts, objects and goroutines are the
 * same, because the tables are loaded with their numbers and births come in the order in which they came. What depended
 * on the live process (thread-local storage, other tasks, the time) is answered from the recording.
 *
 * What is exact: every event that goes through the engine, in the very order of then, so that analyzers see what they saw;
 * clocks, which depend on the order per object only; accesses relative to both. What may differ: which of two unordered
 * accesses counts as the earlier, when they were a few nanoseconds apart. Fingerprints do not depend on it.
 *
 * The short ways (lockpath.c) may be refused here where they were open then, or be open where they were not: they are
 * short forms of the same events, so the long form stands in.
 *
 * Nothing here is fatal: a record that does not fit to what came before (a damaged file) is counted as lost.
 */
#include "replay_private.h"

#include "access.h"
#include "analyze/analyze.h"
#include "atomic.h"
#include "benign.h"
#include "chain.h"
#include "descriptor.h"
#include "floor.h"
#include "held.h"
#include "heap.h"
#include "lockpath.h"
#include "object.h"
#include "race.h"
#include "shadow.h"
#include "trace.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static struct trace *trace;
static struct gosan_g **actors; /* by number */
static size_t n_actors;
static size_t n_asked; /* questions since the last record */
bool replay_finished;
/* What was before this is overwritten (a ring), in part; 0: nothing is. All that can order two accesses after it comes
 * after it as well, so they are checked; everything that needs the whole story is not. */
uint64_t replay_cut_ns;

/* ---- answers ---- */

/* The next answer to this question that the last record has; dflt: there is none, since the live process did not ask. */
static bool answer(enum gosan_trace_question question, bool dflt)
{
	bool yes;

	for (int q; trace_answer(trace, n_asked, &q, &yes);) {
		n_asked++;
		if (q == (int)question)
			return yes;
	}
	return dflt;
}

/* Of a standstill that the live process did not ask about nothing is known: somebody may have been there. That
 * keeps silent what cannot be proved. */
static bool can_act(void)
{
	return answer(GOSAN_TRACE_CAN_ACT, true);
}

/* The access at hand is the one that asked then, unless the two came in the other order: then it is taken for
 * shared memory, as it would be in a program without goroutines. */
static bool own_tls(uintptr_t addr)
{
	(void)addr;
	return answer(GOSAN_TRACE_OWN_TLS, false);
}

/* ---- nouns ---- */

/* NULL for numbers whose birth is not recorded: records of a damaged file. */
static struct gosan_g *actor(uint32_t number)
{
	return number < n_actors ? actors[number] : NULL;
}

/* What a front end told of it. The name is that of its end. */
static void describe(struct gosan_g *g, const struct gosan_trace_actor *row)
{
	memcpy(g->name, row->name, sizeof g->name);
	g->name[sizeof g->name - 1] = 0;
	if (row->fn_name[0])
		g->fn_name = strndup(row->fn_name, sizeof row->fn_name);
	g->parent = actor(row->parent);
	g->created_stack = row->created_stack;
	g->stack_lo = row->stack_lo;
	g->stack_hi = row->stack_hi;
	g->is_system = row->flags & GOSAN_TRACE_SYSTEM;
	g->is_fiber = g->detached = row->flags & GOSAN_TRACE_FIBER;
}

/* In the order of their births: chains are given out as they were then. */
static void new_g(const struct gosan_trace_rec *r)
{
	const struct gosan_trace_actor *row = trace_actor(trace, r->peer);

	if (!row || actors[r->peer])
		return;
	actors[r->peer] = gosan_engine_new_g(row->id, row->flags & GOSAN_TRACE_THREAD);
	describe(actors[r->peer], row);
	actors[r->peer]->ended = r->mode & 1;
}

/* Under the engine lock. What its front end told later (a barrier's parties) is in the row already, which harms
 * nobody. */
static void new_object(const struct gosan_trace_rec *r)
{
	const struct gosan_trace_object *row = trace_object(trace, r->obj);
	struct gosan_obj *obj =
		row ? gosan_object_restore(r->obj, row->addr, (enum gosan_obj_kind)row->kind) : NULL;

	if (!obj)
		return;
	obj->created_by = row->created_by;
	obj->flags = row->flags;
	obj->counted = row->count != 0;
	obj->count = row->count ? row->count - 1 : 0;
	obj->seq = r->seq;
	if (r->seq)
		obj->created_stack = row->created_stack;
	if (obj->kind == GOSAN_OBJ_TIMER)
		gosan_floor_stop();
	if (r->mode & 1)
		gosan_object_die(obj);
}

/* Of a ring: one whose birth is overwritten is born at its first use, a channel with its buffer. */
static void need_object(uint32_t id, struct gosan_g *g)
{
	struct gosan_trace_rec born = {.obj = id};
	struct gosan_obj *obj;

	if (!replay_cut_ns || !id || !g || gosan_object_by_id(id))
		return;
	gosan_engine_lock();
	new_object(&born);
	gosan_engine_unlock();
	obj = gosan_object_by_id(id);
	if (obj && obj->kind == GOSAN_OBJ_CHAN)
		gosan_engine_event(&(struct gosan_event){
			.op = GOSAN_EV_CHAN_MAKE, .g = g, .obj = obj, .arg = obj->counted ? obj->count : 0});
}

/* Everybody whom the table has, in the order of their numbers. */
void replay_need_actors(void)
{
	for (uint32_t i = 1; replay_cut_ns && i < n_actors; i++)
		new_g(&(struct gosan_trace_rec){.peer = i});
}

/* ---- events ---- */

/* A varint of a text. What ends early is 0 and takes all that is left. */
static size_t get(const char *p, size_t left, uint64_t *ret)
{
	uint64_t v = 0;

	for (size_t i = 0; i < left && i < 10; i++) {
		v |= (uint64_t)(p[i] & 0x7f) << (7 * i < 64 ? 7 * i : 63);
		if (!(p[i] & 0x80)) {
			*ret = v;
			return i + 1;
		}
	}
	*ret = 0;
	return left;
}

/* The text of a park: how many, whether these are not all, and each object with the operation. */
static void set_wait(struct gosan_g *g, const struct gosan_trace_rec *r)
{
	size_t at = 2, n = r->text_size > 1 ? (unsigned char)r->text[0] : 0;

	if (!g->wait.on)
		return;
	g->wait.n = n < GOSAN_WAIT_MAX ? n : GOSAN_WAIT_MAX;
	g->wait.truncated = n && r->text[1];
	for (size_t i = 0; i < g->wait.n; i++) {
		uint64_t id, op;

		at += get(r->text + at, at < r->text_size ? r->text_size - at : 0, &id);
		at += get(r->text + at, at < r->text_size ? r->text_size - at : 0, &op);
		g->wait.on[i].obj = id <= UINT32_MAX ? gosan_object_by_id((uint32_t)id) : NULL;
		g->wait.on[i].op = (int)op;
	}
}

/* As engine.c, but for slots, on which hb.c relies without asking; and for whoever has ended already, whose lists are
 * gone: behind a gap such a one may park, or be born. */
static bool is_sound(const struct gosan_event *ev)
{
	if (!ev->g || (ev->op == GOSAN_EV_G_PARK && !ev->g->wait.on) ||
	    (ev->op == GOSAN_EV_G_SPAWN && ev->peer && !ev->peer->wait.on))
		return false;
	if (ev->op == GOSAN_EV_CHAN_SEND || ev->op == GOSAN_EV_CHAN_RECV)
		return ev->obj && ev->arg >= 0 && (size_t)ev->arg < ev->obj->cap;
	if (ev->op == GOSAN_EV_CHAN_MAKE)
		return ev->arg >= 0 && ev->arg < INT64_C(1) << 32;
	return true;
}

/* The engine counts what it cannot use as lost, as it does for front ends. Missing peers and objects are its
 * business; only what it takes for granted is looked at before. */
static void send(const struct trace_event *e, enum gosan_op op)
{
	const struct gosan_trace_rec *r = &e->rec;
	struct gosan_event ev = {
		.op = op,
		.mode = r->mode,
		.stack = r->stack,
		.g = actor(e->g),
		.peer = actor(r->peer),
		.obj = gosan_object_by_id(r->obj),
		.obj2 = gosan_object_by_id(r->obj2),
		.arg = r->arg,
		.arg2 = r->arg2,
		.addr = r->addr,
		.size = r->size,
	};

	if (op == GOSAN_EV_FAULT && r->text_size)
		ev.text = strdup(r->text); /* analyzers may keep it */
	if (op == GOSAN_EV_G_PARK && ev.g)
		set_wait(ev.g, r);
	if (!is_sound(&ev)) {
		GOSAN_COUNT(lost);
		return;
	}
	gosan_engine_event(&ev);
	/* The front end had its own view of who made a goroutine that a timer started. */
	if (op == GOSAN_EV_G_SPAWN && ev.peer && trace_actor(trace, r->peer))
		ev.peer->created_stack = trace_actor(trace, r->peer)->created_stack;
}

/* The short way, or the long one where the engine would have it so. */
static void lock(const struct trace_event *e)
{
	const struct gosan_trace_rec *r = &e->rec;
	struct gosan_g *g = actor(e->g);
	struct gosan_obj *obj = gosan_object_by_id(r->obj);
	bool done = !g || !obj;

	if (done)
		GOSAN_COUNT(lost);
	switch (done ? GOSAN_TRACE_END : r->op) {
	case GOSAN_TRACE_REQUEST:
		if (!gosan_lockpath_request(g, obj, r->mode, r->stack))
			send(e, GOSAN_EV_LOCK_REQUEST);
		break;
	case GOSAN_TRACE_ACQUIRE:
		if (gosan_lockpath_acquire(g, obj, r->mode, r->stack))
			break;
		send(e, GOSAN_EV_LOCK_REQUEST);
		send(e, GOSAN_EV_LOCK_ACQUIRE);
		break;
	case GOSAN_TRACE_TAKE:
		if (!gosan_lockpath_take(g, obj, r->mode, r->stack))
			send(e, GOSAN_EV_LOCK_ACQUIRE);
		break;
	case GOSAN_TRACE_RELEASE:
		if (!gosan_lockpath_release(g, obj, r->mode, r->stack))
			send(e, GOSAN_EV_LOCK_RELEASE);
		break;
	case GOSAN_TRACE_POST:
		if (!gosan_lockpath_post(g, obj, r->stack))
			send(e, GOSAN_EV_SEM_POST);
		break;
	case GOSAN_TRACE_WAIT:
		if (!gosan_lockpath_wait(g, obj, r->stack))
			send(e, GOSAN_EV_SEM_WAITED);
		break;
	default:
		break;
	}
}

/* The value was read and written then; here only clocks move. */
static void atomic(struct gosan_g *g, const struct gosan_trace_rec *r)
{
	struct gosan_atomic_stripe *s;

	if (r->op == GOSAN_TRACE_FENCE) {
		gosan_atomic_fence(g, r->mode);
		return;
	}
	s = gosan_atomic_lock(r->addr);
	if (!s)
		return;
	if (r->op == GOSAN_TRACE_LOAD)
		gosan_atomic_loaded(s, g, r->addr, r->mode, r->stack ? GOSAN_ACCESS_IS_STACK | r->stack : 0);
	else
		gosan_atomic_stored(s, g, r->addr, r->mode, r->arg != 0);
	gosan_atomic_unlock(s);
}

/* No access and no block is that large: a damaged file would have us walk for hours. */
#define BYTES_MAX (UINT64_C(1) << 32)

/* An access comes with its place, which names its stack and the locks held there: contexts and objects have the
 * same numbers as then. Repeats that the hooks dropped are missing, and were dropped because nothing follows from
 * them. */
static void memory(struct gosan_g *g, const struct gosan_trace_rec *r)
{
	if (r->addr + r->size < r->addr ||
	    (r->size > BYTES_MAX && (r->op == GOSAN_TRACE_ACCESS || r->op == GOSAN_TRACE_ALLOC))) {
		GOSAN_COUNT(lost);
		return;
	}
	switch (r->op) {
	case GOSAN_TRACE_ACCESS:
		g->n_access++;
		gosan_shadow_access_at(g, r->addr, r->size, (unsigned)r->mode & (GOSAN_WRITE | GOSAN_ATOMIC),
				       r->stack);
		break;
	case GOSAN_TRACE_ALLOC:
		gosan_heap_born(r->addr, r->size, r->stack);
		break;
	case GOSAN_TRACE_DIES:
		gosan_heap_dies(g, r->addr, r->stack);
		break;
	case GOSAN_TRACE_DROP:
		gosan_heap_drop(r->addr);
		break;
	case GOSAN_TRACE_FORGET:
		gosan_shadow_forget(r->addr, r->size);
		break;
	case GOSAN_TRACE_ATOMIC_FORGET:
		gosan_atomic_forget(r->addr, r->size);
		break;
	case GOSAN_TRACE_BENIGN:
		gosan_benign_add(r->addr, r->size);
		break;
	case GOSAN_TRACE_BENIGN_FORGET:
		gosan_benign_forget(r->addr, r->size);
		break;
	default:
		break;
	}
}

/* A lock that the parent held at the fork is the child's to give back. No edge: the child knows all of it. */
static void held(const struct trace_event *e, struct gosan_g *g)
{
	struct gosan_event ev = {.op = GOSAN_EV_LOCK_ACQUIRE,
				 .g = g,
				 .obj = gosan_object_by_id(e->rec.obj),
				 .mode = e->rec.mode,
				 .stack = e->rec.stack,
				 .at = gosan_stamp_of(g)};

	if (ev.obj)
		gosan_held_add(&ev);
}

/* The rest: births, deaths, and what needs the engine lock around it. */
static void other(const struct trace_event *e, struct gosan_g *g)
{
	const struct gosan_trace_rec *r = &e->rec;
	struct gosan_obj *obj = gosan_object_by_id(r->obj), *obj2 = gosan_object_by_id(r->obj2);
	struct gosan_g *peer = actor(r->peer);

	if (r->op == GOSAN_TRACE_COPIED && obj && obj2 && g)
		gosan_lock_copied(obj, obj2, g, r->stack);
	if (r->op == GOSAN_TRACE_SYSTEM_BEGIN && peer)
		gosan_engine_system_begin(peer, obj);
	if (r->op == GOSAN_TRACE_FINISH) {
		gosan_engine_end((enum gosan_end)(r->mode & 3));
		replay_finished = true;
	}
	gosan_engine_lock();
	if (r->op == GOSAN_TRACE_OBJ_NEW)
		new_object(r);
	if (r->op == GOSAN_TRACE_OBJ_DEAD && obj)
		gosan_object_die(obj);
	if (r->op == GOSAN_TRACE_ALONE && g)
		gosan_chain_alone(g);
	if (r->op == GOSAN_TRACE_HELD && g)
		held(e, g);
	if (r->op == GOSAN_TRACE_GONE && peer) {
		peer->ended |= (r->mode & GOSAN_TRACE_GONE_ENDED) != 0;
		peer->joined |= (r->mode & GOSAN_TRACE_GONE_JOINED) != 0;
		peer->was_deaf |= (r->mode & GOSAN_TRACE_GONE_DEAF) != 0;
		if (r->mode & (GOSAN_TRACE_GONE_DEAF | GOSAN_TRACE_GONE_BACK))
			peer->ignored[GOSAN_IGNORED_ORDER] = (r->mode & GOSAN_TRACE_GONE_DEAF) != 0;
		if (r->mode & GOSAN_TRACE_GONE_CHAIN)
			gosan_chain_end(peer);
	}
	gosan_engine_unlock();
}

/* An event before this one is missing: whoever goes on may know anything. Orders that are invented hide races; one that
 * is missed would be a false alarm. */
static void bridge(struct gosan_g *g)
{
	GOSAN_COUNT(lost);
	gosan_clock_fill(&g->strong);
	gosan_clock_fill(&g->weak);
	g->n_sources = GOSAN_SOURCES + 1;
}

/* gosan_self is who ran on that thread, which for a rendezvous is another than whose event it is. */
void replay_record(const struct trace_event *e)
{
	struct gosan_g *g = actor(e->g);

	gosan_self = actor(e->runs);
	gosan_engine_replayed_ns = trace_info(trace)->start_ns + e->ns + 1;
	n_asked = 0;
	if (e->gap && g && e->ns >= replay_cut_ns)
		bridge(g);
	if (replay_cut_ns && e->rec.op != GOSAN_TRACE_OBJ_NEW) {
		need_object(e->rec.obj, g);
		need_object(e->rec.obj2, g);
	}
	if (e->rec.op == GOSAN_TRACE_ACCESS && e->ns < replay_cut_ns)
		return;
	if (e->rec.op == GOSAN_TRACE_G_NEW)
		new_g(&e->rec);
	else if (e->rec.op >= GOSAN_TRACE_EVENT)
		send(e, (enum gosan_op)(e->rec.op - GOSAN_TRACE_EVENT));
	else if (e->rec.op >= GOSAN_TRACE_REQUEST && e->rec.op <= GOSAN_TRACE_WAIT)
		lock(e);
	else if (e->rec.op >= GOSAN_TRACE_LOAD && e->rec.op <= GOSAN_TRACE_FENCE && g)
		atomic(g, &e->rec);
	else if (e->rec.op == GOSAN_TRACE_DESCRIPTOR && e->rec.size < INT_MAX)
		gosan_descriptor_restore(e->rec.addr, (int)e->rec.size, e->rec.stack);
	else if (e->rec.op >= GOSAN_TRACE_ACCESS && e->rec.op <= GOSAN_TRACE_BENIGN_FORGET && g)
		memory(g, &e->rec);
	else
		other(e, g);
}

int replay_begin(struct trace *t)
{
	struct trace_loss loss;

	trace = t;
	trace_loss(trace, &loss);
	replay_cut_ns = loss.cut_ns;
	n_actors = trace_actor_room(trace);
	actors = calloc(n_actors + 1, sizeof(*actors));
	gosan_engine_can_act = can_act;
	gosan_race_own_tls = own_tls;
	return actors ? 0 : -ENOMEM;
}
