/* SPDX-License-Identifier: Apache-2.0
 *
 * lockdep.h: lock dependencies, the raw material of GS203 and GS205. A dependency is a request for a lock by somebody
 * who holds others; its instances differ in goroutine, place and time only.
 *
 * Two chains go through all requests, each in order of appearance: for each lock those that ask for it, and those that
 * hold it. So a search steps from a request to those that hold what it asks for, and to no other.
 */
#ifndef GOSAN_LOCKDEP_H
#define GOSAN_LOCKDEP_H

#include "analyze.h"

#define GOSAN_DEP_INSTANCES 16
#define GOSAN_DEP_SETS      16 /* one more than the most locks that are looked at */
/* A dependency and its first instance take some 200 bytes: before this, memory_limit_mb speaks. */
#define GOSAN_DEPS_MAX (1u << 24)

/* One request. */
struct gosan_depinst {
	struct gosan_g *g;
	uint32_t stack;
	uint32_t outer; /* read again: the stack of the acquisition that it nests in */
	struct gosan_stamp at;
	struct gosan_clock weak;
	uint32_t held_stack[]; /* [n_held] */
};

/* A lock of the held set, innermost first. */
struct gosan_dephold {
	struct gosan_obj *obj;
	uint32_t next; /* the next dependency that holds it; its number and 1; 0: none */
	bool read;
};

enum gosan_depkind { GOSAN_DEP_REQUEST, GOSAN_DEP_READ_AGAIN, GOSAN_DEP_WRITE };

/* Requests that differ in goroutine, stack or time only. */
struct gosan_dep {
	struct gosan_obj *lock;
	char *inst; /* instances: of the size that n_held asks for */
	uint32_t hash;
	uint32_t next;          /* the next that asks for the same lock; its number and 1; 0: none */
	uint32_t todo;          /* pruning: what comes after it in the list of work; its number and 1 */
	uint16_t n, room, turn; /* instances; places; where the next one of the later half goes */
	uint8_t n_held;
	unsigned char kind; /* enum gosan_depkind */
	bool read;
	bool out;    /* search: can't be in a cycle */
	bool told;   /* GS205 */
	bool listed; /* pruning: it is in the list of work */
	struct gosan_dephold held[];
};

/* In order of appearance; a dependency's number is its place. */
extern struct gosan_dep **gosan_lockdep_all;
extern uint32_t gosan_lockdep_n;

/* Of one instance, in bytes: a stack for each lock that is held follows it. */
static inline size_t gosan_lockdep_inst_size(const struct gosan_dep *d)
{
	return (sizeof(struct gosan_depinst) + d->n_held * sizeof(uint32_t) + 7) & ~(size_t)7;
}

static inline struct gosan_depinst *gosan_lockdep_inst(const struct gosan_dep *d, size_t i)
{
	return (void *)(d->inst + i * gosan_lockdep_inst_size(d));
}

static inline struct gosan_dep *gosan_lockdep_at(uint32_t link)
{
	return link ? gosan_lockdep_all[link - 1] : NULL;
}

/* Where d has lock, or n_held. */
static inline size_t gosan_lockdep_where(const struct gosan_dep *d, const struct gosan_obj *lock)
{
	size_t i = 0;

	while (i < d->n_held && d->held[i].obj != lock)
		i++;
	return i;
}

/* ev is a LOCK_REQUEST, before the engine applied it; outer: the acquisition that a read again nests in, else NULL.
 * True when its goroutine asks so from this place for the first time: then *ret_dep and *ret_inst say where it is. */
bool gosan_lockdep_record(enum gosan_depkind kind, const struct gosan_event *ev,
			  const struct gosan_held *outer, struct gosan_dep **ret_dep, size_t *ret_inst);
/* d counts no more among those that ask for its lock and hold the others: it is out, and so are all of which that makes
 * sure that they can't be in a cycle. */
void gosan_lockdep_leave_out(struct gosan_dep *d);
/* Somebody holds what d asks for, and somebody asks for what d holds. Modes don't count here. */
bool gosan_lockdep_possible(const struct gosan_dep *d);
/* The run is over: nothing is recorded any more. */
void gosan_lockdep_close(void);

#endif
