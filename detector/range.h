/* SPDX-License-Identifier: Apache-2.0
 *
 * range.h: one access over many granules. Used by the shadow's own files only.
 */
#ifndef GOSAN_RANGE_H
#define GOSAN_RANGE_H

#include "granule.h"

/* shadow.c's side: one granule, whatever it takes, and the reports. */
void gosan_shadow_step(struct gosan_walk *w, uintptr_t granule, unsigned bytes);
/* Before the first cell of granule's page is written. False: it can't be. */
bool gosan_shadow_open(struct gosan_walk *w, uintptr_t granule);

/* All granules of [addr, end). w has begun. */
void gosan_range_walk(struct gosan_walk *w, uintptr_t addr, uintptr_t end);

/* Bytes of the granule at `granule` that [addr, end) covers. */
static inline unsigned gosan_range_bytes(uintptr_t granule, uintptr_t addr, uintptr_t end)
{
	unsigned lo = addr > granule ? (unsigned)(addr - granule) : 0;
	unsigned hi = end < granule + 8 ? (unsigned)(end - granule) : 8;

	return (0xffu << lo) & (0xffu >> (8 - hi));
}

#endif
