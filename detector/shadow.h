/* SPDX-License-Identifier: Apache-2.0
 *
 * shadow.h: what was accessed, by whom and when. Knows cells and clocks; knows nothing of reports.
 *
 * Each 8-byte granule of the program's memory has one 16-byte cell inline, and a list of further cells:
 *
 *      what  63        32 31    24 23  21 20       0      place: context, pc, locks (context.h)
 *           |   epoch    |  bytes |flags |   cid    |     link:  first overflow node | version | lock
 *
 * The lower half of `what` is arranged so that (epoch, cid) of a goroutine can be loaded as one word.
 * Rule: a cell leaves the shadow only when its bytes are covered by a newer access that happens after it
 * and conflicts with everything that it conflicts with (FastTrack, Flanagan and Freund, PLDI 2009, kept
 * per byte and per goroutine), or when its memory is forgotten. So no race is missed, whatever came between.
 *
 * Memory is found by a table of 1 GiB regions, mapped at first touch: no address is assumed to be free.
 */
#ifndef GOSAN_SHADOW_H
#define GOSAN_SHADOW_H

#include "access.h"

struct gosan_cell {
	uint64_t what;
	uint32_t place;
	uint32_t link;
};

#define GOSAN_CELL_CID     ((UINT64_C(1) << GOSAN_CID_BITS) - 1)
#define GOSAN_CELL_FLAGS   GOSAN_CID_BITS
#define GOSAN_CELL_BYTES   24
#define GOSAN_CELL_ALL     (UINT64_C(0xff) << GOSAN_CELL_BYTES)
#define GOSAN_CELL_EPOCH   32
#define GOSAN_CELL_FLAG(f) ((uint64_t)(f) << GOSAN_CELL_FLAGS)

#define GOSAN_REGION_BITS 30
#define GOSAN_REGIONS     ((uintptr_t)1 << (47 - GOSAN_REGION_BITS))

/* Biased: + 2 * address is the granule's cell; 0 is a region that was never touched. */
extern uintptr_t gosan_shadow_regions[GOSAN_REGIONS];

static inline uint64_t gosan_cell_what(const struct gosan_g *g, uint64_t low)
{
	return ((uint64_t)g->epoch << GOSAN_CELL_EPOCH | g->cid) | low;
}
static inline struct gosan_stamp gosan_cell_stamp(uint64_t what)
{
	return (struct gosan_stamp){(uint32_t)(what & GOSAN_CELL_CID), (uint32_t)(what >> GOSAN_CELL_EPOCH)};
}
static inline unsigned gosan_cell_flags(uint64_t what)
{
	return (unsigned)(what >> GOSAN_CELL_FLAGS) & 7;
}
static inline unsigned gosan_cell_bytes(uint64_t what)
{
	return (unsigned)(what >> GOSAN_CELL_BYTES) & 0xff;
}

static inline struct gosan_cell *gosan_shadow_cell(uintptr_t addr)
{
	uintptr_t region = gosan_shadow_regions[(addr >> GOSAN_REGION_BITS) & (GOSAN_REGIONS - 1)];

	return region ? (struct gosan_cell *)(region + ((addr & ~(uintptr_t)7) << 1)) : NULL;
}

/* Overflow nodes by index, and the parts of link. */
extern struct gosan_cell *gosan_shadow_nodes;
#define GOSAN_LINK_FIRST 5 /* first node; below it 4 bits of version; below them the lock */

/* Whoever conflicts with an access of flags b conflicts with one of flags a on the same bytes. */
static inline bool gosan_shadow_as_strong(unsigned a, unsigned b)
{
	return ((a & GOSAN_WRITE) || !(b & GOSAN_WRITE)) && (!(a & GOSAN_ATOMIC) || (b & GOSAN_ATOMIC));
}

/* Does the cell `old` say that this goroutine, in this epoch, did what `what` says or more? Then every
 * conflict of it was or will be seen. */
static inline bool gosan_shadow_stands_for(uint64_t old, uint64_t what)
{
	return !((old ^ what) & ~(GOSAN_CELL_ALL | GOSAN_CELL_FLAG(7))) && !(~old & what & GOSAN_CELL_ALL) &&
	       gosan_shadow_as_strong(gosan_cell_flags(old), gosan_cell_flags(what)) &&
	       !((old ^ what) & GOSAN_CELL_FLAG(GOSAN_FREE));
}

/* Look through the overflow list for such a cell, without the lock. Nodes may be used again elsewhere
 * while we walk; then the version in link, which every unlock advances, has changed. */
static inline bool gosan_shadow_listed(const struct gosan_cell *c, uint64_t what)
{
	uint32_t link = __atomic_load_n(&c->link, __ATOMIC_ACQUIRE), id = link >> GOSAN_LINK_FIRST;

	for (unsigned steps = 24; id && !(link & 1) && steps; steps--) {
		const struct gosan_cell *n = &gosan_shadow_nodes[id];

		if (gosan_shadow_stands_for(__atomic_load_n(&n->what, __ATOMIC_RELAXED), what)) {
			__atomic_thread_fence(__ATOMIC_ACQUIRE);
			return __atomic_load_n(&c->link, __ATOMIC_RELAXED) == link;
		}
		id = __atomic_load_n(&n->link, __ATOMIC_RELAXED) & (UINT32_MAX >> GOSAN_LINK_FIRST);
	}
	return false;
}

/* Is a plain access of these bytes by g, in its present epoch, remembered inline by one as strong?
 * low = byte mask and flags of the access, in place. Lock-free; false tells nothing. */
static inline bool gosan_shadow_same(const struct gosan_g *g, uintptr_t addr, uint64_t low)
{
	uintptr_t region = gosan_shadow_regions[(addr >> GOSAN_REGION_BITS) & (GOSAN_REGIONS - 1)];
	const struct gosan_cell *c = (const struct gosan_cell *)(region + ((addr & ~(uintptr_t)7) << 1));
	uint64_t other = (GOSAN_CELL_ALL | GOSAN_CELL_FLAG(GOSAN_WRITE)) & ~low;

	return __builtin_expect(region != 0, 1) &&
	       (__atomic_load_n(&c->what, __ATOMIC_RELAXED) & ~other) == gosan_cell_what(g, low);
}

/* The access itself: checks it against all that is remembered of its bytes, calls gosan_race_found
 * (race.h) for conflicts, and remembers it. Any thread; g runs on the calling one. */
void gosan_shadow_access(struct gosan_g *g, uintptr_t addr, size_t size, unsigned flags, uintptr_t pc);
/* The same for a place that is known already. */
void gosan_shadow_access_at(struct gosan_g *g, uintptr_t addr, size_t size, unsigned flags, uint32_t place);
/* Whole pages of [addr, addr + size) where nothing was ever accessed are only marked, to be filled with
 * the cell of the free (heap.c knows it) when somebody comes; all others are checked and marked now. */
void gosan_shadow_free(struct gosan_g *g, uintptr_t addr, size_t size, uint32_t place);
void gosan_shadow_forget(uintptr_t addr, size_t size);

/* Pages that contain the address of an atomic's release clock (atomic.h): forgetting must reach those. */
void gosan_shadow_mark_atomic(uintptr_t addr);

/* In a forked child: locks that were held by threads that don't exist here are taken over. */
void gosan_shadow_fork_child(void);

#endif
