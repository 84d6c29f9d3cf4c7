/* SPDX-License-Identifier: Apache-2.0
 *
 * token.h: the tokens of semaphores: who took which, and what a post orders. Under the engine lock, or on a short way
 * under the semaphore's bit; g runs here.
 */
#ifndef GOSAN_TOKEN_H
#define GOSAN_TOKEN_H

#include "hb.h"

/* g took a token of sem, and has acquired already. */
void gosan_token_take(struct gosan_g *g, struct gosan_obj *sem);
/* g posts. */
void gosan_token_post(struct gosan_g *g, struct gosan_obj *sem);

/* Is sem a lock: of all tokens that there are, only one may be taken at a time? */
static inline bool gosan_token_excludes(const struct gosan_obj *sem)
{
	return sem->counted && sem->count + sem->gifts <= 1;
}

#endif
