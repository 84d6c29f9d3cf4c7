/* SPDX-License-Identifier: Apache-2.0
 *
 * partner.h: what a goroutine learns from the one that it talks to all the time: the two sides of a channel. It does
 * what gosan_hb_learn does, where that comes down to one entry; knows no event and no object.
 *
 *      g      [ trie T | g: 9, p: 4 ]
 *      told   [ trie T | p: 6, g: 7 ]   ──►   g   [ trie T | g: 9, p: 6 ]
 *
 * Why one entry is all. Both clocks have the same trie, and beside it the same two chains. What was told of g's own
 * chain g knows, as nobody knows more of a chain than its tenant. So the join of the two is g's clock with the
 * partner's entry raised. Both relations are one on either side, so it is the join of the weak clocks as well. And
 * whoever knows that moment of the partner knows all that g knows but g's own epochs: it is g's only source (hb.c).
 *
 * Context: hb.h's: the engine lock, or the bits named there.
 */
#ifndef GOSAN_PARTNER_H
#define GOSAN_PARTNER_H

#include "chain.h"
#include "hb.h"

/* Do g's clocks and the told ones differ in these two entries only, and does the moment s stand for what is told? The
 * shared chain is left out: one epoch of it stands for several goroutines. */
static inline __attribute__((always_inline)) bool
gosan_partner_fits(const struct gosan_g *g, const struct gosan_published *p, struct gosan_stamp s)
{
	const struct gosan_clock *own = &g->strong, *told = p->strong;

	if (own->root != told->root || own->other_cid != told->cid || told->other_cid != g->cid)
		return false;
	if (!own->other || !told->other || told->other > own->epoch)
		return false;
	return s.epoch && s.epoch == told->epoch && s.cid == told->cid && s.cid != GOSAN_CHAIN_SHARED &&
	       g->cid != GOSAN_CHAIN_SHARED && p->weak && gosan_clock_same(own, &g->weak) &&
	       gosan_clock_same(told, p->weak);
}

/* g knows the moment s of its partner, and nothing else is new to it. */
static inline __attribute__((always_inline)) void gosan_partner_raise(struct gosan_g *g, struct gosan_stamp s)
{
	g->strong.other = g->weak.other = s.epoch;
	g->learned = g->learned_weak = g->epoch;
	g->sources[0] = (struct gosan_source){s.cid, s.epoch, s.epoch, true};
	g->n_sources = 1;
}

/* The edge is kept for reports: whoever told it may have been on another chain since, and is then asked by hb.c. */
static inline __attribute__((always_inline)) bool
gosan_partner_learn(struct gosan_g *g, const struct gosan_published *p, int op, uint32_t stack)
{
	struct gosan_stamp s = p->at.epoch ? p->at : p->live;

	if (!gosan_partner_fits(g, p, s))
		return false;
	if (g->strong.other >= s.epoch)
		return true; /* no news */
	if (p->from && p->from->cid != s.cid)
		return false;
	gosan_partner_raise(g, s);
	g->weak_moves++;
	if (p->from && p->from != g)
		g->edges[g->n_edges++ % GOSAN_EDGES_MAX] = (struct gosan_edge){p->from, s, op, stack};
	return true;
}

/* g learns the present moment of p, which meets it, and publishes its own in the same event. */
static inline void gosan_partner_hear(struct gosan_g *g, const struct gosan_g *p, int op, uint32_t stack)
{
	struct gosan_stamp s = {p->cid, p->epoch};

	gosan_partner_raise(g, s);
	g->weak_moves += 2;
	g->edges[g->n_edges++ % GOSAN_EDGES_MAX] = (struct gosan_edge){p, s, op, stack};
}

/* A rendezvous of two of whom each has learned from the other last: what gosan_partner_learn does for either side, by
 * one comparison for both. Neither is the system, whose moments stand for nothing. False: nothing was done. */
static inline bool gosan_partner_meet(struct gosan_g *a, struct gosan_g *b, int op, uint32_t stack)
{
	const struct gosan_clock *ca = &a->strong, *cb = &b->strong;

	if (ca->root != cb->root || ca->other_cid != b->cid || cb->other_cid != a->cid || ca->cid != a->cid ||
	    cb->cid != b->cid || a->cid == b->cid)
		return false;
	if (!ca->other || !cb->other || ca->other >= b->epoch || cb->other >= a->epoch || a->is_system ||
	    b->is_system || a->cid == GOSAN_CHAIN_SHARED || b->cid == GOSAN_CHAIN_SHARED)
		return false;
	if (ca->epoch != a->epoch || cb->epoch != b->epoch || !gosan_clock_same(ca, &a->weak) ||
	    !gosan_clock_same(cb, &b->weak))
		return false;
	gosan_partner_hear(a, b, op, stack);
	gosan_partner_hear(b, a, op, stack);
	return true;
}

#endif
