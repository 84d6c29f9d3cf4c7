/* SPDX-License-Identifier: Apache-2.0
 *
 * floor.c: the minimum, over the living, of their clocks' entries, one chain at a time.
 *
 * Invariant: floors[c] <= the entry for c of every living goroutine's strong clock, now and for ever: entries only
 * grow, except those of the system contexts that timers start, and with the first of these the floor stops.
 */
#include "floor.h"

#include "event.h"
#include "hb.h"
#include "mem.h"

#include <errno.h>

/* Looking costs a walk over the living, under the engine lock. WALK_MAX: with those who ended without an end. */
#define LIVING_MAX 64
#define WALK_MAX   1024
/* A chain at which a look found nothing new is left alone for so many askings. */
#define PATIENCE 64
/* A thread that joins one that joins one ... */
#define JOINS_MAX 8

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
	struct gosan_segment s = gosan_segment_bound(seg);
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

/* Does g go on only after the end of another? The first thread only, which waits for its workers: others are cancelled in
 * their joins now and then, and what was dropped for them would be lost. Against gosan_floor_acts: each says so before it
 * looks at the other. */
static bool counts_on_join(struct gosan_g *g)
{
	if (g->tid != 1 || g->wait.why != GOSAN_WAIT_JOIN || g->wait.timed || !g->wait.joins)
		return false;
	__atomic_store_n(&g->floor_relied, true, __ATOMIC_SEQ_CST);
	return !__atomic_load_n(&g->floor_astray, __ATOMIC_SEQ_CST);
}

/* What g knows of the chain, or will know before it does anything. */
static uint32_t knows(struct gosan_g *g, uint32_t cid)
{
	uint32_t most = gosan_hb_known_by(g, cid);

	for (size_t i = 0; i < JOINS_MAX && counts_on_join(g); i++) {
		uint32_t known;

		g = g->wait.joins;
		known = gosan_hb_known_by(g, cid);
		if (known > most)
			most = known;
	}
	return most;
}

/* 0 when there are too many to ask. System contexts that never did anything inherit when they begin. */
static uint32_t minimum(uint32_t cid)
{
	uint32_t min = UINT32_MAX;
	size_t living = 0, walked = 0;

	for (struct gosan_g *g = gosan_engine_alive(); g; g = g->next_alive) {
		uint32_t known;

		if (++walked > WALK_MAX || living > LIVING_MAX)
			return 0;
		if (g->ended)
			continue;
		living++;
		known = knows(g, cid);
		if (known < min)
			min = known;
	}
	return living ? min : 0;
}

/* Its cell is dropped: whoever acts in its name while it waits opens a segment, and so comes to gosan_floor_acts. */
void gosan_floor_waits(struct gosan_g *g)
{
	g->floor_astray = false;
	gosan_g_moved_on(g);
}

/* Once per moment at most. floor_relied is cleared by the join (engine.c), which keeps the promise; whoever acts with it
 * set did not keep it: what was dropped meanwhile may be what its access races with. */
void gosan_floor_acts(struct gosan_g *g)
{
	if (__builtin_expect(g->wait.why == GOSAN_WAIT_JOIN, 0))
		__atomic_store_n(&g->floor_astray, true, __ATOMIC_SEQ_CST);
	if (__builtin_expect(__atomic_load_n(&g->floor_relied, __ATOMIC_SEQ_CST), 0)) {
		g->floor_relied = false;
		GOSAN_COUNT(shadow_lost);
	}
}

static void raise_locked(uint32_t cid)
{
	uint32_t floor = stopped ? 0 : minimum(cid);

	if (floor > gosan_floors[cid])
		__atomic_store_n(&gosan_floors[cid], floor, __ATOMIC_RELAXED);
}

void gosan_floor_raise(uint32_t cid)
{
	if (gosan_engine_inside())
		return;
	gosan_engine_lock();
	raise_locked(cid);
	gosan_engine_unlock();
}

void gosan_floor_raise_all(void)
{
	size_t living = 0, walked = 0;

	for (const struct gosan_g *g = gosan_engine_alive(); g && !stopped; g = g->next_alive) {
		if (++walked > WALK_MAX || living > LIVING_MAX)
			return;
		if (g->ended)
			continue;
		living++;
		raise_locked(g->cid);
	}
}

void gosan_floor_stop(void)
{
	__atomic_store_n(&stopped, true, __ATOMIC_RELAXED);
}
