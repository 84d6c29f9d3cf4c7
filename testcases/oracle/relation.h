/* SPDX-License-Identifier: Apache-2.0
 *
 * relation.h: the oracle. Which step of a program happens before which, straight from the text of the memory
 * model: for each step the set of all steps that happen before its completion, as a row of bits. Quadratic,
 * with no clocks, no epochs, and nothing in common with the detector.
 */
#ifndef ORACLE_RELATION_H
#define ORACLE_RELATION_H

#include "program.h"

struct relation {
	uint64_t known[MAX_STEPS][MAX_STEPS / 64]; /* known[b] has bit a: a happens before b's completion */
};

/* with_locks false: edges of mutexes and rwmutexes are left out (the order that holds in every schedule). */
void relation_close(struct relation *r, const struct program *p, bool with_locks);

static inline bool relation_has(const struct relation *r, int a, int b)
{
	return r->known[b][a / 64] >> (a % 64) & 1;
}

/* Two accesses that conflict and are not ordered either way. */
bool relation_races(const struct relation *r, const struct program *p, int a, int b);

#endif
