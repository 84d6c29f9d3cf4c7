/* SPDX-License-Identifier: Apache-2.0
 *
 * granule.h: one access meets one granule: the rule by which cells come and go. Used by the shadow's own files only.
 */
#ifndef GOSAN_GRANULE_H
#define GOSAN_GRANULE_H

#include "blend.h"
#include "floor.h"
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
	uint64_t was,
		now; /* two cells of a granule, and what the whole of this access made of them; was 0: unknown */
	unsigned reads_left; /* reads of others that a read still asks its clock about */
	size_t n_hits;
	unsigned hit_bytes;
	struct gosan_hit hits[GOSAN_HITS_MAX + 8];
};

/* The locks of granules that threads of a forked child's parent held are taken over soon. */
extern bool gosan_granule_forked;

/* Returns the places and the link as they are; unlocking writes them back. */
uint64_t gosan_granule_lock_slow(struct gosan_granule *s);
/* Somebody writes a run of granules of this page (range.c): give the lock back and wait. */
void gosan_granule_yield(struct gosan_granule *s);
static inline bool gosan_granule_try(struct gosan_granule *s, uint64_t places)
{
	if (!__atomic_compare_exchange_n(&s->places, &places, places | GOSAN_GRANULE_LOCK, false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	if (__builtin_expect(!gosan_shadowmem_is_busy(s), 1))
		return true;
	gosan_granule_yield(s);
	return false;
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

/* Does g know at a glance that the cell's moment comes before its present one? False says nothing. want: flags of the
 * access; neighbours have mostly been accessed by others in one moment, which is remembered for reads and for writes. */
static inline __attribute__((always_inline)) bool gosan_granule_before(struct gosan_g *g, uint32_t seg,
								       uint32_t want)
{
	uint32_t *met = &g->ordered[want & GOSAN_CELL_WRITE ? 1 : 0];
	const struct gosan_stamp *k;
	struct gosan_segment s;

	if (seg == *met)
		return true;
	s = gosan_segment_bound(seg);
	k = &g->known[s.cid % GOSAN_KNOWN];
	if (s.cid != g->cid &&
	    (s.cid != k->cid || (s.epoch > k->epoch && gosan_segments[seg].epoch > k->epoch)))
		return false;
	*met = seg;
	return true;
}

/* As granule.c's meet, where no conflict is possible and nothing is to be asked. False: it takes more. */
static inline __attribute__((always_inline)) bool gosan_granule_pass(struct gosan_g *g, uint32_t *cell,
								     uint32_t cell_place, uint32_t *want,
								     uint32_t bytes, uint32_t place)
{
	uint32_t c = *cell;

	if (!(c & bytes)) {
		if (c && !((c ^ *want) & ~GOSAN_CELL_ALL) && cell_place == place) {
			*want |= c;
			*cell = 0;
		}
		return true;
	}
	if (!gosan_granule_before(g, c >> GOSAN_CELL_SEGMENT, *want))
		return false;
	if (gosan_cell_as_strong(*want, c))
		*cell = c & GOSAN_CELL_ALL & ~bytes ? c & ~bytes : 0;
	return true;
}

/* Where the shadow is linear. */
static inline struct gosan_granule *gosan_granule_linear(const struct gosan_g *g, uintptr_t addr)
{
	return (struct gosan_granule *)(g->shadow_base + ((addr & g->shadow_mask) << 1));
}

/* The step that changes a granule, seen with these cells and places. False: it is not as it was, nothing was done. */
static inline __attribute__((always_inline)) bool gosan_granule_replace(struct gosan_granule *s,
									uint64_t cells, uint64_t places,
									uint64_t new_cells,
									uint64_t new_places)
{
	if (__builtin_expect(!gosan_granule_try(s, places), 0))
		return false;
	if (__builtin_expect(__atomic_load_n(&s->cells, __ATOMIC_RELAXED) != cells, 0)) {
		gosan_granule_unlock(s, places);
		return false;
	}
	__atomic_store_n(&s->cells, new_cells, __ATOMIC_RELAXED);
	gosan_granule_unlock(s, new_places);
	return true;
}

/* What most accesses are: within one granule that was in use before, at a time when nobody else is at it, after all
 * that is remembered of these bytes, and with room for the new cell. False: nothing was done. Without calls, so that
 * all of it stays in registers. */
static inline __attribute__((always_inline)) bool
gosan_granule_quick(struct gosan_g *g, struct gosan_granule *s, uint32_t want, uint32_t place)
{
	uint64_t places = __atomic_load_n(&s->places, __ATOMIC_RELAXED);
	uint64_t cells = __atomic_load_n(&s->cells, __ATOMIC_RELAXED);
	uint32_t a = (uint32_t)cells, b = (uint32_t)(cells >> 32), bytes = want & GOSAN_CELL_ALL, blend;
	uint64_t after;

	if ((places & (GOSAN_GRANULE_LOCK | GOSAN_GRANULE_LISTED)) ||
	    !gosan_granule_pass(g, &a, (uint32_t)places, &want, bytes, place) ||
	    !gosan_granule_pass(g, &b, (uint32_t)(places >> 32), &want, bytes, place))
		return false;
	/* What everybody covers makes room. */
	if (a && b && gosan_floor_covers(a >> GOSAN_CELL_SEGMENT))
		a = 0;
	else if (a && b && gosan_floor_covers(b >> GOSAN_CELL_SEGMENT))
		b = 0;
	if (!a) {
		after = (places & ~(uint64_t)UINT32_MAX) | place;
		a = want;
	} else if (!b) {
		after = (places & UINT32_MAX) | (uint64_t)place << 32;
		b = want;
	} else if (!((a ^ want) & ~GOSAN_CELL_ALL) &&
		   (blend = gosan_blend((uint32_t)places, place, want & GOSAN_CELL_ALL))) {
		after = (places & ~(uint64_t)UINT32_MAX) | blend;
		a |= want;
	} else if (!((b ^ want) & ~GOSAN_CELL_ALL) &&
		   (blend = gosan_blend((uint32_t)(places >> 32), place, want & GOSAN_CELL_ALL))) {
		after = (places & UINT32_MAX) | (uint64_t)blend << 32;
		b |= want;
	} else {
		return false;
	}
	return gosan_granule_replace(s, cells, places, a | (uint64_t)b << 32, after);
}

/* The whole step: checks the bytes of the walk's access in this granule and remembers it. False: it did not, because
 * it is time to raise the floor of w->due_cid first; then call it again. */
bool gosan_granule_check(struct gosan_walk *w, uintptr_t granule, struct gosan_granule *s, unsigned bytes);
/* Is `want` in one of the first blocks of an overflowing granule? Lock-free; false tells nothing. */
bool gosan_granule_listed(const struct gosan_granule *s, uint32_t want);
/* Take these bytes out of every cell. */
void gosan_granule_forget(struct gosan_granule *s, unsigned bytes);

#endif
