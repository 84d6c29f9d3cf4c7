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
static inline bool gosan_partner_fits(const struct gosan_g *g, const struct gosan_published *p,
				      struct gosan_stamp s)
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

/* The edge is kept for reports: whoever told it may have been on another chain since, and is then asked by hb.c. */
static inline bool gosan_partner_learn(struct gosan_g *g, const struct gosan_published *p, int op,
				       uint32_t stack)
{
	struct gosan_stamp s = p->at.epoch ? p->at : p->live;

	if (!gosan_partner_fits(g, p, s))
		return false;
	if (g->strong.other >= s.epoch)
		return true; /* no news */
	if (p->from && p->from->cid != s.cid)
		return false;
	g->strong.other = g->weak.other = s.epoch;
	g->learned = g->learned_weak = g->epoch;
	g->sources[0] = (struct gosan_source){s.cid, s.epoch, s.epoch, true};
	g->n_sources = 1;
	g->weak_moves++;
	if (p->from && p->from != g)
		g->edges[g->n_edges++ % GOSAN_EDGES_MAX] = (struct gosan_edge){p->from, s, op, stack};
	return true;
}

#endif
