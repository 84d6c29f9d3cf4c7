/* SPDX-License-Identifier: Apache-2.0
 *
 * floor.c: the minimum, over the living, of their clocks' entries, one chain at a time.
 *
 * Invariant: floors[c] <= the entry for c of every living goroutine's strong clock, now and for ever: entries only
 * grow, except those of the system contexts that timers start, and with the first of these the floor stops.
 */
#include "floor.h"

#include "mem.h"

#include <errno.h>

/* Looking costs a walk over all goroutines that there ever were, under the engine lock. */
#define LIVING_MAX 64
#define WALK_MAX   1024
/* A chain at which a look found nothing new is left alone for so many askings. */
#define PATIENCE 64

uint32_t *gosan_floors;
static uint8_t *patience; /* by chain */
static bool stopped;

int gosan_floor_init(void)
{
	if (!gosan_floors) {
		gosan_floors = gosan_mem_map((GOSAN_CID_MAX + 1) * sizeof(*gosan_floors));
		patience = gosan_mem_map(GOSAN_CID_MAX + 1);
	}
	return gosan_floors && patience ? 0 : -ENOMEM;
}

/* Lost updates of patience cost a look too many, or too few. */
bool gosan_floor_due(uint32_t seg)
{
	struct gosan_segment s = gosan_segments[seg];
	uint8_t *p;

	if (__atomic_load_n(&stopped, __ATOMIC_RELAXED) || (s.cid & GOSAN_SEGMENT_FREE) ||
	    gosan_floor_covers(seg))
		return false;
	p = &patience[s.cid];
	if (*p) {
		--*p;
		return false;
	}
	*p = PATIENCE;
	return true;
}

/* 0 when there are too many to ask. System contexts that never did anything inherit when they begin. */
static uint32_t minimum(uint32_t cid)
{
	uint32_t min = UINT32_MAX;
	size_t living = 0, walked = 0;

	for (const struct gosan_g *g = gosan_engine_all(); g; g = g->next) {
		uint32_t known;

		if (++walked > WALK_MAX || living > LIVING_MAX)
			return 0;
		if (g->ended)
			continue;
		living++;
		known = gosan_clock_get(&g->strong, cid);
		if (known < min)
			min = known;
	}
	return living ? min : 0;
}

void gosan_floor_raise(uint32_t cid)
{
	uint32_t floor;

	if (gosan_engine_inside())
		return;
	gosan_engine_lock();
	floor = stopped ? 0 : minimum(cid);
	if (floor > gosan_floors[cid])
		__atomic_store_n(&gosan_floors[cid], floor, __ATOMIC_RELAXED);
	gosan_engine_unlock();
}

void gosan_floor_stop(void)
{
	__atomic_store_n(&stopped, true, __ATOMIC_RELAXED);
}
