/* SPDX-License-Identifier: Apache-2.0
 *
 * granule.h: one access meets one granule: the rule by which cells come and go. Used by the shadow's own files only.
 */
#ifndef GOSAN_GRANULE_H
#define GOSAN_GRANULE_H

#include "segment.h"
#include "shadowmem.h"

#define GOSAN_HITS_MAX \
	16 /* conflicts told per access and granule; beyond, one more per byte that none touches */

/* A conflict, copied while the granule is locked: afterwards the old cell's segment may be another's. */
struct gosan_hit {
	uintptr_t addr;
	struct gosan_stamp at;
	uint32_t cell, place; /* the old access: flags and bytes; its place */
	unsigned both;        /* bytes of the granule that both touch */
	bool is_free, ordered;
};

/* One access while it walks over its granules. */
struct gosan_walk {
	struct gosan_g *g;
	uintptr_t addr;
	size_t size;
	unsigned flags;
	uintptr_t pc;   /* when place is not known yet: most accesses never need it */
	uint32_t place; /* set before gosan_granule_check */
	uint32_t want;  /* segment and flags of the cell that it leaves */
	uint32_t bytes; /* of the present granule; merged neighbours are not in it: they were checked */
	uint32_t due_cid;
	uint64_t replaced;   /* two cells of a granule: this access took the place of both */
	uintptr_t open;      /* the page that it opened last */
	unsigned reads_left; /* reads of others that a read still asks its clock about */
	size_t n_hits;
	unsigned hit_bytes;
	struct gosan_hit hits[GOSAN_HITS_MAX + 8];
};

/* The locks of granules that threads of a forked child's parent held are taken over soon. */
extern bool gosan_granule_forked;

/* Returns the places and the link as they are; unlocking writes them back. */
uint64_t gosan_granule_lock_slow(struct gosan_granule *s);
static inline bool gosan_granule_try(struct gosan_granule *s, uint64_t places)
{
	return __atomic_compare_exchange_n(&s->places, &places, places | GOSAN_GRANULE_LOCK, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}
static inline uint64_t gosan_granule_lock(struct gosan_granule *s)
{
	uint64_t places = __atomic_load_n(&s->places, __ATOMIC_RELAXED);

	if (__builtin_expect(!(places & GOSAN_GRANULE_LOCK) && gosan_granule_try(s, places), 1))
		return places;
	return gosan_granule_lock_slow(s);
}
static inline void gosan_granule_unlock(struct gosan_granule *s, uint64_t places)
{
	__atomic_store_n(&s->places, places & ~GOSAN_GRANULE_LOCK, __ATOMIC_RELEASE);
}

/* The whole step: checks the bytes of the walk's access in this granule and remembers it. False: it did not, because
 * it is time to raise the floor of w->due_cid first; then call it again. */
bool gosan_granule_check(struct gosan_walk *w, uintptr_t granule, struct gosan_granule *s, unsigned bytes);
/* Is `want` in one of the first blocks of an overflowing granule? Lock-free; false tells nothing. */
bool gosan_granule_listed(const struct gosan_granule *s, uint32_t want);
/* Take these bytes out of every cell. */
void gosan_granule_forget(struct gosan_granule *s, unsigned bytes);

#endif
