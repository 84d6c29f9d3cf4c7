/* SPDX-License-Identifier: Apache-2.0
 *
 * shadowmem.h: the memory that the shadow lies in: regions, a byte of state per page, and overflow nodes.
 * Used by shadow.c only.
 */
#ifndef GOSAN_SHADOWMEM_H
#define GOSAN_SHADOWMEM_H

#include "shadow.h"

#include <sched.h>

#define GOSAN_PAGE_BITS   12
#define GOSAN_PAGE        ((uintptr_t)1 << GOSAN_PAGE_BITS)
#define GOSAN_REGION      ((uintptr_t)1 << GOSAN_REGION_BITS)
#define GOSAN_ADDRESS_END ((uintptr_t)1 << 47)
#define GOSAN_NODES_MAX   (1u << 27) /* as many as link has bits for */

/* State of a page of program memory. TOUCHED stays set for ever: it says that cells may exist. */
#define GOSAN_PAGE_TOUCHED 1
#define GOSAN_PAGE_FREED   2 /* it was freed while untouched: its cells are those of the free */
#define GOSAN_PAGE_ATOMIC  4 /* atomic.c has records of variables in it */

/* Biased: + address / page size is the page's state byte. */
extern uintptr_t gosan_shadowmem_states[GOSAN_REGIONS];

static inline void gosan_shadowmem_pause(unsigned spins)
{
	if (spins % 64 == 63)
		sched_yield();
	else
		__asm__ volatile("" ::: "memory");
}

/* Make shadow for the region of addr. False: no memory, or no address of a program. Keeps errno. */
bool gosan_shadowmem_map(uintptr_t addr);

/* pre: the region of addr is mapped. */
static inline unsigned char *gosan_shadowmem_state(uintptr_t addr)
{
	return (unsigned char *)(gosan_shadowmem_states[addr >> GOSAN_REGION_BITS] +
				 (addr >> GOSAN_PAGE_BITS));
}

static inline void gosan_shadowmem_mark(uintptr_t addr, unsigned char bit)
{
	unsigned char *s = gosan_shadowmem_state(addr);

	if (!(__atomic_load_n(s, __ATOMIC_RELAXED) & bit))
		__atomic_fetch_or(s, bit, __ATOMIC_RELAXED);
}

/* An overflow node for the granule whose inline cell is c; 0: no memory. */
uint32_t gosan_shadowmem_take(const struct gosan_cell *c);
void gosan_shadowmem_give(const struct gosan_cell *c, uint32_t id);
void gosan_shadowmem_fork_child(void);

#endif
