/* SPDX-License-Identifier: Apache-2.0
 *
 * blend.c: the table of blends. An entry is one word and is written once, by compare-and-swap: who finds it finds all of it.
 * The number of a blend is where it lies.
 */
#include "blend.h"

#define PROBES 8

uint64_t gosan_blends[GOSAN_BLENDS];

static inline uint64_t entry(uint32_t place)
{
	return __atomic_load_n(&gosan_blends[place & (GOSAN_BLENDS - 1)], __ATOMIC_RELAXED);
}

static inline uint32_t under_of(uint64_t e)
{
	return (uint32_t)e & (GOSAN_BLEND_FLAG | (GOSAN_BLEND_FLAG - 1));
}

static inline uint32_t over_of(uint64_t e)
{
	return (uint32_t)(e >> GOSAN_BLEND_OVER) & (GOSAN_BLEND_FLAG - 1);
}

static inline unsigned bytes_of(uint64_t e)
{
	return (unsigned)(e >> GOSAN_BLEND_MASK) & 0xff;
}

/* The next byte from a place that is in the blend already makes no deeper one: loops that alternate between two places
 * end with one blend for each step, not with one for each order. */
uint32_t gosan_blend(uint32_t under, uint32_t over, unsigned bytes)
{
	uint64_t depth = 1, key;
	uint32_t h;

	if (gosan_blend_is(over) || over == under)
		return over == under ? over : 0;
	if (gosan_blend_is(under)) {
		uint64_t e = entry(under);

		if (over_of(e) == over) {
			bytes |= bytes_of(e);
			depth = e >> GOSAN_BLEND_DEPTH;
			under = under_of(e);
		} else {
			depth = (e >> GOSAN_BLEND_DEPTH) + 1;
		}
	}
	if (depth > GOSAN_BLEND_DEEP)
		return 0;
	key = under | (uint64_t)over << GOSAN_BLEND_OVER | (uint64_t)bytes << GOSAN_BLEND_MASK |
	      depth << GOSAN_BLEND_DEPTH;
	h = (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - GOSAN_BLEND_BITS));
	for (uint32_t i = 0; i < PROBES; i++) {
		uint32_t at = (h + i) & (GOSAN_BLENDS - 1);
		uint64_t found = __atomic_load_n(&gosan_blends[at], __ATOMIC_RELAXED);

		if (!found && __atomic_compare_exchange_n(&gosan_blends[at], &found, key, false,
							  __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			found = key;
		if (found == key)
			return GOSAN_BLEND_FLAG | at;
	}
	return 0;
}

uint32_t gosan_blend_part(uint32_t place, unsigned byte, unsigned *bytes)
{
	while (gosan_blend_is(place)) {
		uint64_t e = entry(place);

		if (bytes_of(e) & byte) {
			*bytes &= bytes_of(e);
			return over_of(e);
		}
		*bytes &= ~bytes_of(e);
		place = under_of(e);
	}
	return place;
}
