/* SPDX-License-Identifier: Apache-2.0
 *
 * segment.c: the table of segments and who may write which entry.
 *
 * Numbers are handed out in groups of 8 neighbours, which are one cache line of the table: a goroutine's latest
 * segments, which it meets most, lie together. `cursor` walks over the groups once between two collections; who
 * moves it over a group owns what is unused in it.
 */
#include "segment.h"

#include "mem.h"

#include <errno.h>

struct gosan_segment *gosan_segments;
uint8_t gosan_segment_used[GOSAN_SEGMENTS / 8] = {1};
uint32_t gosan_segment_limit = GOSAN_SEGMENTS;
static uint32_t cursor;

int gosan_segment_init(void)
{
	if (!gosan_segments)
		gosan_segments = gosan_mem_map(sizeof(*gosan_segments) * GOSAN_SEGMENTS);
	return gosan_segments ? 0 : -ENOMEM;
}

/* The cursor stops at the end: it must not wrap while threads go on asking. */
static bool take_group(struct gosan_g *g)
{
	while (__atomic_load_n(&cursor, __ATOMIC_RELAXED) < gosan_segment_limit / 8) {
		uint32_t i = __atomic_fetch_add(&cursor, 1, __ATOMIC_RELAXED);

		if (i >= gosan_segment_limit / 8)
			return false;
		g->seg_left = (uint8_t)~gosan_segment_used[i];
		if (!g->seg_left)
			continue;
		gosan_segment_used[i] = 0xff;
		g->seg_group = i;
		return true;
	}
	return false;
}

uint32_t gosan_segment_take(struct gosan_g *g, struct gosan_stamp s, uint32_t flag)
{
	uint32_t seg;

	if (!g->seg_left && !take_group(g))
		return 0;
	seg = g->seg_group * 8 + (uint32_t)__builtin_ctz(g->seg_left);
	g->seg_left &= (uint8_t)(g->seg_left - 1);
	gosan_segments[seg] = (struct gosan_segment){s.cid | flag, s.epoch};
	return seg;
}

void gosan_segment_reset(void)
{
	gosan_segment_used[0] |= 1;
	__atomic_store_n(&cursor, 0, __ATOMIC_RELAXED);
}
