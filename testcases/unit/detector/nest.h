/* SPDX-License-Identifier: Apache-2.0
 *
 * nest.h: two locks, one in the other, from one place and from another. Include once per test.
 */
#ifndef NEST_H
#define NEST_H

#include "feed.h"

#define OBJ(name, kind) struct gosan_obj *name = feed_obj(GOSAN_OBJ_##kind)

static void nest(struct gosan_g *g, struct gosan_obj *a, struct gosan_obj *b)
{
	LOCK(g, a);
	LOCK(g, b);
	UNLOCK(g, b);
	UNLOCK(g, a);
}

static void nest_other(struct gosan_g *g, struct gosan_obj *a, struct gosan_obj *b)
{
	LOCK(g, a);
	LOCK(g, b);
	UNLOCK(g, b);
	UNLOCK(g, a);
}

#endif
