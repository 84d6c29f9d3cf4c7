/* SPDX-License-Identifier: Apache-2.0
 *
 * replay.h: feeds a program's steps to the real engine and shadow memory, one by one, on this thread.
 */
#ifndef ORACLE_REPLAY_H
#define ORACLE_REPLAY_H

#include "engine.h"
#include "program.h"

struct replay {
	const struct program *p;
	struct gosan_g *g[MAX_GS];
	struct gosan_obj *obj[MAX_OBJS], *odd[MAX_OBJS]; /* odd: of a barrier's odd rounds */
	struct gosan_stamp at[MAX_STEPS];
	uintptr_t pc0; /* the access at step i has program counter pc0 + i */
};

/* The start of the memory that accesses go to; MEMORY bytes. */
uintptr_t replay_memory(void);
void replay_begin(struct replay *r, const struct program *p);
/* Step i, and i + 1 when i is a PAIR_SEND. */
void replay_step(struct replay *r, int i);

#endif
