/* SPDX-License-Identifier: Apache-2.0
 *
 * token.c: semaphores that are used as locks, and others.
 *
 *      lock:   wait s  ..  post s                          whoever is next might as well have been first
 *      gift:   post s  ────────────►  wait s               whoever waits comes after, in every schedule
 *
 * Who gives back a token that it took itself uses the semaphore as a lock: that is an order of locks, in the strong clock
 * only. A post by anybody else gives something that was not there before. What earlier gifts brought stays in the weak
 * clock: whoever passes a gift on need not have made it. Without the first value, which other processes may know, every
 * post is a gift; so it is for whoever takes tokens and forgot this one. That orders too much, and hides predictions of
 * deadlocks, never a race.
 */
#include <string.h>

#include "chain.h"
#include "token.h"

void gosan_token_take(struct gosan_g *g, struct gosan_obj *sem)
{
	memmove(&g->tokens[1], &g->tokens[0], (GOSAN_TOKENS - 1) * sizeof(g->tokens[0]));
	g->tokens[0] = sem;
	g->weak_moves++;
}

/* True: it had one. */
static bool give_token(struct gosan_g *g, const struct gosan_obj *sem)
{
	size_t i = 0;

	while (i < GOSAN_TOKENS && g->tokens[i] != sem)
		i++;
	if (i == GOSAN_TOKENS)
		return false;
	memmove(&g->tokens[i], &g->tokens[i + 1], (GOSAN_TOKENS - 1 - i) * sizeof(g->tokens[0]));
	g->tokens[GOSAN_TOKENS - 1] = NULL;
	return true;
}

void gosan_token_post(struct gosan_g *g, struct gosan_obj *sem)
{
	bool own = give_token(g, sem) && sem->counted;

	if (!own) {
		sem->gifts += sem->gifts < UINT32_MAX / 2;
		gosan_hb_release(g, sem);
		return;
	}
	if (gosan_g_deaf(g))
		return;
	gosan_clock_join_since(&sem->strong, &g->strong, &sem->seen);
	gosan_clock_copy(&sem->seen, &g->strong);
	sem->at = (struct gosan_stamp){0, 0};
	sem->from = g;
	g->weak_moves++;
	gosan_chain_advance(g);
}
