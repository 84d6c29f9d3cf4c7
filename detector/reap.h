/* SPDX-License-Identifier: Apache-2.0
 *
 * reap.h: goroutines that ended and that nothing names any more make room for others. Knows who may be named from where;
 * knows nothing of what for.
 */
#ifndef GOSAN_REAP_H
#define GOSAN_REAP_H

#include "engine.h"

/* Off, all who ever lived are kept: a replay and the tests, which name them from memory that is not the detector's. */
extern bool gosan_reap_on;
/* g's end was seen. Under the engine lock, both. */
void gosan_reap_ended(void);
/* Another is about to be born: is it time, and was there anybody? short_of_memory: it is time when anybody ended. */
bool gosan_reap(bool short_of_memory);
/* Accesses of those who are gone, for the counter; in a forked child, the parent counts them. */
extern uint64_t gosan_reap_accesses;

#endif
