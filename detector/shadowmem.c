/* SPDX-License-Identifier: Apache-2.0
 *
 * shadowmem.c: the linear shadow or, without it, regions; states of pages; overflow blocks.
 *
 *   program   |0x0000........................|0x0fff  44 bits of the address
 *   shadow    base + 2 * those                        32 TiB that cost nothing until they are touched
 *
 * Blocks come from one array, through free lists that are chosen by the granule's page, so that goroutines with
 * different data seldom meet there; the locks are leaves.
 */
#include "shadowmem.h"

#include "collect.h"
#include "mem.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define LINEAR_BYTES ((size_t)2 << GOSAN_SHADOW_BITS)
#define STATE_BYTES  ((size_t)1 << (GOSAN_SHADOW_BITS - GOSAN_PAGE_BITS))
/* Between the program's usual places: not above 0x5555.., where executables lie, nor below the mmap area of a
 * process with an unlimited stack. */
#define LINEAR_BASE ((void *)UINT64_C(0x300000000000))

/* Regions of 16 MiB, for processes whose address space is limited. */
#define REGION_BITS 24
#define REGIONS     ((size_t)1 << (47 - REGION_BITS))
#define REGION      ((uintptr_t)1 << REGION_BITS)

/* Parts of the address space that have any touched page, 1 GiB each: what a collection looks at. */
#define PART_BITS 30
#define PARTS     ((size_t)1 << (GOSAN_SHADOW_BITS - PART_BITS))

#define SHADOW_PAGE ((size_t)2 << GOSAN_PAGE_BITS) /* the shadow of a page */

/* Of gosan_shadowmem_pause: spins with yields, and what one sleep takes after that. */
#define YIELDS   2048
#define PAUSE_NS 50000

#define POOLS      16
#define REFILL     64
#define BLOCKS_MAX (GOSAN_LINK_INDEX - REFILL)

struct gosan_granule gosan_shadow_empty;
uintptr_t gosan_shadow_base = (uintptr_t)&gosan_shadow_empty, gosan_shadow_mask;
uintptr_t gosan_shadowmem_states;
uint32_t *gosan_shadowmem_whole;
static unsigned char *part_touched; /* [PARTS] */
static char **regions;              /* [REGIONS] */
static char region_lock;

struct gosan_block *gosan_shadow_blocks;
static uint32_t n_blocks;
static uint32_t n_pages; /* touched */
static struct pool {
	char lock;
	uint32_t free;
	char pad[56];
} pools[POOLS];

static void spin_lock(char *l)
{
	for (unsigned i = 0; __atomic_test_and_set(l, __ATOMIC_ACQUIRE); i++)
		gosan_shadowmem_pause(i);
}

static void spin_unlock(char *l)
{
	__atomic_clear(l, __ATOMIC_RELEASE);
}

/* The kernel may not know an advice: that is no error of the program's. */
static void advise(void *base, size_t size)
{
	int saved = errno;

	madvise(base, size, MADV_DONTDUMP);
	madvise(base, size, MADV_NOHUGEPAGE);
	errno = saved;
}

/* Addresses beyond the linear shadow's base are as good: it lies in a variable. */
static void *map_linear(void)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, saved = errno;
	void *p = mmap(LINEAR_BASE, LINEAR_BYTES, PROT_READ | PROT_WRITE, flags | MAP_FIXED_NOREPLACE, -1, 0);

	if (p == MAP_FAILED)
		p = mmap(NULL, LINEAR_BYTES, PROT_READ | PROT_WRITE, flags, -1, 0);
	errno = saved;
	return p == MAP_FAILED ? NULL : p;
}

int gosan_shadowmem_init(void)
{
	void *linear, *states;

	if (part_touched)
		return 0;
	part_touched = gosan_mem_map(PARTS);
	gosan_shadow_blocks = gosan_mem_map((size_t)BLOCKS_MAX * sizeof(struct gosan_block));
	if (!part_touched)
		return -ENOMEM;
	linear = map_linear();
	states = linear ? gosan_mem_map(STATE_BYTES) : NULL;
	gosan_shadowmem_whole = states ? gosan_mem_map(STATE_BYTES * sizeof(*gosan_shadowmem_whole)) : NULL;
	if (!gosan_shadowmem_whole) {
		if (states)
			gosan_mem_unmap(states, STATE_BYTES);
		gosan_mem_unmap(linear, LINEAR_BYTES);
		regions = gosan_mem_map(REGIONS * sizeof(*regions));
		return 0;
	}
	advise(linear, LINEAR_BYTES);
	advise(states, STATE_BYTES);
	gosan_shadowmem_states = (uintptr_t)states;
	gosan_shadow_base = (uintptr_t)linear;
	gosan_shadow_mask = ((uintptr_t)1 << GOSAN_SHADOW_BITS) - 8;
	gosan_gate.far = false;
	/* Only the thread that starts us is known so far. */
	for (struct gosan_g *g = gosan_engine_all(); g; g = g->next) {
		g->shadow_base = gosan_shadow_base;
		g->shadow_mask = gosan_shadow_mask;
	}
	return 0;
}

static char *map_region(size_t i)
{
	spin_lock(&region_lock);
	if (!regions[i]) {
		char *p = gosan_mem_map(2 * REGION + (REGION >> GOSAN_PAGE_BITS));

		if (p)
			advise(p, 2 * REGION);
		__atomic_store_n(&regions[i], p, __ATOMIC_RELEASE);
	}
	spin_unlock(&region_lock);
	return regions[i];
}

struct gosan_granule *gosan_shadowmem_far(uintptr_t addr, bool make, unsigned char **ret_state)
{
	size_t i = addr >> REGION_BITS;
	char *p = regions && i < REGIONS ? __atomic_load_n(&regions[i], __ATOMIC_ACQUIRE) : NULL;

	if (!p && (!make || !regions || i >= REGIONS || !(p = map_region(i))))
		return NULL;
	addr &= REGION - 1;
	if (ret_state)
		*ret_state = (unsigned char *)p + 2 * REGION + (addr >> GOSAN_PAGE_BITS);
	return (struct gosan_granule *)(p + ((addr & ~(uintptr_t)7) << 1));
}

/* A page without any bit belongs to nobody yet. */
bool gosan_shadowmem_mark(uintptr_t addr, unsigned char bits)
{
	unsigned char *s = gosan_shadowmem_state(addr, true), old, owner = gosan_shadowmem_owner(addr);
	bool charged;

	if (!s)
		return false;
	if (gosan_shadow_mask)
		part_touched[(addr & gosan_shadow_mask) >> PART_BITS] = 1;
	old = __atomic_load_n(s, __ATOMIC_RELAXED);
	charged = (bits & GOSAN_PAGE_TOUCHED) && !(old & GOSAN_PAGE_TOUCHED);
	if (charged && !gosan_mem_charge(SHADOW_PAGE))
		return false;
	do {
		if (old && ((old ^ owner) >> GOSAN_PAGE_OWNER)) {
			gosan_mem_discharge(charged ? SHADOW_PAGE : 0);
			return false;
		}
	} while ((old & bits) != bits &&
		 !__atomic_compare_exchange_n(s, &old, (unsigned char)(old | bits | owner), false,
					      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	if (charged && (old & GOSAN_PAGE_TOUCHED))
		gosan_mem_discharge(SHADOW_PAGE); /* somebody else was faster */
	else if (charged)
		__atomic_fetch_add(&n_pages, 1, __ATOMIC_RELAXED);
	return true;
}

void gosan_shadowmem_busy_begin(unsigned char *state)
{
	for (unsigned i = 0; __atomic_fetch_or(state, GOSAN_PAGE_BUSY, __ATOMIC_SEQ_CST) & GOSAN_PAGE_BUSY;
	     i++)
		gosan_shadowmem_pause(i);
}

uint32_t gosan_shadowmem_pages(void)
{
	return __atomic_load_n(&n_pages, __ATOMIC_RELAXED);
}

/* A program may map terabytes and use little of them. Eight states are one word; a GiB that nobody touched is one
 * byte. */
uintptr_t gosan_shadowmem_next(uintptr_t addr, uintptr_t end)
{
	const uint64_t __attribute__((may_alias)) * word;
	const unsigned char *state;

	if (!gosan_shadow_mask)
		return addr;
	while (addr < end) {
		if (!part_touched[(addr & gosan_shadow_mask) >> PART_BITS]) {
			addr = (addr | (((uintptr_t)1 << PART_BITS) - 1)) + 1;
			continue;
		}
		state = gosan_shadowmem_state(addr, false);
		if (*state)
			return addr;
		word = (const void *)state;
		addr = (addr & ~(GOSAN_PAGE - 1)) + (!((uintptr_t)state & 7) && !*word ? 8 : 1) * GOSAN_PAGE;
	}
	return end;
}

static uint32_t refill(struct pool *p)
{
	uint32_t first;

	if (!gosan_shadow_blocks || !gosan_mem_charge(REFILL * sizeof(struct gosan_block)))
		return 0;
	first = __atomic_fetch_add(&n_blocks, REFILL, __ATOMIC_RELAXED);
	if (first >= BLOCKS_MAX - REFILL) {
		gosan_mem_discharge(REFILL * sizeof(struct gosan_block));
		__atomic_store_n(&n_blocks, BLOCKS_MAX - REFILL, __ATOMIC_RELAXED);
		return 0;
	}
	for (uint32_t i = first ? first : 1; i < first + REFILL; i++) {
		gosan_shadow_blocks[i].next = p->free;
		p->free = i;
	}
	return p->free;
}

static struct pool *pool_of(const struct gosan_granule *s)
{
	return &pools[((uintptr_t)s >> (GOSAN_PAGE_BITS + 1)) % POOLS];
}

uint32_t gosan_shadowmem_take(const struct gosan_granule *s)
{
	struct pool *p = pool_of(s);
	uint32_t index;

	spin_lock(&p->lock);
	index = p->free ? p->free : refill(p);
	if (index)
		p->free = gosan_shadow_blocks[index].next;
	spin_unlock(&p->lock);
	return index;
}

/* Blocks in a free list have no cells: whoever takes one finds it empty. */
void gosan_shadowmem_give(const struct gosan_granule *s, uint32_t index)
{
	struct gosan_block *b = &gosan_shadow_blocks[index];
	struct pool *p = pool_of(s);

	for (size_t i = 0; i < 7; i++)
		__atomic_store_n(&b->cell[i], 0, __ATOMIC_RELAXED);
	spin_lock(&p->lock);
	b->next = p->free;
	p->free = index;
	spin_unlock(&p->lock);
}

/* Not libc's nanosleep, which is interposed. */
void gosan_shadowmem_yield(unsigned spins)
{
	struct timespec t = {0, PAUSE_NS};
	int saved = errno;

	if (spins < YIELDS)
		sched_yield();
	else
		syscall(SYS_nanosleep, &t, NULL);
	errno = saved;
}

void gosan_shadowmem_fork_child(void)
{
	region_lock = 0;
	for (size_t i = 0; i < POOLS; i++)
		pools[i].lock = 0;
}

/* n state bytes and the shadow of as many pages. Eight untouched pages are one compare. */
static void each_of(unsigned char *states, struct gosan_granule *shadow, size_t n, gosan_page_fn *fn,
		    void *arg)
{
	for (size_t i = 0; i < n; i++) {
		if (i % 8 == 0 && *(const uint64_t *)(const void *)&states[i] == 0) {
			i += 7;
			continue;
		}
		if (__atomic_load_n(&states[i], __ATOMIC_RELAXED) & GOSAN_PAGE_TOUCHED)
			fn(&states[i], shadow + i * (GOSAN_PAGE / 8), arg);
	}
}

void gosan_shadowmem_each(gosan_page_fn *fn, void *arg)
{
	for (size_t i = 0; gosan_shadow_mask && i < PARTS; i++)
		if (part_touched[i])
			each_of((unsigned char *)gosan_shadowmem_states +
					(i << (PART_BITS - GOSAN_PAGE_BITS)),
				(struct gosan_granule *)(gosan_shadow_base + (i << (PART_BITS + 1))),
				(size_t)1 << (PART_BITS - GOSAN_PAGE_BITS), fn, arg);
	for (size_t i = 0; regions && i < REGIONS; i++)
		if (regions[i])
			each_of((unsigned char *)regions[i] + 2 * REGION,
				(struct gosan_granule *)(void *)regions[i], REGION >> GOSAN_PAGE_BITS, fn,
				arg);
}

/* The state keeps what is not about cells: a page of a freed block that nobody touched, records of atomics. */
static void drop_page(unsigned char *state, struct gosan_granule *page, void *arg)
{
	uint32_t *n = arg;

	__atomic_fetch_and(state, (unsigned char)~(GOSAN_PAGE_TOUCHED | GOSAN_PAGE_LISTED), __ATOMIC_RELAXED);
	madvise(page, SHADOW_PAGE, MADV_DONTNEED);
	if (gosan_shadow_mask)
		gosan_shadowmem_whole[(uintptr_t)state - gosan_shadowmem_states] = 0;
	++*n;
}

uint32_t gosan_shadowmem_drop(void)
{
	uint32_t n = 0;
	int saved = errno;

	gosan_shadowmem_each(drop_page, &n);
	madvise(gosan_shadow_blocks, n_blocks * sizeof(struct gosan_block), MADV_DONTNEED);
	errno = saved;
	gosan_mem_discharge(n_pages * SHADOW_PAGE + n_blocks * sizeof(struct gosan_block));
	for (size_t i = 0; i < POOLS; i++)
		pools[i].free = 0;
	n_blocks = n_pages = 0;
	return n;
}
