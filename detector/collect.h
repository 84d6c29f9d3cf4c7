/* SPDX-License-Identifier: Apache-2.0
 *
 * collect.h: segments that no cell names any more are given out again.
 *
 * A collection waits until no goroutine is in the shadow, and keeps them out meanwhile. Going in is a plain store
 * and a load; that the two are seen in order is the collector's business (membarrier).
 */
#ifndef GOSAN_COLLECT_H
#define GOSAN_COLLECT_H

#include "engine.h"

/* What keeps accesses off the short ways; 0 as a whole: nothing. Whoever has said that he is inside looks at it. */
union gosan_gate {
	struct {
		bool collecting;
		bool fences; /* no membarrier: everybody pays for the order */
		bool recording;
		bool far; /* there is no linear shadow */
	};
	uint32_t closed;
};
_Static_assert(sizeof(union gosan_gate) == sizeof(uint32_t), "one load");
extern union gosan_gate gosan_gate __attribute__((visibility("hidden")));

/* Outside: true when there are segments again. Takes the engine lock. */
bool gosan_collect(void);
/* Outside, where the memory limit is reached: forget all that the shadow remembers, counted in shadow_lost. False: that
 * would not help. */
bool gosan_collect_drop(void);
/* Nobody else collects or forks from the one to the other; false: somebody does. */
bool gosan_collect_try_begin(void);
void gosan_collect_end(void);
/* Under the engine lock, in between: drop what no cell names from the segments in use, at the first attempt or not at all.
 */
void gosan_collect_used(void);
void gosan_collect_wait(struct gosan_g *g);
/* Around fork, first and last: a child has no granule that somebody left locked who stayed behind. */
void gosan_collect_fork(bool before);
bool gosan_collect_fork_child(void); /* false: somebody was inside all the same */

/* g->in_shadow is false before. */
static inline void gosan_collect_enter(struct gosan_g *g)
{
	__atomic_store_n(&g->in_shadow, true, __ATOMIC_RELAXED);
	if (__builtin_expect(gosan_gate.fences, 0))
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	else
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (__builtin_expect(__atomic_load_n(&gosan_gate.collecting, __ATOMIC_ACQUIRE), 0))
		gosan_collect_wait(g);
}

/* Release: the collector, which acquires it, sees the cells that were written inside. */
static inline void gosan_collect_leave(struct gosan_g *g)
{
	__atomic_store_n(&g->in_shadow, false, __ATOMIC_RELEASE);
}

/* For a thread that the engine does not know yet: all of these share a counter. */
void gosan_collect_enter_unknown(void);
void gosan_collect_leave_unknown(void);

#endif
