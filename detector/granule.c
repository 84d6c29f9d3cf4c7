/* SPDX-License-Identifier: Apache-2.0
 *
 * granule.c: the cells of a granule, and the rule by which they come and go.
 *
 *   granule   | cell 0 | cell 1 | place 0 | link |          without a list: place 1 instead of the link
 *                                             |
 *   block     | place 1 | next | 7 cells | their 7 places |  ->  more blocks
 *
 * Invariants of a granule, while its lock is free
 *  - Its cells are the two inline ones and those of its blocks; 0 is no cell, and every cell has bytes.
 *  - Each block has at least one cell. A link to a block behind which there is a write says so: a read, which
 *    conflicts with writes only, stops where there are none, and 10,000 readers of one word stay linear.
 *  - No cell is covered by another that happens after it and is as strong, as far as anybody looked.
 *  - A cell of a running goroutine's present moment was put there by that goroutine and nobody else removes it but
 *    gosan_shadow_forget. So the goroutine may look for its own cells without the lock: what it finds is true, if
 *    it is still in this granule's list. Blocks are used again elsewhere while it walks; the version in the link,
 *    which every change of the list advances, tells.
 *
 * Context: the lock is held for some hundred instructions at most and nothing is called under it but the block
 * pool. Cells are written in one store, the places and the lock's release in another after it.
 */
#include "granule.h"

#include "floor.h"

#define CELLS    7
#define LINK(p)  ((uint32_t)((p) >> 32))
#define TO(link) (&gosan_shadow_blocks[(link)&GOSAN_LINK_INDEX])

/* A lock that nobody releases for seconds (spins of gosan_shadowmem_pause) belonged to a signal handler's victim that it
 * jumped out of: it is taken over. Sooner where a fork may have left a holder behind: it waited for all to be out
 * (gosan_collect_fork), but one did not come. */
#define STOLEN_AFTER (1u << 21)
#define ORPHAN_AFTER (1u << 16)
/* Limits of a read. It looks at few other reads: they can't conflict with it, and it only tidies up. But its own
 * cell of an earlier epoch must be found mostly, or the list of a word that many goroutines read again and again
 * would grow with every read; one walk in FULL_WALK moments goes to the end for that. */
#define READS_MET   2
#define FULL_WALK   64
#define LISTED_SEEN 4 /* blocks that the look without a lock goes through */

bool gosan_granule_forked;

uint64_t gosan_granule_lock_slow(struct gosan_granule *s)
{
	uint64_t places = __atomic_load_n(&s->places, __ATOMIC_RELAXED);

	for (unsigned spins = 0;; spins++) {
		bool locked = places & GOSAN_GRANULE_LOCK;

		if (locked && spins > (gosan_granule_forked ? ORPHAN_AFTER : STOLEN_AFTER))
			return places;
		if (!locked && gosan_granule_try(s, places))
			return places;
		if (locked)
			gosan_shadowmem_pause(spins);
		places = __atomic_load_n(&s->places, __ATOMIC_RELAXED);
	}
}

/* Only the lock's own bit: the rest of the granule may be written already. */
void gosan_granule_yield(struct gosan_granule *s)
{
	__atomic_fetch_and(&s->places, ~GOSAN_GRANULE_LOCK, __ATOMIC_RELEASE);
	for (unsigned spins = 0; gosan_shadowmem_is_busy(s); spins++) {
		if (spins > (gosan_granule_forked ? ORPHAN_AFTER : STOLEN_AFTER))
			gosan_shadowmem_busy_end(gosan_shadowmem_state_of(s));
		gosan_shadowmem_pause(spins);
	}
}

/* The rule. */

/* Two accesses of the same byte conflict when one of them writes and not both are atomic (C11 5.1.2.4p25). A
 * free counts as a plain write of the whole block. */
static inline bool conflict(uint32_t a, uint32_t b)
{
	return ((a | b) & GOSAN_CELL_FLAGS) == GOSAN_CELL_FLAGS;
}

/* Strong order: a race is what no edge of any kind orders in this run. The same chain is program order, or the
 * order of the goroutines that shared it (chain.c). Our own clock needs no lock, because nobody but us changes it
 * while we run. What is known of a chain only grows, so the answer for the one that was asked last stays good. s bounds
 * the segment: mostly that is enough. */
static inline bool happens_before_us(struct gosan_g *g, uint32_t seg, struct gosan_segment s)
{
	uint32_t cid = s.cid & ~GOSAN_SEGMENT_FREE;
	struct gosan_stamp *k;

	if (cid == g->cid)
		return true;
	k = &g->known[cid % GOSAN_KNOWN];
	if (cid != k->cid || s.epoch > k->epoch)
		*k = (struct gosan_stamp){cid, gosan_clock_get(&g->strong, cid)};
	return k->epoch >= s.epoch || k->epoch >= gosan_segments[seg].epoch;
}

/* Note a conflict, to be told when the granule's lock is free again. When there are many, those come first
 * that touch a byte for which none was noted: each racing byte gets at least one report. */
static __attribute__((noinline)) void hit(struct gosan_walk *w, uintptr_t granule, uint32_t cell,
					  uint32_t place, unsigned both, bool ordered)
{
	const struct gosan_segment *s = &gosan_segments[cell >> GOSAN_CELL_SEGMENT];
	struct gosan_hit *h = &w->hits[w->n_hits];

	if (w->n_hits >= GOSAN_HITS_MAX && !(both & ~w->hit_bytes))
		return;
	w->n_hits++;
	w->hit_bytes |= both;
	h->addr = granule + (unsigned)__builtin_ctz(both);
	h->both = both;
	h->cell = cell & GOSAN_CELL_LOW;
	h->place = place;
	h->at = gosan_segment_stamp(cell >> GOSAN_CELL_SEGMENT);
	h->is_free = s->cid & GOSAN_SEGMENT_FREE;
	h->ordered = ordered;
}

/* Meet one old cell: note a conflict, and take from it the bytes that the new access stands for. Neighbours of one
 * place, such as the bytes of a loop, share a cell: they go over to the new one. Returns what is left, or 0. */
static inline __attribute__((always_inline)) uint32_t meet(struct gosan_walk *w, uintptr_t granule,
							   uint32_t cell, uint32_t place, uint32_t *want)
{
	uint32_t both = cell & w->bytes;
	uint32_t seg = cell >> GOSAN_CELL_SEGMENT;
	struct gosan_segment s;
	bool before;

	if (!both) {
		if (((cell ^ *want) & ~GOSAN_CELL_ALL) || place != w->place)
			return cell;
		*want |= cell & GOSAN_CELL_ALL;
		return 0;
	}
	s = gosan_segment_bound(seg);
	before = happens_before_us(w->g, seg, s);
	/* A free conflicts with what comes after it in any order. */
	if (__builtin_expect(s.cid & GOSAN_SEGMENT_FREE ? true : !before && conflict(cell, *want), 0))
		hit(w, granule, cell, place, both, before);
	if (before && !(s.cid & GOSAN_SEGMENT_FREE))
		w->g->ordered[w->flags & GOSAN_WRITE] = seg;
	if (before && gosan_floor_covers(seg))
		return 0;
	if (!before || !gosan_cell_as_strong(*want, cell))
		return cell;
	cell &= ~both;
	return cell & GOSAN_CELL_ALL ? cell : 0;
}

/* What is left of a cell; 0 when no byte is. */
static inline uint32_t without(uint32_t cell, unsigned bytes)
{
	return cell & GOSAN_CELL_ALL & ~bytes ? cell & ~bytes : 0;
}

/* Lists. */

static inline uint32_t block_cell(const struct gosan_block *b, size_t i)
{
	return __atomic_load_n(&b->cell[i], __ATOMIC_RELAXED);
}

/* Is it a read that a read need not look at? */
static inline bool skips(struct gosan_walk *w, uint32_t cell, uint32_t want, bool all)
{
	if (all || ((cell | want) & GOSAN_CELL_WRITE) ||
	    gosan_segment_bound(cell >> GOSAN_CELL_SEGMENT).cid == w->g->cid)
		return false;
	if (!w->reads_left)
		return true;
	w->reads_left--;
	return false;
}

/* Returns true when a cell of the block stands for the access already. *ret_n: cells that are left. */
static bool walk_block(struct gosan_walk *w, uintptr_t granule, struct gosan_block *b, uint32_t *want,
		       bool all, unsigned *ret_n)
{
	*ret_n = 0;
	for (size_t i = 0; i < CELLS; i++) {
		uint32_t cell = block_cell(b, i), left = cell;

		if (!cell)
			continue;
		if (gosan_cell_stands_for(cell, *want))
			return true;
		if (!skips(w, cell, *want, all))
			left = meet(w, granule, cell, b->at[i], want);
		if (left != cell)
			__atomic_store_n(&b->cell[i], left, __ATOMIC_RELAXED);
		*ret_n += left != 0;
	}
	return false;
}

/* A read goes on only where there are writes, or all the way once in a while. Empty blocks leave the list, the first
 * only when it is no longer needed (see drop_first). Returns true when the access is remembered already. */
static bool walk_list(struct gosan_walk *w, uintptr_t granule, struct gosan_granule *s, uint32_t link,
		      uint32_t *want, bool *ret_first_empty)
{
	struct gosan_block *b = TO(link), *next;
	uint32_t seg = *want >> GOSAN_CELL_SEGMENT;
	bool all = (*want & GOSAN_CELL_WRITE) || gosan_segments[seg].epoch % FULL_WALK == 0;
	unsigned n;

	w->reads_left = READS_MET;
	if (walk_block(w, granule, b, want, all, &n))
		return true;
	*ret_first_empty = n == 0;
	while (b->next && (all || (b->next & GOSAN_LINK_WRITES))) {
		uint32_t index = b->next & GOSAN_LINK_INDEX;

		next = TO(b->next);
		if (walk_block(w, granule, next, want, all, &n))
			return true;
		if (n) {
			b = next;
			continue;
		}
		b->next = next->next;
		gosan_shadowmem_give(s, index);
	}
	return false;
}

/* The first block is empty: the next takes its part, or there is no list any more. Returns the new places. */
static uint64_t drop_first(struct gosan_granule *s, uint64_t places)
{
	uint32_t link = LINK(places), second = TO(link)->place, next = TO(link)->next;

	if (next) {
		TO(next)->place = second;
		second = (link & ~GOSAN_LINK_INDEX) | (next & GOSAN_LINK_INDEX);
	}
	gosan_shadowmem_give(s, link & GOSAN_LINK_INDEX);
	return (places & UINT32_MAX) | (uint64_t)second << 32;
}

static bool has_write(const struct gosan_block *b)
{
	for (size_t i = 0; i < CELLS; i++)
		if (b->cell[i] & GOSAN_CELL_WRITE)
			return true;
	return b->next & GOSAN_LINK_WRITES;
}

/* Put a cell into the first block, or into a new first block. Returns the new places. */
static uint64_t push(struct gosan_granule *s, uint64_t places, uint32_t cell, uint32_t place)
{
	uint32_t link = LINK(places), index;
	bool listed = places & GOSAN_GRANULE_LISTED;
	struct gosan_block *b;

	for (size_t i = 0; listed && i < CELLS; i++)
		if (!TO(link)->cell[i]) {
			TO(link)->at[i] = place;
			__atomic_store_n(&TO(link)->cell[i], cell, __ATOMIC_RELAXED);
			return places;
		}
	index = gosan_shadowmem_take(s);
	if (!index) {
		GOSAN_COUNT(shadow_lost);
		return places;
	}
	b = TO(index);
	b->place = listed ? TO(link)->place : link;
	b->next = listed ? (link & GOSAN_LINK_INDEX) | (has_write(TO(link)) ? GOSAN_LINK_WRITES : 0) : 0;
	b->at[0] = place;
	__atomic_store_n(&b->cell[0], cell, __ATOMIC_RELAXED);
	link = GOSAN_LINK_LISTED | (listed ? link & ~GOSAN_LINK_INDEX : 0) | index;
	return (places & UINT32_MAX) | (uint64_t)link << 32;
}

/* The lanes while the granule is locked. */
struct lanes {
	uint32_t cell[2];
	uint64_t places;
};

static uint32_t place_of(const struct lanes *l, int lane)
{
	uint32_t link = LINK(l->places);

	if (lane == 0)
		return (uint32_t)l->places & ~(uint32_t)GOSAN_GRANULE_LOCK;
	return link & GOSAN_LINK_LISTED ? TO(link)->place : link;
}

static void put(struct lanes *l, int lane, uint32_t cell, uint32_t place)
{
	uint32_t link = LINK(l->places);

	l->cell[lane] = cell;
	if (lane == 0)
		l->places = (l->places & ~(uint64_t)UINT32_MAX) | place;
	else if (link & GOSAN_LINK_LISTED)
		TO(link)->place = place;
	else
		l->places = (l->places & UINT32_MAX) | (uint64_t)place << 32;
}

/* A cell of the same moment and kind, but from elsewhere, takes the new one in. */
static bool blend(struct lanes *l, uint32_t want, uint32_t place)
{
	for (int lane = 0; lane < 2; lane++) {
		uint32_t both = 0;

		if (!((l->cell[lane] ^ want) & ~GOSAN_CELL_ALL))
			both = gosan_blend(place_of(l, lane), place, want & GOSAN_CELL_ALL);
		if (both) {
			put(l, lane, l->cell[lane] | want, both);
			return true;
		}
	}
	return false;
}

/* No lane is free. The new cell goes inline, because its goroutine will most likely be back, but for a read
 * among two writes: a read that looks for writes should find them at once. */
static void overflow(struct gosan_granule *s, uintptr_t granule, struct lanes *l, uint32_t want,
		     uint32_t place)
{
	int victim = !(l->cell[0] & GOSAN_CELL_WRITE) ? 0 : 1;

	if (blend(l, want, place))
		return;
	if (!(l->places & GOSAN_GRANULE_LISTED))
		gosan_shadowmem_mark(granule, GOSAN_PAGE_LISTED);
	if ((l->cell[victim] & GOSAN_CELL_WRITE) && !(want & GOSAN_CELL_WRITE)) {
		l->places = push(s, l->places, want, place);
		return;
	}
	l->places = push(s, l->places, l->cell[victim], place_of(l, victim));
	put(l, victim, want, place);
}

/* Before a granule overflows: a cell that everybody covers makes room. */
static bool put_over_dead(struct lanes *l, uint32_t want, uint32_t place)
{
	for (int lane = 0; lane < 2; lane++)
		if (gosan_floor_covers(l->cell[lane] >> GOSAN_CELL_SEGMENT)) {
			put(l, lane, want, place);
			return true;
		}
	return false;
}

static uint64_t next_version(uint64_t places)
{
	uint32_t link = LINK(places), version = (link + GOSAN_LINK_VERSION) & (31 * GOSAN_LINK_VERSION);

	if (!(link & GOSAN_LINK_LISTED))
		return places;
	link = (link & ~(31 * GOSAN_LINK_VERSION)) | version;
	return (places & UINT32_MAX) | (uint64_t)link << 32;
}

/* A granule with a list, under its lock; the inline cells have been met. */
static __attribute__((noinline)) void check_listed(struct gosan_walk *w, uintptr_t granule,
						   struct gosan_granule *s, struct lanes *l, uint32_t want)
{
	bool first_empty = false, same = walk_list(w, granule, s, LINK(l->places), &want, &first_empty);

	if (first_empty)
		l->places = drop_first(s, l->places);
	if (same)
		;
	else if (!l->cell[0])
		put(l, 0, want, w->place);
	else if (!l->cell[1])
		put(l, 1, want, w->place);
	else
		overflow(s, granule, l, want, w->place);
	l->places = next_version(l->places);
}

/* Both lanes stay taken: is it time to ask whether everybody covers one of them by now? */
static bool is_due(struct gosan_walk *w, const struct lanes *l)
{
	for (int lane = 0; lane < 2; lane++) {
		uint32_t seg = l->cell[lane] >> GOSAN_CELL_SEGMENT;

		if (gosan_floor_due(seg)) {
			w->due_cid = gosan_segment_bound(seg).cid;
			return true;
		}
	}
	return false;
}

/* No lane is free, or there is a list. False as gosan_granule_check. */
static __attribute__((noinline)) bool settle(struct gosan_walk *w, uintptr_t granule, struct gosan_granule *s,
					     struct lanes *l, uint32_t want)
{
	bool done = true;

	if (l->places & GOSAN_GRANULE_LISTED)
		check_listed(w, granule, s, l, want);
	else if (put_over_dead(l, want, w->place))
		;
	else if (blend(l, want, w->place))
		;
	else if (is_due(w, l))
		done = false;
	else
		overflow(s, granule, l, want, w->place);
	/* Unless done: cells that went over to the new one are still there. */
	if (done)
		__atomic_store_n(&s->cells, l->cell[0] | (uint64_t)l->cell[1] << 32, __ATOMIC_RELAXED);
	gosan_granule_unlock(s, l->places);
	return done;
}

/* For range.c: what becomes of `cells` when an access of the whole granule meets them: a stays in its lane, and the new
 * cell goes into the second. One that stays in the second lane would have to move. */
static inline void learn(struct gosan_walk *w, uint64_t cells, uint32_t a, uint32_t b, uint32_t want)
{
	w->was = b || w->n_hits || want != (w->want | GOSAN_CELL_ALL) ? 0 : cells;
	w->now = a | (uint64_t)want << 32;
}

/* The lanes stay in registers: put together in memory from halves and read as a whole, they would cost the processor a
 * failed store forwarding, which was a third of all this. */
bool gosan_granule_check(struct gosan_walk *w, uintptr_t granule, struct gosan_granule *s, unsigned bytes)
{
	uint64_t places = gosan_granule_lock(s), cells = s->cells;
	uint32_t a = (uint32_t)cells, b = (uint32_t)(cells >> 32), want = w->want | bytes;
	bool listed = places & GOSAN_GRANULE_LISTED;

	w->bytes = bytes;
	if (gosan_cell_stands_for(a, want) || gosan_cell_stands_for(b, want)) {
		gosan_granule_unlock(s, places);
		return true;
	}
	if (a)
		a = meet(w, granule, a, (uint32_t)places, &want);
	if (b)
		b = meet(w, granule, b, listed ? TO(LINK(places))->place : LINK(places), &want);
	if (__builtin_expect(listed || (a && b), 0)) {
		struct lanes l = {.cell = {a, b}, .places = places};

		return settle(w, granule, s, &l, want);
	}
	learn(w, cells, a, b, want);
	if (!a) {
		a = want;
		places = (places & ~(uint64_t)UINT32_MAX) | w->place;
	} else {
		b = want;
		places = (places & UINT32_MAX) | (uint64_t)w->place << 32;
	}
	__atomic_store_n(&s->cells, a | (uint64_t)b << 32, __ATOMIC_RELAXED);
	gosan_granule_unlock(s, places);
	return true;
}

bool gosan_granule_listed(const struct gosan_granule *s, uint32_t want)
{
	uint64_t places = __atomic_load_n(&s->places, __ATOMIC_ACQUIRE);
	uint32_t link = LINK(places);

	if (!(places & GOSAN_GRANULE_LISTED) || (places & GOSAN_GRANULE_LOCK))
		return false;
	for (unsigned steps = 0; (link & GOSAN_LINK_INDEX) && steps < LISTED_SEEN; steps++) {
		const struct gosan_block *b = TO(link);

		for (size_t i = 0; i < CELLS; i++)
			if (gosan_cell_stands_for(block_cell(b, i), want)) {
				__atomic_thread_fence(__ATOMIC_ACQUIRE);
				return __atomic_load_n(&s->places, __ATOMIC_RELAXED) == places;
			}
		link = __atomic_load_n(&b->next, __ATOMIC_RELAXED);
	}
	return false;
}

/* Forgetting. */

/* Takes the bytes out of a list; returns the places without the blocks that are empty then. */
static uint64_t forget_list(struct gosan_granule *s, uint64_t places, unsigned bytes)
{
	uint32_t link = LINK(places), *at = &TO(link)->next;
	unsigned first = 0, n;

	for (uint32_t l = link; l & GOSAN_LINK_INDEX;) {
		struct gosan_block *b = TO(l);
		uint32_t next = b->next;

		n = 0;
		for (size_t i = 0; i < CELLS; i++) {
			__atomic_store_n(&b->cell[i], without(b->cell[i], bytes), __ATOMIC_RELAXED);
			n += b->cell[i] != 0;
		}
		if (l == link) {
			first = n;
		} else if (n) {
			at = &b->next;
		} else {
			*at = next;
			gosan_shadowmem_give(s, l & GOSAN_LINK_INDEX);
		}
		l = next;
	}
	return next_version(first ? places : drop_first(s, places));
}

void gosan_granule_forget(struct gosan_granule *s, unsigned bytes)
{
	uint64_t places, cells;

	if (!s->cells && !s->places)
		return;
	places = gosan_granule_lock(s);
	cells = s->cells;
	cells = without((uint32_t)cells, bytes) | (uint64_t)without((uint32_t)(cells >> 32), bytes) << 32;
	__atomic_store_n(&s->cells, cells, __ATOMIC_RELAXED);
	if (places & GOSAN_GRANULE_LISTED)
		places = forget_list(s, places, bytes);
	gosan_granule_unlock(s, places);
}
