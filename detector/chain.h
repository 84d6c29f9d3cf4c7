/* SPDX-License-Identifier: Apache-2.0
 *
 * chain.h: which chain (cid) a goroutine's moments lie on. A chain is a sequence of goroutines each of which
 * happened before the next, so that one clock entry can stand for all of them. Knows nothing of objects.
 *
 * Context: all under the engine lock.
 */
#ifndef GOSAN_CHAIN_H
#define GOSAN_CHAIN_H

#include "engine.h"

/* Chain 0 is nobody's: a context that could not be made has stamps {0, 0}, which everybody covers. The last
 * one is shared by all goroutines that found no other. */
#define GOSAN_CHAIN_SHARED GOSAN_CID_MAX

/* Put g on a chain of its own, with its own entry in both clocks. */
void gosan_chain_begin(struct gosan_g *g);
/* g, which has not run yet, is spawned by a holder of these clocks: move it to a dead chain when one fits,
 * and set both clocks of g to copies with g's own entry. */
void gosan_chain_spawn(struct gosan_g *g, const struct gosan_clock *strong, const struct gosan_clock *weak);
/* g's clocks were replaced by others': set the entries of its own past again. */
void gosan_chain_restart(struct gosan_g *g);
/* Where the epochs of g's chain end, or are several goroutines': the rest of gosan_chain_advance. */
void gosan_chain_advance_slow(struct gosan_g *g);
/* Epoch after which a goroutine moves to a new chain; the tests lower it. */
extern uint32_t gosan_chain_last_epoch;
/* g published its clock: its later events are not covered by that. */
static inline void gosan_chain_advance(struct gosan_g *g)
{
	if (__builtin_expect(g->epoch >= gosan_chain_last_epoch || !g->cid || g->cid == GOSAN_CHAIN_SHARED,
			     0)) {
		gosan_chain_advance_slow(g);
		return;
	}
	gosan_g_moved_on(g);
	g->epoch++;
	g->strong.epoch = g->weak.epoch = g->epoch; /* beside both tries since own_entry */
}
/* g will have no more events: its chain may serve another. */
void gosan_chain_end(struct gosan_g *g);
/* g knows all that anybody did so far: in a forked child it is the only one left. */
void gosan_chain_alone(struct gosan_g *g);
/* fn(cid, epoch) for each tenant but the first of a chain: its moments are those after epoch. */
void gosan_chain_each_first(gosan_clock_fn *fn, void *arg);
/* fn for each tenant that is known, chain by chain, the latest first; the shared chain's are left out. */
void gosan_chain_each_tenant(void (*fn)(struct gosan_tenant *, void *), void *arg);
/* Those who are dead are never asked for again. */
void gosan_chain_forget(bool (*is_dead)(const struct gosan_g *));
struct gosan_g *gosan_chain_whose(struct gosan_stamp s);
/* Stamp of the first moment of g. */
struct gosan_stamp gosan_chain_birth(const struct gosan_g *g);

/* Chains given out before goroutines start to share; the tests lower it. */
extern uint32_t gosan_chain_limit;

#endif
