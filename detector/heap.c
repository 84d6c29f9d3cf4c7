/* SPDX-License-Identifier: Apache-2.0
 *
 * heap.c: the table of heap blocks, living ones and those whose memory was not handed out again.
 *
 * Blocks below a page, which are nearly all, have a record of 8 bytes in a linear map, one per 32 bytes of address:
 * neighbours in the heap are neighbours there, and there is no lock. (malloc gives no smaller blocks.) It does not
 * say when and where such a block was freed: the cells of its memory do, because only whole untouched pages are
 * freed without cells (shadow.c).
 *
 *      record  63   38 37      2   1      0
 *             | place |  size  |free|upper half|
 *
 * All others, and those whose start does not fit, are in a hash table by start address, in stripes with a lock each.
 * Finding the block around an address walks all of it: that is done for reports only, and keeps allocation and free
 * at one short chain.
 *
 * Invariant: at most one record per start address. A record of a freed block stays until a block with the
 * same start is born, or until it is found that living blocks lie over it: look-ups prefer the living.
 */
#include "heap.h"

#include "context.h"
#include "depot.h"
#include "recorder.h"
#include "mem.h"
#include "shadowmem.h"

#include <string.h>

#define STRIPES       64
#define FIRST_BUCKETS 64

/* place holds a depot id when `is_stack`: blocks that front ends announce with a stack of their own. */
struct block {
	struct block *next;
	uintptr_t addr;
	size_t size;
	struct gosan_stamp freed; /* when; epoch 0: it lives */
	uint32_t place, free_place;
	bool is_stack;
};

struct stripe {
	char lock;
	size_t n, n_buckets;
	struct block **buckets;
};
static struct stripe stripes[STRIPES];

#define SMALL_MAX       4096u
#define UNIT_BITS       5
#define RECORD_UP       UINT64_C(1) /* it starts 16 bytes into the unit */
#define RECORD_FREE     UINT64_C(2)
#define RECORD_SIZE(r)  ((size_t)((r) >> 2) & ((UINT64_C(1) << 36) - 1))
#define RECORD_PLACE(r) ((uint32_t)((r) >> 38))
static uint64_t *records; /* NULL: all blocks are in the hash table */

/* Addresses that share shadow share records as well: the later block has them. */
static inline uint64_t *record_of(uintptr_t addr)
{
	return &records[(addr & gosan_shadow_mask) >> UNIT_BITS];
}

/* The record of the block that starts at addr, or 0. */
static inline uint64_t small_at(uintptr_t addr)
{
	uint64_t r = records && !(addr & 15) ? __atomic_load_n(record_of(addr), __ATOMIC_RELAXED) : 0;

	return r && (r & RECORD_UP) == (addr >> 4 & 1) ? r : 0;
}

static inline uint64_t small_record(uintptr_t addr, size_t size, uint32_t place)
{
	return (uint64_t)place << 38 | (uint64_t)size << 2 | (addr >> 4 & 1);
}

/* malloc aligns to 16. The top bits choose the stripe, others the bucket. */
static inline uint64_t hash(uintptr_t addr)
{
	return (addr >> 4) * UINT64_C(0x9e3779b97f4a7c15);
}

/* Held for a few loads and stores; nothing is called under it but the detector's own allocator. */
static struct stripe *lock_stripe(uintptr_t addr)
{
	struct stripe *s = &stripes[hash(addr) >> 58];

	while (__atomic_test_and_set(&s->lock, __ATOMIC_ACQUIRE))
		;
	return s;
}

static void unlock_stripe(struct stripe *s)
{
	__atomic_clear(&s->lock, __ATOMIC_RELEASE);
}

/* Where the record of addr hangs, or would hang. NULL: the stripe has no table yet. */
static struct block **slot(struct stripe *s, uintptr_t addr)
{
	struct block **p;

	if (!s->buckets)
		return NULL;
	p = &s->buckets[hash(addr) >> 20 & (s->n_buckets - 1)];
	while (*p && (*p)->addr != addr)
		p = &(*p)->next;
	return p;
}

/* Keep chains at one record on average. Without memory they get longer, which is all that happens. */
static void grow(struct stripe *s)
{
	size_t n = s->buckets ? s->n_buckets * 4 : FIRST_BUCKETS, old_n = s->n_buckets;
	struct block **fresh = gosan_mem_alloc(n * sizeof(struct block *)), **old = s->buckets, *next;

	if (!fresh)
		return;
	s->buckets = fresh;
	s->n_buckets = n;
	for (size_t i = 0; old && i < old_n; i++) {
		for (struct block *b = old[i]; b; b = next) {
			struct block **p = &fresh[hash(b->addr) >> 20 & (n - 1)];

			next = b->next;
			b->next = *p;
			*p = b;
		}
	}
	gosan_mem_free(old, old_n * sizeof(struct block *));
}

/* The large record of addr, made if need be; NULL without memory: the block stays unknown, and reports call it
 * unknown memory. */
static struct block *record(struct stripe *s, uintptr_t addr)
{
	struct block **p, *b;

	if (s->n >= s->n_buckets)
		grow(s);
	p = slot(s, addr);
	if (!p || *p)
		return p ? *p : NULL;
	b = gosan_mem_alloc(sizeof(*b));
	if (b) {
		b->addr = addr;
		*p = b;
		s->n++;
	}
	return b;
}

/* The record of another kind of block that started here is void. */
static void born_large(uintptr_t addr, size_t size, uint32_t place, bool is_stack)
{
	struct stripe *s = lock_stripe(addr);
	struct block *b = record(s, addr);

	if (b) {
		b->size = size;
		b->place = place;
		b->is_stack = is_stack;
		b->freed.epoch = 0;
	}
	unlock_stripe(s);
	if (small_at(addr))
		__atomic_store_n(record_of(addr), 0, __ATOMIC_RELAXED);
}

/* Only where a whole linear shadow is there are addresses enough for the map. */
int gosan_heap_init(void)
{
	if (gosan_shadow_mask && !records)
		records = gosan_mem_map(((size_t)1 << (GOSAN_SHADOW_BITS - UNIT_BITS)) * sizeof(*records));
	return 0;
}

/* The block begins with a write by whoever allocated it: a pointer that another goroutine got without order leads to
 * memory that is none yet, as far as that one can know. Its first word stands for all of it, for most users of a block
 * look there, and a write of every byte would cost as much as the program's own. Not from a signal handler that
 * interrupted an access. */
static void stamp(uintptr_t addr, size_t size, uint32_t place)
{
	struct gosan_g *g = gosan_self;

	if (g && size && place && g->cid && !g->in_shadow && !g->ignored[GOSAN_IGNORED_WRITES])
		gosan_shadow_access_at(g, addr, size < 8 ? size : 8, GOSAN_WRITE, place);
}

/* The shadow first: whoever finds the record must not find the last block's accesses. */
void gosan_heap_born(uintptr_t addr, size_t size, uint32_t place)
{
	GOSAN_RECORD_MEMORY(gosan_recorder_access(GOSAN_TRACE_ALLOC, addr, size, 0, place));
	gosan_shadow_forget(addr, size);
	if (records && size - 1 < SMALL_MAX - 1 && !(addr & 15))
		__atomic_store_n(record_of(addr), small_record(addr, size, place), __ATOMIC_RELAXED);
	else
		born_large(addr, size, place, false);
	stamp(addr, size, place);
}

void gosan_heap_alloc(uintptr_t addr, size_t size, uint32_t stack)
{
	gosan_shadow_forget(addr, size);
	born_large(addr, size, stack, true);
}

/* A second free of a block leaves the record of the first; its marks meet the first one's cells. */
static size_t large_dies(struct gosan_g *g, uintptr_t addr, uint32_t place)
{
	struct stripe *s = lock_stripe(addr);
	struct block **p = slot(s, addr), *b = p ? *p : NULL;
	size_t size = b ? b->size : 0;

	if (b && !b->freed.epoch) {
		b->freed = gosan_stamp_of(g);
		b->free_place = place;
	}
	unlock_stripe(s);
	return size;
}

/* The record first, then the marks: a page of a large block that is only marked asks the record for its cells. */
size_t gosan_heap_dies(struct gosan_g *g, uintptr_t addr, uint32_t place)
{
	uint64_t r = small_at(addr);
	size_t size;

	GOSAN_RECORD_MEMORY(gosan_recorder_access(GOSAN_TRACE_DIES, addr, 0, 0, place));
	size = r ? RECORD_SIZE(r) : large_dies(g, addr, place);

	if (r)
		__atomic_store_n(record_of(addr), r | RECORD_FREE, __ATOMIC_RELAXED);
	if (size)
		gosan_shadow_free(g, addr, size, place);
	return size;
}

/* By a front end that has a stack instead of a context: the place is the path of that stack. */
void gosan_heap_free(uintptr_t addr, uint32_t stack)
{
	struct gosan_g *g = gosan_engine_self();
	uint32_t place = 0;
	size_t n;
	const uintptr_t *pcs = gosan_depot_get(stack, &n);

	while (n > 0)
		place = gosan_context_child(place, pcs[--n]);
	if (g)
		gosan_heap_dies(g, addr, place);
}

size_t gosan_heap_size(uintptr_t addr)
{
	uint64_t r = small_at(addr);
	struct stripe *s;
	struct block **p;
	size_t size;

	if (r)
		return r & RECORD_FREE ? 0 : RECORD_SIZE(r);
	s = lock_stripe(addr);
	p = slot(s, addr);
	size = p && *p && !(*p)->freed.epoch ? (*p)->size : 0;
	unlock_stripe(s);
	return size;
}

/* A small block leaves nothing in the hash table, but what was large before it may have. */
void gosan_heap_drop(uintptr_t addr)
{
	struct stripe *s;
	struct block **p, *b;

	GOSAN_RECORD_MEMORY(gosan_recorder_access(GOSAN_TRACE_DROP, addr, 0, 0, 0));
	s = lock_stripe(addr);
	p = slot(s, addr);
	b = p ? *p : NULL;
	if (small_at(addr))
		__atomic_store_n(record_of(addr), 0, __ATOMIC_RELAXED);
	if (b) {
		*p = b->next;
		s->n--;
		gosan_mem_free(b, sizeof(*b));
	}
	unlock_stripe(s);
}

/* The living before the dead; among equals the one that starts later: blocks don't overlap, records of the dead
 * may. */
static inline bool better(const struct block *b, const struct block *than)
{
	bool lives = !b->freed.epoch, other = !than->freed.epoch;

	return !than->addr || (lives && !other) || (lives == other && b->addr > than->addr);
}

/* The small block around addr, which starts less than SMALL_MAX before it: living if there is one. */
static struct block small_around(uintptr_t addr)
{
	struct block found = {0};

	for (uintptr_t at = addr & ~(uintptr_t)15; records && addr - at < SMALL_MAX && at <= addr; at -= 16) {
		uint64_t r = small_at(at);
		struct block b = {.addr = at, .size = RECORD_SIZE(r), .place = RECORD_PLACE(r)};

		b.freed.epoch = r & RECORD_FREE ? 1 : 0; /* when exactly, the cells say */
		if (r && addr - at < b.size && better(&b, &found))
			found = b;
	}
	return found;
}

/* A copy of the large record around addr, if it is better than `found`. */
static struct block large_around(uintptr_t addr, struct block found)
{
	for (size_t i = 0; i < STRIPES; i++) {
		struct stripe *s = &stripes[i];

		while (__atomic_test_and_set(&s->lock, __ATOMIC_ACQUIRE))
			;
		for (size_t j = 0; s->buckets && j < s->n_buckets; j++)
			for (struct block *b = s->buckets[j]; b; b = b->next)
				if (addr - b->addr < b->size && better(b, &found))
					found = *b;
		unlock_stripe(s);
	}
	return found;
}

/* For reports. The stack of the allocation is made from its place only now. */
bool gosan_heap_find(uintptr_t addr, uintptr_t *ret_start, size_t *ret_size, uint32_t *ret_stack)
{
	struct block b = large_around(addr, small_around(addr));

	if (!b.addr)
		return false;
	if (ret_start)
		*ret_start = b.addr;
	if (ret_size)
		*ret_size = b.size;
	if (ret_stack)
		*ret_stack = b.is_stack ? b.place : gosan_context_stack(b.place);
	return true;
}

/* Small ones have their cells: whoever asks stands before a page that waits for those of a large one. */
bool gosan_heap_freed(uintptr_t addr, struct gosan_stamp *ret_at, uint32_t *ret_place)
{
	struct block b = large_around(addr, (struct block){0});

	if (!b.addr || !b.freed.epoch)
		return false;
	*ret_at = b.freed;
	*ret_place = b.free_place;
	return true;
}

void gosan_heap_fork_child(void)
{
	for (size_t i = 0; i < STRIPES; i++)
		stripes[i].lock = 0;
}
