/* SPDX-License-Identifier: Apache-2.0
 *
 * wgreport.h: the findings about WaitGroups, GS401, GS402 and GS403, from operations to records. Judges nothing.
 */
#ifndef GOSAN_WGREPORT_H
#define GOSAN_WGREPORT_H

#include "wgflow.h"

/* The call of a Wait. */
struct gosan_wgwait {
	const struct gosan_g *g;
	uint32_t stack;
	struct gosan_stamp at;
	struct gosan_clock clock; /* strong, at the call */
};

/* GS401: `a` and `wait` are not ordered, and the counter can be zero at a. */
void gosan_wgreport_overtaken(const struct gosan_obj *wg, const struct gosan_wgop *a,
			      const struct gosan_wgwait *wait);
/* GS403: g adds for a new round while `wait` (NULL: unknown) of the last one may not have returned. */
void gosan_wgreport_reuse(const struct gosan_obj *wg, const struct gosan_g *g, uint32_t stack,
			  const struct gosan_wgwait *wait);
/* GS402, in another schedule: `done` can run before `add` (NULL: not one Add to blame). */
void gosan_wgreport_possible(const struct gosan_obj *wg, const struct gosan_wgop *done,
			     const struct gosan_wgop *add);
/* GS402, happened: g's Done; `other`, the one before from another place, and `add` may be NULL. */
void gosan_wgreport_negative(const struct gosan_obj *wg, const struct gosan_g *g, uint32_t stack,
			     const struct gosan_wgop *other, const struct gosan_wgop *add);

#endif
