/* SPDX-License-Identifier: Apache-2.0
 *
 * hb.c: which event orders what. The Go memory model for goroutines, POSIX for threads; one case per row of
 * the table in README.md, section "Happens-before".
 *
 * Invariants
 *  - Exact: an edge is added iff the model guarantees it whatever the schedule was, given which operation met
 *    which (the receive of this send, the lock after this unlock).
 *  - Every edge goes into the strong clocks. Edges through locks, which another schedule could turn round,
 *    stay out of the weak ones: weak order is what holds in every schedule.
 *  - A release advances the epoch of the goroutine whose clock it published, also when it was published on
 *    behalf of a parked one.
 *
 * Everything here runs under the engine lock, or under the bits that hb.h names.
 */
#include "../runtime/probe.h"
#include "chain.h"
#include "mem.h"
#include "partner.h"
#include "token.h"
#include "hb.h"

enum effect { NONE, REL, REL_STORE, ACQ, CUSTOM };
const unsigned char gosan_hb_effects[] = {
#define X(name, text, effect) effect,
#include "event.def"
#undef X
};
static const char *const texts[] = {
#define X(name, text, effect) text,
#include "event.def"
#undef X
};

/* Remember an event that told g more of `from` than it knew. Only this much is kept: gosan_hb_last_common
 * checks that nothing newer told it even more. */
static void remember(struct gosan_g *g, const struct gosan_g *from, uint32_t knew, enum gosan_op op,
		     uint32_t stack)
{
	if (!from || from == g)
		return;
	struct gosan_stamp now = {from->cid, gosan_clock_get(&g->strong, from->cid)};

	if (now.epoch <= knew)
		return;
	g->edges[g->n_edges++ % GOSAN_EDGES_MAX] = (struct gosan_edge){from, now, (int)op, stack};
}

/* Seen at a glance: src is nothing but what own has, or its moment is known (the first rule of learn). */
static bool tells_nothing(const struct gosan_clock *own, const struct gosan_clock *src, struct gosan_stamp at)
{
	if (at.epoch)
		return gosan_clock_covers(own, at);
	return (!src->root || src->root == own->root) &&
	       (!src->epoch || gosan_clock_get(own, src->cid) >= src->epoch) &&
	       (!src->other || gosan_clock_get(own, src->other_cid) >= src->other);
}

/* One of g's clocks joins src. Transitivity spares most joins their walk (the first rule is the tree clocks'
 * of Mathur et al., ASPLOS 2022, section 3):
 *  - who knows the moment of a release knows all that the releaser knew then: nothing is new;
 *  - a source that knows a release of g's, in or after the epoch in which g last learned something, knows all
 *    that g knows but its own latest epoch: its clock, with that entry set, is the join.
 * Neither holds on the shared chain, where one epoch stands for several goroutines. */
static void learn(struct gosan_g *g, struct gosan_clock *own, uint32_t *learned,
		  const struct gosan_clock *src, struct gosan_stamp at)
{
	struct gosan_clock fresh = {0};

	if (tells_nothing(own, src, at))
		return;
	if (own->root == src->root || g->cid == GOSAN_CHAIN_SHARED ||
	    gosan_clock_get(src, g->cid) < *learned) {
		gosan_clock_join(own, src); /* of one trie only what lies beside it is joined */
	} else {
		gosan_clock_copy(&fresh, src);
		gosan_clock_own(&fresh, g->cid, g->epoch);
		gosan_clock_copy(own, &fresh);
		gosan_clock_clear(&fresh);
	}
	*learned = g->epoch;
}

/* A goroutine whose knowledge owes nothing to locks has one clock for both relations: what is done to one is
 * done to both. The weak reference is dropped first where nodes may change, so that they can in place. */
static void learn_both(struct gosan_g *g, const struct gosan_published *p)
{
	if (p->strong->root != g->strong.root)
		gosan_clock_clear(&g->weak);
	learn(g, &g->strong, &g->learned, p->strong, p->at);
	gosan_clock_copy(&g->weak, &g->strong);
	if (g->learned_weak < g->learned) /* it may be later: the strong clock knew before, through a lock */
		g->learned_weak = g->learned;
}

/* The moment that a copy of g's clocks stands for. The system forgets from one timer to the next: who knows
 * a later moment of it does not know what it knew before. */
struct gosan_stamp gosan_hb_moment(const struct gosan_g *g)
{
	return g->cid == GOSAN_CHAIN_SHARED || g->is_system ? (struct gosan_stamp){0, 0} : gosan_stamp_of(g);
}

/* Where knowledge comes from. A clock that knows, of each source of g, a release in or after the epoch in which
 * that source last learned something, knows all that g knows, but for the latest epochs of the sources and of g
 * itself. So a merge of g's clock may raise these few entries and leave the tries alone: ten thousand goroutines
 * that took one of many locks each, and all call Done, know ten thousand different things, and yet each of them
 * only adds itself. (In tree clocks, too, who learned what from whom decides what need not be looked at.) */
#define UNKNOWN (GOSAN_SOURCES + 1)

/* p tells g something: its moment becomes a source, and those that p knows are none any more. If p knows all that g
 * knows, by the second rule of learn, it is the only one. */
static void note_source(struct gosan_g *g, const struct gosan_published *p)
{
	struct gosan_stamp s = p->at.epoch ? p->at : p->live;
	uint32_t n = 0;

	if (p->weak && gosan_clock_get(p->strong, g->cid) >= g->learned &&
	    gosan_clock_get(p->weak, g->cid) >= g->learned_weak)
		g->n_sources = 0;
	for (uint32_t i = 0; i < g->n_sources && g->n_sources != UNKNOWN; i++) {
		struct gosan_source *o = &g->sources[i];

		if (gosan_clock_get(p->strong, o->cid) < o->epoch ||
		    (o->weak && (!p->weak || gosan_clock_get(p->weak, o->cid) < o->epoch)))
			g->sources[n++] = *o;
	}
	if (!s.epoch || s.cid == GOSAN_CHAIN_SHARED || g->n_sources == UNKNOWN || n == GOSAN_SOURCES) {
		g->n_sources = UNKNOWN;
		return;
	}
	g->sources[n] = (struct gosan_source){s.cid, s.epoch, s.epoch, p->weak != NULL};
	g->n_sources = n + 1;
}

/* A child knows what its parent knew then. */
static void first_source(struct gosan_g *child, const struct gosan_g *parent)
{
	struct gosan_stamp s = gosan_hb_moment(parent);
	uint32_t learned = parent->learned > parent->learned_weak ? parent->learned : parent->learned_weak;

	child->sources[0] = (struct gosan_source){s.cid, s.epoch, learned, true};
	child->n_sources = s.epoch ? 1 : UNKNOWN;
}

/* Does obj, where g releases, know g's sources? */
static bool knows_sources(const struct gosan_obj *obj, const struct gosan_g *g)
{
	bool one = gosan_clock_same(&obj->strong, &obj->weak); /* asked once, then */

	if (g->n_sources == UNKNOWN || g->cid == GOSAN_CHAIN_SHARED)
		return false;
	for (uint32_t i = 0; i < g->n_sources; i++) {
		const struct gosan_source *o = &g->sources[i];

		if (gosan_clock_get(&obj->strong, o->cid) < o->learned ||
		    (o->weak && !one && gosan_clock_get(&obj->weak, o->cid) < o->learned))
			return false;
	}
	return true;
}

static void raise_sources(struct gosan_clock *c, const struct gosan_g *g, bool weak)
{
	for (uint32_t i = 0; i < g->n_sources; i++)
		if (!weak || g->sources[i].weak)
			gosan_clock_raise(c, g->sources[i].cid, g->sources[i].epoch);
	gosan_clock_raise(c, g->cid, g->epoch);
}

bool gosan_hb_learns_nothing(const struct gosan_g *g, const struct gosan_published *p)
{
	return tells_nothing(&g->strong, p->strong, p->at) &&
	       (!p->weak || tells_nothing(&g->weak, p->weak, p->at));
}

/* Whoever is deaf learns by its creation and by joins only: those tell of a whole life, and are no synchronisation that
 * somebody would announce in another way. */
static bool hears(const struct gosan_g *g, enum gosan_op op)
{
	return !gosan_g_deaf(g) || op == GOSAN_EV_G_JOIN;
}

void gosan_hb_learn(struct gosan_g *g, const struct gosan_published *p, enum gosan_op op, uint32_t stack)
{
	uint32_t knew;

	if (!hears(g, op) || gosan_partner_learn(g, p, (int)op, stack) || gosan_hb_learns_nothing(g, p))
		return;
	note_source(g, p);
	knew = p->from ? gosan_clock_get(&g->strong, p->from->cid) : 0;
	if (p->weak && gosan_clock_same(&g->strong, &g->weak) && gosan_clock_same(p->strong, p->weak)) {
		learn_both(g, p);
	} else {
		learn(g, &g->strong, &g->learned, p->strong, p->at);
		if (p->weak)
			learn(g, &g->weak, &g->learned_weak, p->weak, p->at);
	}
	g->weak_moves += p->weak != NULL;
	remember(g, p->from, knew, op, stack);
}

void gosan_hb_acquire(struct gosan_g *g, const struct gosan_obj *obj, enum gosan_op op, uint32_t stack)
{
	gosan_hb_learn(g, &(struct gosan_published){&obj->strong, &obj->weak, obj->at, obj->from, {0, 0}}, op,
		       stack);
}

/* Merges come from goroutines that mostly know the same: started by one, or one lock after the other. What
 * the last one brought is remembered, and what the next one shares with it is skipped: the 10,000 Dones of a
 * WaitGroup would otherwise be 10,000 walks over as many chains. True when tries were joined. */
static bool join_both(struct gosan_obj *obj, const struct gosan_g *g)
{
	bool one = gosan_clock_same(&obj->strong, &obj->weak) && gosan_clock_same(&g->strong, &g->weak);

	bool raise = knows_sources(obj, g);

	if (one)
		gosan_clock_clear(&obj->weak);
	if (raise)
		raise_sources(&obj->strong, g, false);
	else
		gosan_clock_join_since(&obj->strong, &g->strong, &obj->seen);
	if (one)
		gosan_clock_copy(&obj->weak, &obj->strong);
	else if (raise)
		raise_sources(&obj->weak, g, true);
	else
		gosan_clock_join_since(&obj->weak, &g->weak, &obj->seen_weak);
	return !raise;
}

static void see(struct gosan_obj *obj, const struct gosan_g *g)
{
	gosan_clock_copy(&obj->seen, &g->strong);
	gosan_clock_copy(&obj->seen_weak, &g->weak);
}

/* What was there before stays when g is deaf. Then an object orders too much, which invents no race. */
static void store(struct gosan_obj *obj, struct gosan_g *g)
{
	if (gosan_g_deaf(g))
		return;
	gosan_clock_copy(&obj->strong, &g->strong);
	gosan_clock_copy(&obj->weak, &g->weak);
	see(obj, g);
	obj->at = gosan_hb_moment(g);
	obj->from = g;
	g->weak_moves++;
	gosan_chain_advance(g);
}

/* If g knows all that is there already, its own clocks are the merge. */
void gosan_hb_release(struct gosan_g *g, struct gosan_obj *obj)
{
	bool known = gosan_clock_empty(&obj->strong) ||
		     (obj->at.epoch && gosan_clock_covers(&g->strong, obj->at) &&
		      (gosan_clock_same(&g->strong, &g->weak) || gosan_clock_covers(&g->weak, obj->at)));

	if (gosan_g_deaf(g))
		return;
	if (known) {
		store(obj, g);
		return;
	}
	if (join_both(obj, g))
		see(obj, g);
	obj->at = (struct gosan_stamp){0, 0};
	obj->from = g;
	g->weak_moves++;
	gosan_chain_advance(g);
}

/* A parent mostly has many children: they share what it knows. */
static void settle(struct gosan_g *g)
{
	bool one = gosan_clock_same(&g->strong, &g->weak);

	if (!g->strong.other && !g->weak.other)
		return;
	if (one)
		gosan_clock_clear(&g->weak);
	gosan_clock_settle(&g->strong);
	if (one)
		gosan_clock_copy(&g->weak, &g->strong);
	else
		gosan_clock_settle(&g->weak);
}

/* G_SPAWN: all that the parent did is before all that the child does. */
static void spawn(const struct gosan_event *ev)
{
	struct gosan_g *child = ev->peer;

	if (!child)
		return;
	child->parent = ev->g;
	child->created_stack = ev->stack;
	settle(ev->g);
	first_source(child, ev->g);
	gosan_chain_spawn(child, &ev->g->strong, &ev->g->weak);
	child->edges[child->n_edges++ % GOSAN_EDGES_MAX] =
		(struct gosan_edge){ev->g, gosan_stamp_of(ev->g), (int)ev->op, ev->stack};
	ev->g->weak_moves++;
	gosan_chain_advance(ev->g);
}

/* G_JOIN: the end of a thread is before the return of its join, and nobody else can ask for it again. */
static void join(const struct gosan_event *ev)
{
	struct gosan_g *t = ev->peer;

	if (!t)
		return;
	gosan_hb_learn(ev->g, &(struct gosan_published){&t->strong, &t->weak, {0, 0}, t, {0, 0}}, ev->op,
		       ev->stack);
	gosan_clock_clear(&t->strong);
	gosan_clock_clear(&t->weak);
}

/* A channel whose make was not seen grows by need. */
static bool make_slots(struct gosan_obj *ch, size_t cap)
{
	struct gosan_slot *slots = gosan_mem_alloc(cap * sizeof *slots);

	if (!slots) {
		GOSAN_COUNT(clock_lost);
		return false;
	}
	for (size_t i = 0; i < ch->cap; i++)
		slots[i] = ch->slots[i];
	gosan_mem_free(ch->slots, ch->cap * sizeof *slots);
	ch->slots = slots;
	ch->cap = cap;
	return true;
}

/* Send k goes through slot k mod C: it is after receive k - C, which left its clock there, and before
 * receive k, which will find the sender's. A receive does the same with the roles exchanged. */
static void pass_slot(const struct gosan_event *ev)
{
	struct gosan_obj *ch = ev->obj;
	struct gosan_g *g = ev->g;
	size_t k = (size_t)ev->arg;

	if (gosan_g_deaf(g))
		return;
	if (k >= ch->cap && !make_slots(ch, k + 1)) { /* what came before is not known, so all of it */
		gosan_clock_fill(&g->strong);
		gosan_clock_fill(&g->weak);
		g->n_sources = UNKNOWN;
		return;
	}
	struct gosan_slot *slot = &ch->slots[k];
	struct gosan_published p = {&slot->strong, &slot->weak, slot->at, slot->from, {0, 0}};

	if (!gosan_partner_learn(g, &p, (int)ev->op, ev->stack)) /* here, for it mostly is all */
		gosan_hb_learn(g, &p, ev->op, ev->stack);
	gosan_clock_copy(&slot->strong, &g->strong);
	gosan_clock_copy(&slot->weak, &g->weak);
	slot->at = gosan_hb_moment(g);
	slot->from = g;
	g->weak_moves++;
	gosan_chain_advance(g);
}

/* Unbuffered: the send is before the completion of the receive and the receive is before the completion of
 * the send, so both get the join. */
static void rendezvous(const struct gosan_event *ev)
{
	struct gosan_g *s = ev->g, *r = ev->peer;

	if (!r || gosan_g_deaf(s) || gosan_g_deaf(r))
		return;
	if (gosan_partner_meet(s, r, (int)ev->op, ev->stack)) {
		gosan_chain_advance(s);
		gosan_chain_advance(r);
		return;
	}
	gosan_hb_learn(s, &(struct gosan_published){&r->strong, &r->weak, {0, 0}, r, gosan_hb_moment(r)},
		       ev->op, ev->stack);
	gosan_hb_learn(r, &(struct gosan_published){&s->strong, &s->weak, {0, 0}, s, gosan_hb_moment(s)},
		       ev->op, ev->stack);
	s->weak_moves++;
	r->weak_moves++;
	gosan_chain_advance(s);
	gosan_chain_advance(r);
}

/* A writer is after all unlocks and all read unlocks. It moves the readers' clock into the writers', so that
 * a read unlock is before every lock that follows the next write lock, as the counter in Go's RWMutex makes
 * it. A reader is after the writers only: readers don't order each other. */
void gosan_hb_lock(struct gosan_g *g, struct gosan_obj *l, int mode, uint32_t stack)
{
	if (!(mode & GO_LOCK_READ) && !gosan_clock_empty(&l->r_strong)) {
		gosan_clock_join(&l->strong, &l->r_strong);
		gosan_clock_clear(&l->r_strong);
		gosan_clock_clear(&l->seen);
		l->at = (struct gosan_stamp){0, 0};
	}
	gosan_hb_learn(g, &(struct gosan_published){&l->strong, NULL, l->at, l->from, {0, 0}},
		       GOSAN_EV_LOCK_ACQUIRE, stack);
}

/* The owner's clock covers the lock's, for it acquired it: a copy will do. Another goroutine that unlocks
 * (Go allows it), or one that may have been deaf at the acquisition, may know less than the lock: unlocks 1..n all are
 * before lock n + 1, so merge. */
void gosan_hb_unlock(struct gosan_g *g, struct gosan_obj *l, int mode)
{
	if (gosan_g_deaf(g))
		return;
	if (mode & GO_LOCK_READ) {
		gosan_clock_join_since(&l->r_strong, &g->strong, &l->seen);
		gosan_clock_copy(&l->seen, &g->strong);
	} else if (l->owner == g && !g->was_deaf) {
		gosan_clock_clear(&l->seen);
		gosan_clock_copy(&l->strong, &g->strong);
		l->at = gosan_hb_moment(g);
	} else {
		gosan_clock_join(&l->strong, &g->strong);
		l->at = (struct gosan_stamp){0, 0};
	}
	l->from = g;
	gosan_chain_advance(g);
}

bool gosan_hb_no_news(const struct gosan_g *g, const struct gosan_obj *obj, bool is_lock)
{
	return tells_nothing(&g->strong, &obj->strong, obj->at) && gosan_clock_empty(&obj->r_strong) &&
	       (is_lock || tells_nothing(&g->weak, &obj->weak, obj->at));
}

bool gosan_hb_may_advance(const struct gosan_g *g)
{
	return g->cid && g->cid != GOSAN_CHAIN_SHARED && g->epoch < gosan_chain_last_epoch;
}

uint32_t gosan_hb_known_by(struct gosan_g *g, uint32_t cid)
{
	gosan_hb_bit_lock(&g->clock_bit);
	uint32_t epoch = gosan_clock_get(&g->strong, cid);

	gosan_hb_bit_unlock(&g->clock_bit);
	return epoch;
}

static void custom(const struct gosan_event *ev)
{
	switch (ev->op) {
	case GOSAN_EV_G_SPAWN:
		spawn(ev);
		break;
	case GOSAN_EV_G_JOIN:
		join(ev);
		break;
	case GOSAN_EV_CHAN_MAKE:
		if (ev->arg > 0 && (size_t)ev->arg > ev->obj->cap)
			make_slots(ev->obj, (size_t)ev->arg);
		break;
	case GOSAN_EV_CHAN_SEND:
	case GOSAN_EV_CHAN_RECV:
		pass_slot(ev);
		break;
	case GOSAN_EV_CHAN_PAIR:
		rendezvous(ev);
		break;
	case GOSAN_EV_CHAN_CLOSE: /* obj's own clock is the close clock: sends don't touch it */
		ev->obj->closed = true;
		gosan_hb_release(ev->g, ev->obj);
		break;
	case GOSAN_EV_CHAN_RECV_CLOSED:
		gosan_hb_acquire(ev->g, ev->obj, ev->op, ev->stack);
		break;
	case GOSAN_EV_LOCK_ACQUIRE:
		gosan_hb_lock(ev->g, ev->obj, ev->mode, ev->stack);
		break;
	case GOSAN_EV_LOCK_RELEASE:
		gosan_hb_unlock(ev->g, ev->obj, ev->mode);
		break;
	case GOSAN_EV_WG_ADD:
		if (ev->arg < 0)
			gosan_hb_release(ev->g, ev->obj);
		break;
	case GOSAN_EV_COND_WAIT: /* no edge: who looks for one (analyze/handoff.c) asks what came before it, and what after */
	case GOSAN_EV_COND_WAKE:
		ev->g->weak_moves++;
		gosan_chain_advance(ev->g);
		break;
	default: /* G_START, G_END: no edge. Their places in the table leave room for one. */
		break;
	}
}

void gosan_hb_apply(const struct gosan_event *ev)
{
	switch ((enum effect)gosan_hb_effects[ev->op]) {
	case NONE:
		break;
	case REL:
		(ev->op == GOSAN_EV_SEM_POST ? gosan_token_post : gosan_hb_release)(ev->g, ev->obj);
		break;
	case REL_STORE:
		store(ev->obj, ev->g);
		break;
	case ACQ:
		gosan_hb_acquire(ev->g, ev->obj, ev->op, ev->stack);
		if (ev->op == GOSAN_EV_SEM_WAITED)
			gosan_token_take(ev->g, ev->obj);
		break;
	case CUSTOM:
		custom(ev);
		break;
	}
}

void gosan_hb_system_begin(struct gosan_g *sys, struct gosan_obj *timer)
{
	gosan_clock_clear(&sys->strong);
	gosan_clock_clear(&sys->weak);
	for (size_t i = 0; i < GOSAN_KNOWN; i++)
		sys->known[i].epoch = 0;
	if (timer) {
		gosan_clock_copy(&sys->strong, &timer->strong);
		gosan_clock_copy(&sys->weak, &timer->weak);
	}
	gosan_chain_restart(sys);
	sys->n_sources = UNKNOWN;
}

static const char *text_of(enum gosan_op op)
{
	return op == GOSAN_EV_G_SPAWN ? "go statement" : texts[op];
}

/* b's latest edge from a, if nothing since told b more of a. */
static const struct gosan_edge *latest_edge(const struct gosan_g *a, const struct gosan_g *b, uint32_t knows)
{
	for (uint32_t i = b->n_edges; i > 0 && b->n_edges - i < GOSAN_EDGES_MAX; i--) {
		const struct gosan_edge *e = &b->edges[(i - 1) % GOSAN_EDGES_MAX];

		if (e->from == a)
			return e->known.cid == a->cid && e->known.epoch == knows ? e : NULL;
	}
	return NULL;
}

static bool is_ancestor(const struct gosan_g *a, const struct gosan_g *b)
{
	while (b && b != a)
		b = b->parent;
	return b != NULL;
}

/* Where b knows nothing that a did, only go statements can have ordered the two: that of a, when b or one of
 * b's children made it; otherwise the later of both, when they have an ancestor in common. */
static const struct gosan_g *born_last(const struct gosan_g *a, const struct gosan_g *b)
{
	if (is_ancestor(b, a))
		return a;
	for (const struct gosan_g *p = a->parent; p; p = p->parent)
		if (is_ancestor(p, b))
			return b->id > a->id ? b : a;
	return NULL;
}

const char *gosan_hb_last_common(const struct gosan_g *a, const struct gosan_g *b, uint32_t *ret_stack)
{
	*ret_stack = 0;
	if (!a || !b || a == b || gosan_clock_empty(&b->strong))
		return NULL;
	uint32_t knows = gosan_clock_get(&b->strong, a->cid);
	const struct gosan_edge *e = latest_edge(a, b, knows);

	if (e) {
		*ret_stack = e->stack;
		return text_of((enum gosan_op)e->op);
	}
	if (knows >= gosan_chain_birth(a).epoch)
		return NULL;
	const struct gosan_g *g = born_last(a, b);

	if (!g)
		return NULL;
	*ret_stack = g->created_stack;
	return text_of(GOSAN_EV_G_SPAWN);
}
