/* SPDX-License-Identifier: Apache-2.0
 *
 * shadowmem.h: the memory that the shadow lies in: granules, a byte of state per page, and overflow blocks.
 * Used by the shadow's own files only.
 */
#ifndef GOSAN_SHADOWMEM_H
#define GOSAN_SHADOWMEM_H

#include "shadow.h"

#include <sched.h>

#define GOSAN_PAGE_BITS   12
#define GOSAN_PAGE        ((uintptr_t)1 << GOSAN_PAGE_BITS)
#define GOSAN_ADDRESS_END ((uintptr_t)1 << 47)
#define GOSAN_SHADOW_BITS 44

/* State of a page of program memory. TOUCHED stays set for ever: it says that cells may exist. The upper bits
 * say which of the pages that share this shadow it belongs to. */
#define GOSAN_PAGE_TOUCHED 1
#define GOSAN_PAGE_FREED   2  /* it was freed while untouched: its cells are those of the free */
#define GOSAN_PAGE_ATOMIC  4  /* atomic.c has records of variables in it */
#define GOSAN_PAGE_LISTED  8  /* some granule of it overflowed */
#define GOSAN_PAGE_BUSY    16 /* a run of its granules is being written (range.c) */
#define GOSAN_PAGE_OWNER   5  /* first bit of the owner, three bits */

/* Seven cells of an overflowing granule. next and a granule's second place are links: */
struct gosan_block {
	uint32_t place; /* of the granule's second cell, in the first block */
	uint32_t next;
	uint32_t cell[7];
	uint32_t at[7]; /* the cells' places */
};
#define GOSAN_LINK_INDEX   ((1u << 25) - 1)
#define GOSAN_LINK_VERSION (1u << 25) /* 5 bits: advanced by every change of the list */
#define GOSAN_LINK_WRITES  (1u << 30) /* in next: there is a write in that block or behind it */
#define GOSAN_LINK_LISTED  (1u << 31)
extern struct gosan_block *gosan_shadow_blocks;

extern uintptr_t gosan_shadowmem_states; /* + (address & mask) / page size is the page's state byte */

/* First spin, then yield, then sleep: on a busy machine a yield only lets everybody else go first, and the one who is
 * waited for is among those who were put off. */
void gosan_shadowmem_yield(unsigned spins);
static inline void gosan_shadowmem_pause(unsigned spins)
{
	if (spins % 64 == 63)
		gosan_shadowmem_yield(spins);
	else
		__asm__ volatile("" ::: "memory");
}

/* Reserve all of it. Where the system does not allow that (ulimit -v), regions are mapped when they are needed. */
int gosan_shadowmem_init(void);

/* Without linear shadow: the granule and the state of addr; NULL when there is none and `make` is false or there is
 * no memory. Keeps errno. */
struct gosan_granule *gosan_shadowmem_far(uintptr_t addr, bool make, unsigned char **ret_state);

static inline struct gosan_granule *gosan_shadowmem_granule(uintptr_t addr, bool make)
{
	if (__builtin_expect(gosan_shadow_mask != 0, 1))
		return (struct gosan_granule *)(gosan_shadow_base + ((addr & gosan_shadow_mask) << 1));
	return gosan_shadowmem_far(addr, make, NULL);
}

/* NULL as gosan_shadowmem_far. */
static inline unsigned char *gosan_shadowmem_state(uintptr_t addr, bool make)
{
	unsigned char *state;

	if (__builtin_expect(gosan_shadow_mask != 0, 1))
		return (unsigned char *)(gosan_shadowmem_states +
					 ((addr & gosan_shadow_mask) >> GOSAN_PAGE_BITS));
	return gosan_shadowmem_far(addr, make, &state) ? state : NULL;
}

static inline unsigned char gosan_shadowmem_owner(uintptr_t addr)
{
	return (unsigned char)(addr >> GOSAN_SHADOW_BITS << GOSAN_PAGE_OWNER);
}

/* Of a granule in the linear shadow, two bytes of which are one of the program's. */
static inline unsigned char *gosan_shadowmem_state_of(const struct gosan_granule *s)
{
	return (unsigned char *)(gosan_shadowmem_states +
				 (((uintptr_t)s - gosan_shadow_base) >> (GOSAN_PAGE_BITS + 1)));
}

/* Only pages of a linear shadow ever are. Relaxed: behind the atomic operation that locked the granule. */
static inline bool gosan_shadowmem_is_busy(const struct gosan_granule *s)
{
	return gosan_shadow_mask &&
	       (__atomic_load_n(gosan_shadowmem_state_of(s), __ATOMIC_RELAXED) & GOSAN_PAGE_BUSY);
}

/* A page has one such writer at a time. begin: sequentially consistent against the lock of a granule. */
void gosan_shadowmem_busy_begin(unsigned char *state);
static inline void gosan_shadowmem_busy_end(unsigned char *state)
{
	__atomic_fetch_and(state, (unsigned char)~GOSAN_PAGE_BUSY, __ATOMIC_RELEASE);
}

/* One word per page of the linear shadow, see range.c: the moment that went over all of it last. */
extern uint32_t *gosan_shadowmem_whole;
static inline uint32_t *gosan_shadowmem_whole_of(uintptr_t addr)
{
	return &gosan_shadowmem_whole[(addr & gosan_shadow_mask) >> GOSAN_PAGE_BITS];
}

/* Cells of addr's page go. */
static inline void gosan_shadowmem_not_whole(uintptr_t addr)
{
	if (gosan_shadow_mask && __atomic_load_n(gosan_shadowmem_whole_of(addr), __ATOMIC_RELAXED))
		__atomic_store_n(gosan_shadowmem_whole_of(addr), 0, __ATOMIC_RELAXED);
}

/* Set bits of the state of addr's page. False: the shadow belongs to another page, or there is no memory. */
bool gosan_shadowmem_mark(uintptr_t addr, unsigned char bits);

/* Pages with cells. */
uint32_t gosan_shadowmem_pages(void);
/* For the collector, while no goroutine is in the shadow: all cells are forgotten, and their memory is the system's
 * again. Returns how many pages had some. */
uint32_t gosan_shadowmem_drop(void);

/* The first address of [addr, end) whose page may have a state; end when there is none. */
uintptr_t gosan_shadowmem_next(uintptr_t addr, uintptr_t end);

/* An overflow block for the granule s, its index; 0: no memory. */
uint32_t gosan_shadowmem_take(const struct gosan_granule *s);
void gosan_shadowmem_give(const struct gosan_granule *s, uint32_t index);
void gosan_shadowmem_fork_child(void);

/* Call fn for the state byte and the first granule of each page of shadow that was ever touched. */
typedef void gosan_page_fn(unsigned char *state, struct gosan_granule *page, void *arg);
void gosan_shadowmem_each(gosan_page_fn *fn, void *arg);

#endif
