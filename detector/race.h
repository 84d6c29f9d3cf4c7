/* SPDX-License-Identifier: Apache-2.0
 *
 * race.h: from two conflicting accesses to a finding. All policy about what is reported, how often and
 * with which words is in race.c; shadow.c only finds conflicts.
 */
#ifndef GOSAN_RACE_H
#define GOSAN_RACE_H

#include "engine.h"

/* A running goroutine's access met a remembered one. */
struct gosan_race {
	struct gosan_g *g;
	uintptr_t addr; /* first byte that both touched */
	unsigned both;  /* all of them: a mask over their granule */
	size_t size;    /* of the current access */
	unsigned flags; /* of the current access: enum gosan_access_flags */
	uint32_t place;
	struct gosan_stamp old_at;
	unsigned old_flags, old_bytes; /* bytes: all of the old one, a mask over the granule */
	uint32_t old_place;
	bool ordered; /* the old one happens before: only a conflict because it was a free */
};

/* Does addr lie in thread-local storage of the thread that runs? NULL: the linker knows. A recording knows better. */
extern bool (*gosan_race_own_tls)(uintptr_t addr);

/* No shadow lock is held. Takes the engine lock when there is something to report. */
void gosan_race_found(const struct gosan_race *r);

#endif
