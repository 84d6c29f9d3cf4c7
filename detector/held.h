/* SPDX-License-Identifier: Apache-2.0
 *
 * held.h: the books of held locks, for engine.c. Under the engine lock and the object's bit.
 */
#ifndef GOSAN_HELD_H
#define GOSAN_HELD_H

#include "engine.h"

/* LOCK_ACQUIRE. Beyond GOSAN_HELD_MAX the list is short, counted in held_lost; owner and readers are right. */
void gosan_held_add(const struct gosan_event *ev);
/* LOCK_RELEASE, also by another goroutine than the one that acquired. */
void gosan_held_remove(const struct gosan_event *ev);
/* Before anybody looks at what g holds. g is the event's own, or rests. */
void gosan_held_prune(struct gosan_g *g);

#endif
