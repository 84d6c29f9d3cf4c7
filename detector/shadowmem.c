/* SPDX-License-Identifier: Apache-2.0
 *
 * shadowmem.c: regions of shadow, states of pages, overflow nodes.
 *
 * Regions are mapped at first touch and stay. Nodes come from one array, through free lists that are chosen
 * by the granule's page, so that goroutines with different data seldom meet there; the locks are leaves.
 */
#include "shadowmem.h"

#include "mem.h"

#include <errno.h>
#include <sys/mman.h>

#define STATE_BYTES (GOSAN_REGION >> GOSAN_PAGE_BITS)
#define POOLS       16
#define REFILL      64

uintptr_t gosan_shadow_regions[GOSAN_REGIONS];
uintptr_t gosan_shadowmem_states[GOSAN_REGIONS];
static char region_lock;

struct gosan_cell *gosan_shadow_nodes;
static uint32_t n_nodes;
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
static void advise(char *base)
{
	int saved = errno;

	madvise(base, 2 * GOSAN_REGION + STATE_BYTES, MADV_DONTDUMP);
	madvise(base, 2 * GOSAN_REGION + STATE_BYTES, MADV_NOHUGEPAGE);
	errno = saved;
}

bool gosan_shadowmem_map(uintptr_t addr)
{
	uintptr_t i = addr >> GOSAN_REGION_BITS;
	char *base;

	if (addr >= GOSAN_ADDRESS_END)
		return false;
	spin_lock(&region_lock);
	if (!gosan_shadow_regions[i] && (base = gosan_mem_map(2 * GOSAN_REGION + STATE_BYTES))) {
		advise(base);
		gosan_shadowmem_states[i] =
			(uintptr_t)base + 2 * GOSAN_REGION - (i << (GOSAN_REGION_BITS - GOSAN_PAGE_BITS));
		__atomic_store_n(&gosan_shadow_regions[i], (uintptr_t)base - (i << (GOSAN_REGION_BITS + 1)),
				 __ATOMIC_RELEASE);
	}
	spin_unlock(&region_lock);
	return gosan_shadow_regions[i] != 0;
}

static bool map_nodes(void)
{
	spin_lock(&region_lock);
	if (!gosan_shadow_nodes)
		gosan_shadow_nodes = gosan_mem_map((size_t)GOSAN_NODES_MAX * sizeof(struct gosan_cell));
	spin_unlock(&region_lock);
	return gosan_shadow_nodes != NULL;
}

static uint32_t refill(struct pool *p)
{
	uint32_t first;

	if (!gosan_shadow_nodes && !map_nodes())
		return 0;
	first = __atomic_fetch_add(&n_nodes, REFILL, __ATOMIC_RELAXED);
	if (first >= GOSAN_NODES_MAX - REFILL) {
		__atomic_store_n(&n_nodes, GOSAN_NODES_MAX - REFILL, __ATOMIC_RELAXED);
		return 0;
	}
	for (uint32_t i = first ? first : 1; i < first + REFILL; i++) {
		gosan_shadow_nodes[i].link = p->free;
		p->free = i;
	}
	return p->free;
}

static struct pool *pool_of(const struct gosan_cell *c)
{
	return &pools[((uintptr_t)c >> GOSAN_PAGE_BITS) % POOLS];
}

uint32_t gosan_shadowmem_take(const struct gosan_cell *c)
{
	struct pool *p = pool_of(c);
	uint32_t id;

	spin_lock(&p->lock);
	id = p->free ? p->free : refill(p);
	if (id)
		p->free = gosan_shadow_nodes[id].link;
	spin_unlock(&p->lock);
	return id;
}

void gosan_shadowmem_give(const struct gosan_cell *c, uint32_t id)
{
	struct pool *p = pool_of(c);

	__atomic_store_n(&gosan_shadow_nodes[id].what, 0, __ATOMIC_RELAXED);
	spin_lock(&p->lock);
	gosan_shadow_nodes[id].link = p->free;
	p->free = id;
	spin_unlock(&p->lock);
}

void gosan_shadowmem_fork_child(void)
{
	region_lock = 0;
	for (size_t i = 0; i < POOLS; i++)
		pools[i].lock = 0;
}
