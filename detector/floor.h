/* SPDX-License-Identifier: Apache-2.0
 *
 * floor.h: what every living goroutine knows. An access that all of them cover can't race any more: whoever comes
 * later inherits from one of them. So "main initialises, the workers read" needs no third cell.
 *
 * The floor is a lower bound, brought up to date when somebody is about to need room. It stops to rise for good when
 * there may be a goroutine that inherits from none of the living: a timer carries the clock of when it was armed, and
 * a thread that nobody announced has no creator. Frees never count as covered.
 *
 * Who waits for the end of a thread, without a limit, will know all that the thread knows when it goes on: that is
 * counted on. Should it act before (in a signal handler; or it is cancelled, or the join fails), then accesses may have
 * been dropped that it does not know: that is counted in shadow_lost.
 */
#ifndef GOSAN_FLOOR_H
#define GOSAN_FLOOR_H

#include "segment.h"

int gosan_floor_init(void);
extern uint32_t *gosan_floors; /* by chain: up to this epoch all is covered */

static inline bool gosan_floor_covers(uint32_t seg)
{
	struct gosan_segment s = gosan_segment_bound(seg);
	uint32_t floor;

	if (s.cid & GOSAN_SEGMENT_FREE)
		return false;
	floor = __atomic_load_n(&gosan_floors[s.cid], __ATOMIC_RELAXED);
	return floor >= s.epoch || (floor && floor >= gosan_segments[seg].epoch);
}

/* Is it time to look again at what is known of this segment's chain? */
bool gosan_floor_due(uint32_t seg);
/* Look. Takes the engine lock: outside of the shadow. */
void gosan_floor_raise(uint32_t cid);
/* The chains of all the living, for the collector: under the engine lock. */
void gosan_floor_raise_all(void);
/* Under the engine lock: g, on the calling thread, begins to wait for the end of another. */
void gosan_floor_waits(struct gosan_g *g);
/* g begins to remember accesses of a moment; of those that wait it means that they should not. */
void gosan_floor_acts(struct gosan_g *g);
/* Under the engine lock: from now on somebody may come who inherits nothing. */
void gosan_floor_stop(void);

#endif
