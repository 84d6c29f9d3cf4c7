/* SPDX-License-Identifier: Apache-2.0
 *
 * lockpath.c: the short way. Until it is paved, every event goes the long way.
 */
#include "lockpath.h"

bool gosan_lockpath_acquire(struct gosan_g *g, struct gosan_obj *obj, int mode, uint32_t stack)
{
	(void)g, (void)obj, (void)mode, (void)stack;
	return false;
}

bool gosan_lockpath_release(struct gosan_g *g, struct gosan_obj *obj, int mode, uint32_t stack)
{
	(void)g, (void)obj, (void)mode, (void)stack;
	return false;
}

bool gosan_lockpath_post(struct gosan_g *g, struct gosan_obj *obj, uint32_t stack)
{
	(void)g, (void)obj, (void)stack;
	return false;
}

bool gosan_lockpath_wait(struct gosan_g *g, struct gosan_obj *obj, uint32_t stack)
{
	(void)g, (void)obj, (void)stack;
	return false;
}
