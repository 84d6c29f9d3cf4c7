/* SPDX-License-Identifier: Apache-2.0
 *
 * segment.c: the table of segments and who may write which entry.
 *
 * Numbers are handed out in groups of 8 neighbours, which are one cache line of the table: a goroutine's latest
 * segments, which it meets most, lie together. `cursor` walks upwards over the groups once between two collections;
 * who moves it over a group owns what is unused in it. Whoever used up some groups gets pages of 256 that are all
 * free; `page_cursor` looks for these from the other end. A page serves one of the two: who comes first says which.
 *
 * Invariant: of a page that has an owner in gosan_segment_pages, every number that a cell names is the owner's. What a
 * collection left of such a page goes on; when the page is given out in groups afterwards it has no owner any more,
 * before the first number of it is somebody else's.
 */
#include "segment.h"

#include "mem.h"

#include <errno.h>
#include <string.h>

#define GROUP        8u
#define GROUPS       (GOSAN_SEGMENT_PAGE / GROUP) /* of a page */
#define MANY         64u                          /* numbers after which a goroutine gets whole pages */
#define ROOM_FIRST   (1u << 15)                   /* 256 KiB of the table */
#define OPEN         ((uint64_t)UINT32_MAX << 32)
#define PAGE_OF(seg) ((seg) >> GOSAN_SEGMENT_PAGE_BITS)

enum use { UNUSED, IN_GROUPS, WHOLE };

struct gosan_segment *gosan_segments;
uint64_t gosan_segment_pages[GOSAN_SEGMENT_PAGES];
uint8_t gosan_segment_used[GOSAN_SEGMENTS / 8] = {1};
uint32_t gosan_segment_limit = GOSAN_SEGMENTS;
static uint32_t room = ROOM_FIRST;
static uint8_t use[GOSAN_SEGMENT_PAGES];
static uint32_t cursor, page_cursor; /* groups from the bottom, pages from the top; of `room` numbers */

int gosan_segment_init(void)
{
	if (!gosan_segments)
		gosan_segments = gosan_mem_map(sizeof(*gosan_segments) * GOSAN_SEGMENTS);
	return gosan_segments ? 0 : -ENOMEM;
}

uint32_t gosan_segment_room(void)
{
	uint32_t n = __atomic_load_n(&room, __ATOMIC_RELAXED);

	return n < gosan_segment_limit ? n : gosan_segment_limit;
}

/* Groups go on from where they are; pages begin again at the new top. */
bool gosan_segment_grow(uint32_t at_least)
{
	uint32_t n = gosan_segment_room();

	if (n >= gosan_segment_limit || at_least <= n)
		return false;
	while (n < at_least && n < gosan_segment_limit)
		n *= 2;
	if (!gosan_mem_charge((n - gosan_segment_room()) * sizeof(*gosan_segments)))
		return false;
	__atomic_store_n(&room, n, __ATOMIC_RELAXED);
	__atomic_store_n(&page_cursor, 0, __ATOMIC_RELAXED);
	return true;
}

/* False: the page serves the other way. */
static bool claim(uint32_t page, enum use as)
{
	uint8_t was = UNUSED;

	return __atomic_compare_exchange_n(&use[page], &was, (uint8_t)as, false, __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED) ||
	       (as == IN_GROUPS && was == IN_GROUPS);
}

/* The cursor stops at the end: it must not wrap while threads go on asking. */
static bool take_group(struct gosan_g *g)
{
	uint32_t n = gosan_segment_room() / GROUP;

	while (__atomic_load_n(&cursor, __ATOMIC_RELAXED) < n) {
		uint32_t i = __atomic_fetch_add(&cursor, 1, __ATOMIC_RELAXED);

		if (i >= n)
			break;
		if (gosan_segment_used[i] == 0xff || !claim(i / GROUPS, IN_GROUPS))
			continue;
		__atomic_store_n(&gosan_segment_pages[i / GROUPS], 0, __ATOMIC_RELEASE);
		g->seg_left = (uint8_t)~gosan_segment_used[i];
		gosan_segment_used[i] = 0xff;
		g->seg_group = i;
		return true;
	}
	return false;
}

static bool is_free_page(uint32_t page)
{
	const uint8_t *used = &gosan_segment_used[page * GROUPS];

	for (uint32_t i = 0; i < GROUPS; i++)
		if (used[i])
			return false;
	return true;
}

/* A whole page for moments of this chain. */
static bool take_page(struct gosan_g *g, uint32_t cid)
{
	uint32_t n = gosan_segment_room() / GOSAN_SEGMENT_PAGE;

	while (__atomic_load_n(&page_cursor, __ATOMIC_RELAXED) < n) {
		uint32_t i = __atomic_fetch_add(&page_cursor, 1, __ATOMIC_RELAXED), page = n - 1 - i;

		if (i >= n)
			return false;
		if (!is_free_page(page) || !claim(page, WHOLE))
			continue;
		memset(&gosan_segment_used[page * GROUPS], 0xff, GROUPS);
		__atomic_store_n(&gosan_segment_pages[page], OPEN | cid, __ATOMIC_RELEASE);
		g->seg_next = page << GOSAN_SEGMENT_PAGE_BITS;
		return true;
	}
	return false;
}

/* No more numbers come from g's page: its latest is the one before seg_next. */
static void close_page(struct gosan_g *g)
{
	struct gosan_segment last;

	if (!g->seg_next)
		return;
	last = gosan_segments[g->seg_next - 1];
	__atomic_store_n(&gosan_segment_pages[PAGE_OF(g->seg_next - 1)],
			 (uint64_t)last.epoch << 32 | last.cid, __ATOMIC_RELEASE);
	g->seg_next = 0;
}

/* The next number of a page of its own; 0: it has none and gets none. A page names one chain. */
static uint32_t take_neighbour(struct gosan_g *g, struct gosan_segment s)
{
	uint32_t seg;

	if (g->seg_next && gosan_segments[g->seg_next - 1].cid != s.cid)
		close_page(g);
	if (!g->seg_next && !take_page(g, s.cid))
		return 0;
	seg = g->seg_next++;
	gosan_segments[seg] = s;
	if (g->seg_next % GOSAN_SEGMENT_PAGE == 0)
		close_page(g);
	return seg;
}

/* Frees are few and have a flag of their own: theirs come in groups. */
uint32_t gosan_segment_take(struct gosan_g *g, struct gosan_stamp at, uint32_t flag)
{
	struct gosan_segment s = {at.cid | flag, at.epoch};
	uint32_t seg;

	if (!flag && g->seg_taken == MANY && (seg = take_neighbour(g, s)))
		return seg;
	if (!g->seg_left && !take_group(g))
		return 0;
	seg = g->seg_group * GROUP + (uint32_t)__builtin_ctz(g->seg_left);
	g->seg_left &= (uint8_t)(g->seg_left - 1);
	g->seg_taken = (uint8_t)(g->seg_taken + (g->seg_taken < MANY));
	gosan_segments[seg] = s;
	return seg;
}

void gosan_segment_drop(struct gosan_g *g)
{
	close_page(g);
	g->seg_left = 0;
}

void gosan_segment_reset(void)
{
	gosan_segment_used[0] |= 1;
	memset(use, UNUSED, sizeof(use));
	__atomic_store_n(&page_cursor, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&cursor, 0, __ATOMIC_RELAXED);
}
