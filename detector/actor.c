/* SPDX-License-Identifier: Apache-2.0
 *
 * actor.c: the memory of goroutines, who there is, and the part of one that ends with it.
 *
 * Goroutines lie in one sparse table, each at the beginning of a cache line: so a word is quickly told to be a pointer
 * to one. Those for which the table has no room come from mem.h, and stay for ever.
 */
#include "engine.h"
#include "mem.h"

#define ACTORS_MAX ((size_t)1 << 22)
#define STRIDE     ((sizeof(struct gosan_g) + 63) & ~(size_t)63)
#define CHARGED    64u /* goroutines whose memory is counted in one go */

static char *table;
static size_t n_used; /* entries that were given out at some time */
static struct gosan_g
	*free_list; /* by next_alive: a walk over all may still stand on one, and goes on by next */

static struct gosan_g *take(void)
{
	struct gosan_g *g = free_list;

	if (g) {
		free_list = g->next_alive;
		gosan_mem_set(g, 0, sizeof *g);
		return g;
	}
	if (!table)
		table = gosan_mem_map(ACTORS_MAX * STRIDE);
	if (!table || n_used == ACTORS_MAX)
		return gosan_mem_alloc(sizeof *g);
	if (n_used % CHARGED == 0 && !gosan_mem_charge(CHARGED * STRIDE))
		return NULL;
	return (struct gosan_g *)(table + n_used++ * STRIDE);
}

struct gosan_g *gosan_actor_new(void)
{
	struct gosan_g *g = take();

	if (g && !gosan_actor_give_life(g)) {
		gosan_actor_free(g);
		return NULL;
	}
	return g;
}

void gosan_actor_free(struct gosan_g *g)
{
	if (!gosan_actor_at((uintptr_t)g)) {
		gosan_mem_free(g, sizeof *g);
		return;
	}
	g->no = 0;
	g->next_alive = free_list;
	free_list = g;
}

size_t gosan_actor_span(uintptr_t *ret_first)
{
	*ret_first = (uintptr_t)table;
	return n_used * STRIDE;
}

/* A free one is none: what still has its address has it by chance, or forgot to look. */
struct gosan_g *gosan_actor_at(uintptr_t word)
{
	size_t at = word - (uintptr_t)table;

	return at < n_used * STRIDE && at % STRIDE == 0 ? (struct gosan_g *)word : NULL;
}

/* In `all` until reap.c takes it, in `alive` until its G_END. Collections walk over all without the lock around fork: the
 * new one is complete when they see it. */
static struct gosan_g *all, *alive;
static uint32_t n_born;

struct gosan_g *gosan_engine_all(void)
{
	return all;
}

struct gosan_g **gosan_engine_list(void)
{
	return &all;
}

struct gosan_g *gosan_engine_alive(void)
{
	return alive;
}

void gosan_actor_born(struct gosan_g *g)
{
	g->no = ++n_born;
	g->next = all;
	__atomic_store_n(&all, g, __ATOMIC_RELEASE);
	g->next_alive = alive;
	if (alive)
		alive->prev_alive = g;
	alive = g;
}

bool gosan_actor_bury(struct gosan_g *g)
{
	if (g->buried)
		return false;
	g->buried = true;
	if (g->prev_alive)
		g->prev_alive->next_alive = g->next_alive;
	else
		alive = g->next_alive;
	if (g->next_alive)
		g->next_alive->prev_alive = g->prev_alive;
	g->next_alive = g->prev_alive = NULL;
	return true;
}

bool gosan_actor_give_life(struct gosan_g *g)
{
	struct gosan_life *l = gosan_mem_alloc(sizeof *l);

	if (!l)
		return false;
	g->life = l;
	g->edges = l->edges;
	g->sources = l->sources;
	g->left = l->left;
	g->wait.on = l->on;
	return true;
}

/* Nobody looks there any more: the numbers that count what is there say none. */
void gosan_actor_take_life(struct gosan_g *g)
{
	gosan_mem_free(g->life, sizeof *g->life);
	g->life = NULL;
	g->edges = NULL;
	g->sources = NULL;
	g->left = NULL;
	g->wait.on = NULL;
	g->wait.n = 0;
	g->n_edges = 0;
	g->n_sources = GOSAN_SOURCES + 1;
}
