/* SPDX-License-Identifier: Apache-2.0
 *
 * chain.c: chains, their recycling, and whose a stamp is.
 *
 *   chain 7   [1 .. 4] goroutine 3    [5 .. 9] goroutine 12    [10 ..] goroutine 31
 *
 * Invariants
 *  - All events of a tenant happen before all events of the next tenant, in the strong and in the weak
 *    relation. So "entry >= e" means the same as it would with a chain for each: recycling is exact. It needs
 *    a spawner whose clocks cover the last moment in which the dead tenant did anything; everybody else who
 *    learns of the new tenant learns it from that spawner. (Slots that are taken from a living or unordered
 *    owner, as in ThreadSanitizer v3, order what nothing ordered: races are missed.)
 *  - So the width of the clocks is the number of goroutines that are pairwise unordered, not of all that ever
 *    ran.
 *  - Tenants that nothing names any more are forgotten, also from the middle of a chain: a stamp is the tenant's whose
 *    epochs it is among, and nobody's when there is none.
 *  - The shared chain breaks the first rule on purpose. A tenant's entry for it is never below its own epoch,
 *    so no two ordered events look unordered: misses only. Each tenant is counted in cid_lost.
 */
#include "mem.h"
#include "chain.h"

/* How many dead chains a spawn looks at: a wave that was waited for is found at the first try. Where chains are found,
 * more looks are worth it, for each miss makes all clocks wider; where nobody waits for anybody, none ever are. */
#define TRIES     6
#define TRIES_MAX 96

struct chain {
	struct gosan_tenant *last;
	uint32_t final; /* last moment in which the last tenant did anything */
	uint32_t next;  /* first epoch of the next tenant */
};

uint32_t gosan_chain_limit = GOSAN_CHAIN_SHARED - 1;
uint32_t gosan_chain_last_epoch = UINT32_MAX - 1;

static struct chain *chains; /* sparse, indexed by cid */
static uint32_t n_chains;    /* cids 1..n_chains were given out */
static struct stack {
	uint32_t *cid;
	uint32_t n, room;
} unused, dead; /* unused: given out and handed back without an event */
static uint32_t dead_cursor;
static uint32_t tries = TRIES; /* between the two */

static bool push(struct stack *s, uint32_t cid)
{
	if (s->n == s->room) {
		uint32_t room = s->room ? s->room * 2 : 64;
		uint32_t *grown = gosan_mem_alloc(room * sizeof *grown);

		if (!grown)
			return false; /* the chain is never used again: wider clocks, nothing wrong */
		for (uint32_t i = 0; i < s->n; i++)
			grown[i] = s->cid[i];
		gosan_mem_free(s->cid, s->room * sizeof *s->cid);
		s->cid = grown;
		s->room = room;
	}
	s->cid[s->n++] = cid;
	return true;
}

static uint32_t fresh_cid(void)
{
	if (!chains && !(chains = gosan_mem_map((GOSAN_CID_MAX + 1) * sizeof *chains)))
		return GOSAN_CHAIN_SHARED;
	if (unused.n)
		return unused.cid[--unused.n];
	if (n_chains < gosan_chain_limit)
		return ++n_chains;
	return GOSAN_CHAIN_SHARED;
}

static uint32_t highest(const struct gosan_g *g)
{
	uint32_t s = gosan_clock_get(&g->strong, g->cid), w = gosan_clock_get(&g->weak, g->cid);
	uint32_t known = s > w ? s : w;

	return known > g->epoch && known != UINT32_MAX ? known : g->epoch; /* clock.h: an upper bound */
}

/* A tenant of the shared chain takes the highest epoch that it has heard of there for its own. Where both
 * clocks are one (see hb.c), they stay one: an entry that has to go into the trie makes one path of nodes. */
static void own_entry(struct gosan_g *g)
{
	bool one = gosan_clock_same(&g->strong, &g->weak);

	if (g->cid == GOSAN_CHAIN_SHARED)
		g->epoch = highest(g);
	gosan_g_moved_on(g);
	if (one)
		gosan_clock_clear(&g->weak);
	gosan_clock_own(&g->strong, g->cid, g->epoch);
	if (one)
		gosan_clock_copy(&g->weak, &g->strong);
	else
		gosan_clock_own(&g->weak, g->cid, g->epoch);
}

/* All that it knows is as old as this moment. */
static void start_afresh(struct gosan_g *g)
{
	g->learned = g->learned_weak = g->epoch;
	own_entry(g);
}

void gosan_chain_restart(struct gosan_g *g)
{
	const struct gosan_tenant *t = g->tenancy;

	for (t = t ? t->earlier : NULL; t; t = t->earlier) {
		gosan_clock_set(&g->strong, t->cid, t->left);
		gosan_clock_set(&g->weak, t->cid, t->left);
	}
	start_afresh(g);
}

/* g becomes the tenant of cid from this epoch on. */
static void settle(struct gosan_g *g, uint32_t cid, uint32_t first)
{
	struct gosan_tenant *t = g->tenancy ? gosan_mem_alloc(sizeof *t) : &g->tenant;

	g->cid = cid;
	g->epoch = first;
	gosan_g_moved_on(g);
	if (cid == GOSAN_CHAIN_SHARED)
		GOSAN_COUNT(cid_lost);
	g->busy_epoch = 0;
	g->access_epoch = 0;
	if (!t || !chains)
		return; /* whose() names nobody: exposition only */
	*t = (struct gosan_tenant){g, chains[cid].last, g->tenancy, cid, first, 0, UINT32_MAX};
	chains[cid].last = t;
	g->tenancy = t;
}

/* g's chain was given to it by begin and has no event yet: take it back. The epoch it stood for is skipped,
 * so that a stamp that somebody nevertheless took of it names no other goroutine's event. */
static void hand_back(struct gosan_g *g)
{
	struct gosan_tenant *t = g->tenancy;

	if (g->cid == GOSAN_CHAIN_SHARED || !t)
		return;
	chains[g->cid].last = t->before;
	chains[g->cid].next = g->epoch + 1;
	g->tenancy = NULL;
	push(&unused, g->cid);
}

void gosan_chain_begin(struct gosan_g *g)
{
	uint32_t cid = fresh_cid(), first = 1;

	if (cid != GOSAN_CHAIN_SHARED && chains[cid].next > first)
		first = chains[cid].next;
	settle(g, cid, first);
	start_afresh(g);
}

/* A dead chain whose last tenant the clocks cover, removed from the dead; 0 when none is near. Half of the
 * tries go to the latest dead, which a spawner that just waited for them covers, and half anywhere: those that nobody
 * covers yet, or ever will, lie together and must not hide the rest. */
static uint32_t recyclable(const struct gosan_clock *strong, const struct gosan_clock *weak)
{
	uint32_t most = tries < dead.n ? tries : dead.n;

	for (uint32_t i = 0; i < most; i++) {
		uint32_t anywhere =
			(uint32_t)(((uint64_t)(dead_cursor * UINT32_C(2654435769)) * dead.n) >> 32);
		uint32_t at = i % 2 ? anywhere : dead.n - 1 - i / 2, cid = dead.cid[at];
		struct gosan_stamp s = {cid, chains[cid].final};

		dead_cursor += i % 2;
		if (!gosan_clock_covers(weak, s) || !gosan_clock_covers(strong, s))
			continue;
		dead.cid[at] = dead.cid[--dead.n];
		tries = tries < TRIES_MAX ? tries + 1 : tries;
		return cid;
	}
	tries = tries > TRIES + 8 ? tries - 8 : TRIES;
	return 0;
}

void gosan_chain_spawn(struct gosan_g *g, const struct gosan_clock *strong, const struct gosan_clock *weak)
{
	uint32_t cid = g->cid ? recyclable(strong, weak) : 0;

	gosan_clock_copy(&g->strong, strong);
	gosan_clock_copy(&g->weak, weak);
	if (cid) {
		hand_back(g);
		settle(g, cid, chains[cid].next);
	}
	start_afresh(g);
}

/* No epoch is left: the old chain stays in g's clocks as a fact of its past. */
static void move(struct gosan_g *g)
{
	uint32_t cid = fresh_cid();
	struct gosan_tenant *t = g->tenancy;

	if (cid == GOSAN_CHAIN_SHARED && g->cid == cid)
		return; /* the last epoch for ever: misses only */
	if (t)
		t->left = t->end = g->epoch;
	g->n_sources = GOSAN_SOURCES + 1; /* its own past lies on another chain */
	settle(g, cid, cid == GOSAN_CHAIN_SHARED || !chains[cid].next ? 1 : chains[cid].next);
	start_afresh(g);
}

void gosan_chain_advance_slow(struct gosan_g *g)
{
	if (g->cid == 0)
		return;
	if (g->epoch >= gosan_chain_last_epoch) {
		move(g);
		return;
	}
	if (g->cid == GOSAN_CHAIN_SHARED)
		g->epoch = highest(g);
	gosan_g_moved_on(g);
	g->epoch++;
	g->strong.epoch = g->weak.epoch = g->epoch;
}

void gosan_chain_end(struct gosan_g *g)
{
	uint32_t final = g->busy_epoch;

	if (g->tenancy)
		g->tenancy->end = g->epoch;
	if (g->is_system || g->cid == 0 || g->cid == GOSAN_CHAIN_SHARED ||
	    g->epoch >= gosan_chain_last_epoch - 1)
		return;
	if (g->access_epoch > final)
		final = g->access_epoch;
	chains[g->cid].final = final;
	chains[g->cid].next = g->epoch + 1;
	push(&dead, g->cid);
}

/* The last tenant of a chain is at its own epoch, unless it moved on: then the chain stops below `next`. */
void gosan_chain_alone(struct gosan_g *g)
{
	bool one = gosan_clock_same(&g->strong, &g->weak);

	if (one)
		gosan_clock_clear(&g->weak);
	for (uint32_t cid = 1; cid <= n_chains; cid++) {
		const struct gosan_tenant *t = chains[cid].last;
		uint32_t last = t && t->g->cid == cid ? t->g->epoch : chains[cid].next;

		if (cid == g->cid)
			continue;
		gosan_clock_set(&g->strong, cid, last);
		if (!one)
			gosan_clock_set(&g->weak, cid, last);
	}
	if (one)
		gosan_clock_copy(&g->weak, &g->strong);
	g->n_sources = GOSAN_SOURCES + 1;
	start_afresh(g);
}

void gosan_chain_each_first(gosan_clock_fn *fn, void *arg)
{
	for (uint32_t cid = 1; cid <= n_chains; cid++)
		for (const struct gosan_tenant *t = chains[cid].last; t && t->before; t = t->before)
			fn(cid, t->first - 1, arg);
}

void gosan_chain_each_tenant(void (*fn)(struct gosan_tenant *, void *), void *arg)
{
	for (uint32_t cid = 1; cid <= n_chains; cid++)
		for (struct gosan_tenant *t = chains[cid].last; t; t = t->before)
			fn(t, arg);
}

/* A chain whose last tenant is forgotten goes on behind its last epoch, also if nobody will be the next: a forked child
 * knows all that was done there. */
static void forget(uint32_t cid, bool (*is_dead)(const struct gosan_g *))
{
	struct gosan_tenant **p = &chains[cid].last, *t;

	while ((t = *p)) {
		if (!is_dead(t->g)) {
			p = &t->before;
			continue;
		}
		if (p == &chains[cid].last && chains[cid].next <= t->g->epoch && t->g->cid == cid)
			chains[cid].next = t->g->epoch + 1;
		*p = t->before;
		if (t != &t->g->tenant)
			gosan_mem_free(t, sizeof *t);
	}
}

void gosan_chain_forget(bool (*is_dead)(const struct gosan_g *))
{
	for (uint32_t cid = 1; cid <= n_chains; cid++)
		forget(cid, is_dead);
	if (chains)
		forget(GOSAN_CHAIN_SHARED, is_dead);
}

struct gosan_g *gosan_chain_whose(struct gosan_stamp s)
{
	struct gosan_tenant *t = chains && s.cid <= GOSAN_CID_MAX ? chains[s.cid].last : NULL;

	while (t && t->first > s.epoch)
		t = t->before;
	return t && t->end >= s.epoch && s.cid != GOSAN_CHAIN_SHARED ? t->g : NULL;
}

struct gosan_stamp gosan_chain_birth(const struct gosan_g *g)
{
	const struct gosan_tenant *t = g->tenancy;

	return (struct gosan_stamp){g->cid, t ? t->first : 0};
}
