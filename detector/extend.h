/* SPDX-License-Identifier: Apache-2.0
 *
 * extend.h: the next byte of a loop. Its goroutine has just remembered the byte before, from the same place: then that
 * cell takes it in. One of eight accesses in a loop over bytes opens a granule, the other seven end here, so this is kept
 * apart from the way of all (gosan_shadow_access), and inline in the hooks.
 */
#ifndef GOSAN_EXTEND_H
#define GOSAN_EXTEND_H

#include "collect.h"
#include "context.h"
#include "granule.h"

/* As gosan_granule_replace, with no wait and no call: what can't be done at once goes the way of all. Without calls the hook
 * needs no registers of its caller's, which to save would cost as much as the look at the cells. */
static inline __attribute__((always_inline)) bool
gosan_extend_replace(struct gosan_granule *s, uint64_t cells, uint64_t places, uint64_t new_cells)
{
	uint64_t expected = places;
	bool same;

	if (!__atomic_compare_exchange_n(&s->places, &expected, places | GOSAN_GRANULE_LOCK, false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	/* The writer of a run wrote other granules of the page perhaps, and waits for this one: range.c. It never writes the
	 * word that has the lock's bit. */
	if (__builtin_expect(__atomic_load_n(gosan_shadowmem_state_of(s), __ATOMIC_RELAXED) & GOSAN_PAGE_BUSY,
			     0)) {
		__atomic_fetch_and(&s->places, ~GOSAN_GRANULE_LOCK, __ATOMIC_RELEASE);
		return false;
	}
	same = __atomic_load_n(&s->cells, __ATOMIC_RELAXED) == cells;
	if (__builtin_expect(same, 1))
		__atomic_store_n(&s->cells, new_cells, __ATOMIC_RELAXED);
	gosan_granule_unlock(s, places);
	return same;
}

/* The next byte of a loop: a cell of g's present moment with these flags and this place takes its bytes in. The other
 * cell has none of them, or is of the moment that was met last. A granule with such a cell needs no look at its page,
 * and lies in a linear shadow: the empty granule has no cells. */
static inline __attribute__((always_inline)) bool gosan_extend_granule(struct gosan_g *g,
								       struct gosan_granule *s, uint32_t want,
								       unsigned flags, uint32_t place)
{
	uint64_t places = __atomic_load_n(&s->places, __ATOMIC_RELAXED);
	uint64_t cells = __atomic_load_n(&s->cells, __ATOMIC_RELAXED);
	uint32_t bytes = want & GOSAN_CELL_ALL, other;
	uint64_t after;
	unsigned lane = 0;

	/* The place is compared with the lock's and the list's bit: neither is set, then. */
	if ((((uint32_t)cells ^ want) & ~GOSAN_CELL_ALL) | ((uint32_t)places ^ place)) {
		if ((((uint32_t)(cells >> 32) ^ want) & ~GOSAN_CELL_ALL) |
		    ((uint32_t)(places >> 32) ^ place) | ((uint32_t)places & (uint32_t)GOSAN_GRANULE_LOCK))
			return false;
		lane = 32;
	} else if (places & GOSAN_GRANULE_LISTED) {
		return false;
	}
	after = cells | (uint64_t)bytes << lane;
	other = (uint32_t)(cells >> (32 - lane));
	if (other & bytes) {
		if (other >> GOSAN_CELL_SEGMENT != g->ordered[flags & GOSAN_WRITE])
			return false;
		if (gosan_cell_as_strong(gosan_cell_flags(flags), other))
			after &= ~((uint64_t)(other & GOSAN_CELL_ALL & ~bytes ? bytes : UINT32_MAX)
				   << (32 - lane));
	}
	return gosan_extend_replace(s, cells, places, after);
}

/* A plain access by g, which runs on the calling thread. False: nothing was done; ask gosan_shadow_access. */
static inline __attribute__((always_inline)) bool
gosan_extend_access(struct gosan_g *g, uintptr_t addr, size_t size, unsigned flags, uintptr_t pc)
{
	uint32_t place = gosan_context_same_place(g, flags, pc), want;
	bool done = false;

	if (!place || (g->ignored[GOSAN_IGNORED_READS] | g->ignored[GOSAN_IGNORED_WRITES]) || g->in_shadow ||
	    (addr & 7) + size > 8)
		return false;
	want = (g->cell & ~GOSAN_CELL_LOW) | gosan_cell_flags(flags) | (0xffu >> (8 - size)) << (addr & 7);
	__atomic_store_n(&g->in_shadow, true, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (__builtin_expect(!__atomic_load_n(&gosan_gate.closed, __ATOMIC_ACQUIRE), 1))
		done = gosan_extend_granule(g, gosan_granule_linear(g, addr), want, flags, place);
	gosan_collect_leave(g);
	return done;
}

#endif
