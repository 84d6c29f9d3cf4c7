/* SPDX-License-Identifier: Apache-2.0
 *
 * actor.c: the part of a goroutine that ends with it.
 */
#include "mem.h"
#include "actor.h"

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
