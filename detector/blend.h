/* SPDX-License-Identifier: Apache-2.0
 *
 * blend.h: one cell for accesses from several places. Fields of a word that one goroutine writes in one moment from
 * different lines would each take a cell, and three of them a list; but their cells differ in the place only. A blend is
 * a place made of two: `over` for some bytes of the granule, `under` for the others, which may be a blend itself. The
 * cell's segment and flags stay exact, and a report takes the place of each byte apart again.
 *
 * Context: any thread, lock-free. A blend is never removed, and there are at most GOSAN_BLENDS: programs have few, for
 * they come from the layout of their records. Beyond, and deeper than a granule has bytes, cells stay apart.
 */
#ifndef GOSAN_BLEND_H
#define GOSAN_BLEND_H

#include <stdbool.h>
#include <stdint.h>

/* Contexts have 25 bits, places 26. */
#define GOSAN_BLEND_FLAG (1u << 25)
#define GOSAN_BLEND_BITS 17
#define GOSAN_BLENDS     (1u << GOSAN_BLEND_BITS)

/* All of one blend, which is its key too; 0: none. */
#define GOSAN_BLEND_OVER  26 /* first bit; below it: under */
#define GOSAN_BLEND_MASK  51 /* the bytes of `over` */
#define GOSAN_BLEND_DEPTH 59
#define GOSAN_BLEND_DEEP  8
extern uint64_t gosan_blends[GOSAN_BLENDS];

static inline bool gosan_blend_is(uint32_t place)
{
	return place & GOSAN_BLEND_FLAG;
}

/* The place of bytes of which these are `over`'s, a place of one access, and the rest as in `under`. 0: none is to be
 * had. */
uint32_t gosan_blend(uint32_t under, uint32_t over, unsigned bytes);

/* The place of one byte, as a mask; *bytes, which has it, keeps those that are of the same. */
uint32_t gosan_blend_part(uint32_t place, unsigned byte, unsigned *bytes);

#endif
