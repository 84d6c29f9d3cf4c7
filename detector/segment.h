/* SPDX-License-Identifier: Apache-2.0
 *
 * segment.h: numbers for moments. A segment is one goroutine's one epoch, named by 22 bits, so that a cell of the
 * shadow fits 32. Knows which numbers are in use; knows nothing of cells.
 *
 * A goroutine gets its number at the first access of an epoch that is remembered: epochs without one cost nothing.
 * One that asks for many gets whole pages of neighbours, for which one entry of a small table answers mostly: the
 * table of all segments is 32 MiB, and a look into it for every old cell would miss every cache.
 * Context: any thread, lock-free.
 */
#ifndef GOSAN_SEGMENT_H
#define GOSAN_SEGMENT_H

#include "engine.h"

#define GOSAN_SEGMENT_BITS 22
#define GOSAN_SEGMENTS     (1u << GOSAN_SEGMENT_BITS)
#define GOSAN_SEGMENT_FREE (1u << 31) /* in cid: the free of a block at this moment, not an access */

struct gosan_segment {
	uint32_t cid, epoch;
};
/* By number; 0 is no segment. An entry does not change while a cell names it. */
extern struct gosan_segment *gosan_segments;

/* A page of numbers: cid (with the flag) whose they all are, 0 when they are several's; and an epoch that none of them
 * is above, UINT32_MAX while there are more to come. */
#define GOSAN_SEGMENT_PAGE_BITS 8
#define GOSAN_SEGMENT_PAGE      (1u << GOSAN_SEGMENT_PAGE_BITS)
#define GOSAN_SEGMENT_PAGES     (GOSAN_SEGMENTS / GOSAN_SEGMENT_PAGE)
extern uint64_t gosan_segment_pages[GOSAN_SEGMENT_PAGES]; /* epoch << 32 | cid */

int gosan_segment_init(void);
/* A number for the moment s, with GOSAN_SEGMENT_FREE or 0. g runs on the calling thread: numbers come in groups of
 * neighbours that it keeps. 0: all are in use. */
uint32_t gosan_segment_take(struct gosan_g *g, struct gosan_stamp s, uint32_t flag);

/* Whose segment it is, and an epoch that is its own or later. */
static inline struct gosan_segment gosan_segment_bound(uint32_t seg)
{
	uint64_t page =
		__atomic_load_n(&gosan_segment_pages[seg >> GOSAN_SEGMENT_PAGE_BITS], __ATOMIC_RELAXED);

	if ((uint32_t)page)
		return (struct gosan_segment){(uint32_t)page, (uint32_t)(page >> 32)};
	return gosan_segments[seg];
}

static inline struct gosan_stamp gosan_segment_stamp(uint32_t seg)
{
	const struct gosan_segment *s = &gosan_segments[seg];

	return (struct gosan_stamp){s->cid & ~GOSAN_SEGMENT_FREE, s->epoch};
}

/* Numbers from 1 to below this may be given out; the tests lower it. A multiple of 8. */
extern uint32_t gosan_segment_limit;
/* Numbers below this are: as many as are worth a collection. False: it is at the limit already. */
bool gosan_segment_grow(uint32_t at_least);
uint32_t gosan_segment_room(void);

/* For the collector (collect.c), while no goroutine is in the shadow: from now on exactly the numbers whose bits are
 * set are in use. Groups that goroutines keep are void: the caller drops those of all of them. */
extern uint8_t gosan_segment_used[GOSAN_SEGMENTS / 8];
void gosan_segment_reset(void);
void gosan_segment_drop(struct gosan_g *g);

#endif
