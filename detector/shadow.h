/* SPDX-License-Identifier: Apache-2.0
 *
 * shadow.h: what was accessed, by whom and when. Knows cells and clocks; knows nothing of reports.
 *
 * Each 8-byte granule of the program's memory has 16 bytes of shadow: two cells and their places.
 *
 *      cell  31          10   9     8   7   0      place: context, pc, locks (context.h)
 *           |   segment   | plain|write| bytes|
 *
 * A segment is a moment of a goroutine (segment.h). A third cell makes the granule overflow into a list of blocks of
 * seven (granule.c). Rule: a cell leaves the shadow only when its bytes are covered by a newer access that happens
 * after it and conflicts with everything that it conflicts with (FastTrack, Flanagan and Freund, PLDI 2009, kept
 * per byte and per goroutine), or when its memory is forgotten. So no race is missed, whatever came between.
 *
 * The shadow is one linear mapping of 44 bits of the address: programs on x86-64 use both ends of 47 bits and
 * nothing that collides. Where two such pages do meet, the second is not checked, and counted in shadow_lost.
 */
#ifndef GOSAN_SHADOW_H
#define GOSAN_SHADOW_H

#include "access.h"

struct gosan_granule {
	union {
		uint32_t cell[2];
		uint64_t cells;
	};
	union {
		uint32_t place[2];
		uint64_t places;
	};
};

#define GOSAN_CELL_ALL     0xffu /* bytes */
#define GOSAN_CELL_WRITE   0x100u
#define GOSAN_CELL_PLAIN   0x200u /* not atomic */
#define GOSAN_CELL_FLAGS   (GOSAN_CELL_WRITE | GOSAN_CELL_PLAIN)
#define GOSAN_CELL_LOW     0x3ffu
#define GOSAN_CELL_SEGMENT 10

/* Places have 26 bits. The lock of a granule is bit 31 of its first place. Bit 31 of the second says that it is a
 * link to a block instead, which then keeps that place. */
#define GOSAN_GRANULE_LOCK   (UINT64_C(1) << 31)
#define GOSAN_GRANULE_LISTED (UINT64_C(1) << 63)

/* The granule of an address is at base + 2 * (address & mask). mask is 0 when there is no linear shadow: then base is
 * a granule that stays empty, which sends every hook the slow way. */
extern struct gosan_granule gosan_shadow_empty;
extern uintptr_t gosan_shadow_base __attribute__((visibility("hidden")));
extern uintptr_t gosan_shadow_mask __attribute__((visibility("hidden")));

/* What hooks find in a goroutine beside its cell (hot/hot.h). */
static inline void gosan_shadow_birth(struct gosan_g *g)
{
	static const uint64_t cells[] = GOSAN_G_CELLS(GOSAN_CELL_NONE), writes[] = GOSAN_G_WRITES;

	g->cells[1] = cells[1];
	g->writes[0] = writes[0];
	g->shadow_mask = gosan_shadow_mask;
	g->shadow_base = gosan_shadow_base;
}

/* Flags of an access as bits of a cell. */
static inline uint32_t gosan_cell_flags(unsigned flags)
{
	return (flags & GOSAN_WRITE ? GOSAN_CELL_WRITE : 0) | (flags & GOSAN_ATOMIC ? 0 : GOSAN_CELL_PLAIN);
}

/* Whoever conflicts with an access of flags b conflicts with one of flags a on the same bytes. */
static inline bool gosan_cell_as_strong(uint32_t a, uint32_t b)
{
	return !(b & ~a & GOSAN_CELL_FLAGS);
}

/* Does the cell say that this goroutine, in this epoch, did what `want` says or more? Then every conflict of it was
 * or will be seen. */
static inline bool gosan_cell_stands_for(uint32_t cell, uint32_t want)
{
	return !((cell ^ want) >> GOSAN_CELL_SEGMENT) && !(~cell & want & GOSAN_CELL_LOW);
}

/* Is an access of these bytes (a mask that may leave its granule: then no) by g, in its present epoch, remembered
 * inline? Lock-free: a cell of a running goroutine's present moment was put there by itself, and nobody else removes
 * it but gosan_shadow_forget. What is not asked for is masked out of the difference. False tells nothing. */
static inline __attribute__((always_inline)) bool gosan_shadow_holds(const struct gosan_g *g, uintptr_t addr,
								     unsigned bytes, unsigned flags)
{
	const struct gosan_granule *s =
		(const struct gosan_granule *)(g->shadow_base + ((addr & g->shadow_mask) << 1));
	uint32_t asked = ~GOSAN_CELL_LOW | bytes | gosan_cell_flags(flags), cell = g->cell;

	if (bytes > GOSAN_CELL_ALL)
		return false;
	uint64_t a = (__atomic_load_n(&s->cell[0], __ATOMIC_RELAXED) ^ cell) & asked;
	uint64_t b = (__atomic_load_n(&s->cell[1], __ATOMIC_RELAXED) ^ cell) & asked;

	return a * b == 0;
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
/* The shadow of addr is another address's (see above): what is remembered there says nothing of addr. */
bool gosan_shadow_collides(uintptr_t addr);

int gosan_shadow_init(void);
/* In a forked child: locks that were held by threads that don't exist here are taken over. */
void gosan_shadow_fork_child(void);

#endif
