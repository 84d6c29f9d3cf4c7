/* SPDX-License-Identifier: Apache-2.0
 *
 * atomic.h: the release clocks of atomic variables, and fences: C11's synchronizes-with, release sequences
 * included. Knows clocks; the operation itself, and its entry in the shadow, are the front end's.
 *
 * The front end holds the variable's lock (gosan_atomic_lock) over the operation and its edges, so that
 * the edges follow the modification order. Order in one operation: the value is read, gosan_atomic_loaded,
 * the access is checked, the value is visible, gosan_atomic_stored. A load may do without: it reads the value, asks
 * gosan_atomic_settled, and only if that says no takes the lock and reads again.
 */
#ifndef GOSAN_ATOMIC_H
#define GOSAN_ATOMIC_H

#include "engine.h"

/* Memory orders as the compilers pass them. */
enum gosan_mo {
	GOSAN_MO_RELAXED,
	GOSAN_MO_CONSUME,
	GOSAN_MO_ACQUIRE,
	GOSAN_MO_RELEASE,
	GOSAN_MO_ACQ_REL,
	GOSAN_MO_SEQ_CST,
};

struct gosan_atomic_stripe;

/* NULL inside a signal handler that interrupted a holder: do the operation, tell nobody. */
struct gosan_atomic_stripe *gosan_atomic_lock(uintptr_t addr);
void gosan_atomic_unlock(struct gosan_atomic_stripe *s);
/* Without the lock, after the value was read: g knows already all that was ever published through this variable. */
bool gosan_atomic_settled(const struct gosan_g *g, uintptr_t addr, int mo);
/* g read the value: acquire joins the variable's clock; relaxed keeps it for an acquire fence to come. pc: of the
 * operation, for the edge. */
void gosan_atomic_loaded(struct gosan_atomic_stripe *s, struct gosan_g *g, uintptr_t addr, int mo,
			 uintptr_t pc);
/* g wrote the value. A store heads a new release sequence or ends the old; a read-modify-write goes on with it. */
void gosan_atomic_stored(struct gosan_atomic_stripe *s, struct gosan_g *g, uintptr_t addr, int mo,
			 bool is_rmw);
void gosan_atomic_fence(struct gosan_g *g, int mo);
/* [addr, addr + size) is new memory: no atomic in it has a past. */
void gosan_atomic_forget(uintptr_t addr, size_t size);
void gosan_atomic_fork_child(void);
/* For coarsen.c, under the engine lock: take all stripes, so that no atomic changes a clock, or give them back. False:
 * one was not to be had, and none is taken. */
bool gosan_atomic_freeze(bool on);
/* Meanwhile, of the strong relation: the variables' clocks, and those that g keeps for its fences. */
void gosan_atomic_each(void (*fn)(const struct gosan_clock *, void *), void *arg);
void gosan_atomic_each_kept(const struct gosan_g *g, void (*fn)(const struct gosan_clock *, void *),
			    void *arg);

/* g has ended and is named by nobody: what it remembers goes. Under the engine lock. */
void gosan_atomic_drop(struct gosan_g *g);

#endif
