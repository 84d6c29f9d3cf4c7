/* SPDX-License-Identifier: Apache-2.0
 *
 * coarsen.c: which segments are the same to everybody?
 *
 *   chain 7     s1    s2   |   s3   s4   s5   |   s6        segments in use, by epoch
 *   entries                4                  9             what any clock has for chain 7: an epoch that it covers
 *   becomes     s1    s1       s3   s3   s3       s6
 *
 * Invariants
 *  - An access is compared with clocks only: does the entry for its chain reach its epoch? Two epochs between which no
 *    entry of any strong clock lies have the same answer now. They have it for ever: an entry of a past epoch comes
 *    into a clock from another clock only, and its chain's owner publishes its present epoch and later ones.
 *  - So merging them is exact. The lowest epoch stands for all. An answer that somebody remembered (gosan_g.known,
 *    floors) is an entry that was true once, so it reaches the lowest only if what is true now reaches all.
 *  - Tenants of a chain are kept apart, because a report names the goroutine; so are accesses and frees. The present
 *    moments of goroutines keep their numbers: they have them at hand without a lock.
 *  - All clocks stand still meanwhile: those of objects under their bits, those of atomics under the stripes, those of
 *    goroutines because whatever else changes them needs the engine lock or one of these, or holds their bit.
 *
 * A server whose idle main thread learns nothing keeps everything that its workers ever did comparable. There each
 * chain has an entry in a few clocks, and millions of moments become as many as there are entries. Where they don't, the
 * second way makes pairs of neighbours one, the lowest epoch for both: whoever covers one but not the other will be
 * thought to cover both. That hides races at worst, and each pair counts.
 *
 * Capacity: the scratch is 12 bytes twice for each segment and each entry between segments, for the time of the pass.
 */
#include "coarsen.h"

#include "atomic.h"
#include "chain.h"
#include "collect.h"
#include "granule.h"
#include "hb.h"
#include "mem.h"
#include "object.h"

#include <string.h>

#define ITEMS_MAX (1u << 24)
#define DIGIT     11 /* bits of a key that one pass of the sort looks at */

/* In this order where the epoch is the same: an entry for e covers e. */
enum kind { SEGMENT, ENTRY, TENANT };

struct item {
	uint32_t cid, epoch;
	uint32_t what; /* kind << 22 | number of the segment */
};

/* Epochs of the segments of a chain: entries outside tell nothing. hi 0: it has none. */
struct span {
	uint32_t lo, hi;
};

static struct item *items, *spare;
static uint32_t n_items;
static struct span *spans; /* by cid */
static uint32_t *alias;    /* by number; 0: it stays */
static bool full;          /* more entries than there is room for */

static void add(uint32_t cid, uint32_t epoch, enum kind kind, uint32_t seg)
{
	if (n_items == ITEMS_MAX)
		full = true;
	else
		items[n_items++] = (struct item){cid, epoch, (uint32_t)kind << GOSAN_SEGMENT_BITS | seg};
}

/* The shared chain has moments that stand for several goroutines: left alone. */
static void add_segments(void)
{
	for (uint32_t seg = 1; seg < gosan_segment_limit; seg++) {
		uint32_t cid = gosan_segments[seg].cid & ~GOSAN_SEGMENT_FREE;
		uint32_t epoch = gosan_segments[seg].epoch;
		struct span *s = &spans[cid];

		if (!(gosan_segment_used[seg / 8] & 1u << seg % 8) || cid == GOSAN_CHAIN_SHARED || !epoch)
			continue;
		add(cid, epoch, SEGMENT, seg);
		if (!s->hi || epoch < s->lo)
			s->lo = epoch;
		if (epoch > s->hi)
			s->hi = epoch;
	}
}

static void add_entry(uint32_t cid, uint32_t epoch, void *kind)
{
	const struct span *s = &spans[cid];

	if (epoch >= s->lo && epoch < s->hi)
		add(cid, epoch, kind ? TENANT : ENTRY, 0);
}

static void add_clock(const struct gosan_clock *c, void *pass)
{
	gosan_clock_each(c, *(const uint32_t *)pass, add_entry, NULL);
}

static void add_object(struct gosan_obj *obj, void *pass)
{
	add_clock(&obj->strong, pass);
	add_clock(&obj->r_strong, pass);
	for (size_t i = 0; obj->slots && i < obj->cap; i++)
		add_clock(&obj->slots[i].strong, pass);
}

/* Its own bit is held for the changes that it makes without any lock of an object: a fence. */
static void add_goroutine(struct gosan_g *g, void *pass)
{
	gosan_hb_bit_lock(&g->clock_bit);
	add_clock(&g->strong, pass);
	for (uint32_t i = 0; g->sources && i < GOSAN_SOURCES; i++)
		add_entry(g->sources[i].cid, g->sources[i].epoch, NULL);
	gosan_atomic_each_kept(g, add_clock, pass);
	gosan_hb_bit_unlock(&g->clock_bit);
}

static void add_entries(void)
{
	static uint32_t pass;

	pass = gosan_clock_next_pass(pass);
	gosan_object_each(0, UINTPTR_MAX, add_object, &pass);
	for (struct gosan_g *g = gosan_engine_all(); g; g = g->next)
		add_goroutine(g, &pass);
	gosan_atomic_each(add_clock, &pass);
	gosan_chain_each_first(add_entry, &pass);
}

/* One pass of a radix sort, stable, from the least significant digit on: `word` 0 is what, 1 epoch, 2 cid. */
static void sort_by(unsigned word, unsigned shift)
{
	static uint32_t start[(1u << DIGIT) + 1];
	struct item *swap = items;

	memset(start, 0, sizeof(start));
	for (uint32_t i = 0; i < n_items; i++) {
		const uint32_t key[] = {items[i].what, items[i].epoch, items[i].cid};

		start[(key[word] >> shift & ((1u << DIGIT) - 1)) + 1]++;
	}
	for (uint32_t i = 1; i <= 1u << DIGIT; i++)
		start[i] += start[i - 1];
	for (uint32_t i = 0; i < n_items; i++) {
		const uint32_t key[] = {items[i].what, items[i].epoch, items[i].cid};

		spare[start[key[word] >> shift & ((1u << DIGIT) - 1)]++] = items[i];
	}
	items = spare;
	spare = swap;
}

static void sort(void)
{
	sort_by(0, GOSAN_SEGMENT_BITS);
	for (unsigned shift = 0; shift < 32; shift += DIGIT)
		sort_by(1, shift);
	for (unsigned shift = 0; shift < 32; shift += DIGIT)
		sort_by(2, shift);
}

/* The present moments' numbers are known outside of the shadow. */
static void keep_present(void)
{
	for (const struct gosan_g *g = gosan_engine_all(); g; g = g->next) {
		alias[g->cell >> GOSAN_CELL_SEGMENT] = g->cell >> GOSAN_CELL_SEGMENT;
		alias[g->free_cell >> GOSAN_CELL_SEGMENT] = g->free_cell >> GOSAN_CELL_SEGMENT;
	}
}

/* Sorted: segments with nothing between them that keeps them apart. */
static uint32_t merge_same(void)
{
	uint32_t first[2] = {0, 0}, merged = 0; /* of accesses, of frees */

	for (uint32_t i = 0; i < n_items; i++) {
		uint32_t seg = items[i].what & (GOSAN_SEGMENTS - 1);
		bool is_free = gosan_segments[seg].cid & GOSAN_SEGMENT_FREE;

		if (items[i].what >> GOSAN_SEGMENT_BITS != SEGMENT || (i && items[i].cid != items[i - 1].cid))
			first[0] = first[1] = 0;
		if (items[i].what >> GOSAN_SEGMENT_BITS != SEGMENT)
			continue;
		if (first[is_free] && !alias[seg]) {
			alias[seg] = first[is_free];
			merged++;
		} else if (!first[is_free]) {
			first[is_free] = seg;
		}
	}
	return merged;
}

/* The second way: of those that are left, each second one of a tenant's goes to the one before it. */
static uint32_t merge_pairs(void)
{
	uint32_t before = 0, merged = 0;

	for (uint32_t i = 0; i < n_items; i++) {
		uint32_t seg = items[i].what & (GOSAN_SEGMENTS - 1),
			 kind = items[i].what >> GOSAN_SEGMENT_BITS;

		if (kind == TENANT || (i && items[i].cid != items[i - 1].cid))
			before = 0;
		if (kind != SEGMENT || (gosan_segments[seg].cid & GOSAN_SEGMENT_FREE) || alias[seg])
			continue;
		if (before) {
			alias[seg] = before;
			merged++;
		}
		before = before ? 0 : seg;
	}
	return merged;
}

/* What a pair became one with may have become one with another before. */
static inline uint32_t stands_for(uint32_t seg)
{
	while (alias[seg] && alias[seg] != seg)
		seg = alias[seg];
	return seg;
}

static inline uint32_t renamed(uint32_t cell)
{
	return (cell & GOSAN_CELL_LOW) | stands_for(cell >> GOSAN_CELL_SEGMENT) << GOSAN_CELL_SEGMENT;
}

static void rename_list(uint32_t link)
{
	for (; link & GOSAN_LINK_INDEX; link = gosan_shadow_blocks[link & GOSAN_LINK_INDEX].next)
		for (size_t i = 0; i < 7; i++) {
			uint32_t *cell = &gosan_shadow_blocks[link & GOSAN_LINK_INDEX].cell[i];

			*cell = renamed(*cell);
		}
}

static void rename_page(unsigned char *state, struct gosan_granule *page, void *unused)
{
	(void)state;
	(void)unused;
	for (size_t i = 0; i < GOSAN_PAGE / 8; i++) {
		uint64_t cells = page[i].cells;

		if (cells)
			page[i].cells = renamed((uint32_t)cells) | (uint64_t)renamed((uint32_t)(cells >> 32))
									   << 32;
		if (page[i].places & GOSAN_GRANULE_LISTED)
			rename_list((uint32_t)(page[i].places >> 32));
	}
}

static void free_merged(void)
{
	for (uint32_t seg = 1; seg < gosan_segment_limit; seg++)
		if (stands_for(seg) != seg)
			gosan_segment_used[seg / 8] &= (uint8_t) ~(1u << seg % 8);
}

static void unmap(void *table, size_t bytes)
{
	if (table)
		gosan_mem_unmap(table, bytes);
}

static void unmap_all(void)
{
	unmap(items, ITEMS_MAX * sizeof(*items));
	unmap(spare, ITEMS_MAX * sizeof(*spare));
	unmap(spans, (GOSAN_CID_MAX + 1) * sizeof(*spans));
	unmap(alias, GOSAN_SEGMENTS * sizeof(*alias));
	items = spare = NULL;
	spans = NULL;
	alias = NULL;
}

static bool map_all(void)
{
	items = gosan_mem_map(ITEMS_MAX * sizeof(*items));
	spare = gosan_mem_map(ITEMS_MAX * sizeof(*spare));
	spans = gosan_mem_map((GOSAN_CID_MAX + 1) * sizeof(*spans));
	alias = gosan_mem_map(GOSAN_SEGMENTS * sizeof(*alias));
	n_items = 0;
	full = false;
	return items && spare && spans && alias;
}

/* False: somebody keeps a bit or a stripe for long; all are given back. */
static bool freeze(void)
{
	if (!gosan_object_freeze(true))
		return false;
	if (gosan_atomic_freeze(true))
		return true;
	gosan_object_freeze(false);
	return false;
}

bool gosan_coarsen(uint32_t want)
{
	uint32_t merged = 0, pairs;

	if (!freeze())
		return false;
	if (map_all()) {
		add_segments();
		want += n_items;
		add_entries();
		sort();
		keep_present();
		if (!full)
			merged = merge_same();
		if (want > gosan_segment_limit + merged) {
			pairs = merge_pairs();
			merged += pairs;
			__atomic_fetch_add(&gosan_counters->shadow_lost, pairs, __ATOMIC_RELAXED);
		}
		if (merged) {
			gosan_shadowmem_each(rename_page, NULL);
			free_merged();
		}
	}
	unmap_all();
	gosan_atomic_freeze(false);
	gosan_object_freeze(false);
	return true;
}
