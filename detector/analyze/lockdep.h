/* SPDX-License-Identifier: Apache-2.0
 *
 * lockdep.h: lock dependencies, the raw material of GS203 and GS205. A dependency is a request for a lock by somebody
 * who holds others; its instances differ in goroutine, place and time only.
 */
#ifndef GOSAN_LOCKDEP_H
#define GOSAN_LOCKDEP_H

#include "analyze.h"

#define GOSAN_DEP_INSTANCES 16
#define GOSAN_DEP_SETS      16 /* the last place of an instance's stacks is that of the outer read lock */
#define GOSAN_DEPS_MAX      65536u

/* One request. */
struct gosan_depinst {
	struct gosan_g *g;
	uint32_t stack;
	struct gosan_stamp at;
	struct gosan_clock weak;
	uint32_t held_stack[GOSAN_DEP_SETS];
	struct gosan_stamp outer; /* read again: the acquisition that it nests in */
};

enum gosan_depkind { GOSAN_DEP_REQUEST, GOSAN_DEP_READ_AGAIN, GOSAN_DEP_WRITE };

/* Requests that differ in goroutine, stack or time only. */
struct gosan_dep {
	enum gosan_depkind kind;
	struct gosan_obj *lock;
	bool read;
	size_t n_held;
	struct gosan_obj *held[GOSAN_DEP_SETS];
	bool held_read[GOSAN_DEP_SETS];
	struct gosan_depinst *inst;
	size_t n, room, next; /* instances; places; where the next one of the later half goes */
	bool out;             /* search: can't be in a cycle */
	bool told;            /* GS205 */
};

/* In order of appearance. */
extern struct gosan_dep *gosan_lockdep_all[GOSAN_DEPS_MAX];
extern size_t gosan_lockdep_n;

/* ev is a LOCK_REQUEST, before the engine applied it; outer: the acquisition that a read again nests in, else NULL.
 * True when its goroutine asks so from this place for the first time: then *ret_dep and *ret_inst say where it is. */
bool gosan_lockdep_record(enum gosan_depkind kind, const struct gosan_event *ev,
			  const struct gosan_held *outer, struct gosan_dep **ret_dep, size_t *ret_inst);
/* d counts once more (by 1) or less (by -1) among those that ask for its lock and hold the others. */
void gosan_lockdep_tally(const struct gosan_dep *d, int by);

#endif
