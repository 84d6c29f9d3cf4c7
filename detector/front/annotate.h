/* SPDX-License-Identifier: Apache-2.0
 *
 * annotate.h: shared by the files that implement tsan_api.def.
 */
#ifndef GOSAN_ANNOTATE_H
#define GOSAN_ANNOTATE_H

#include "front.h"
#include "intercept.h"

/* Many annotations name their place in the source, which we know better. */
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define PLACE const char *file, int line
/* A function that returns nothing; its body follows. */
#define ANNOTATION(name, params) \
	GOSAN_EXPORT void name params; \
	GOSAN_EXPORT void name params

/* Bits of enum gosan_ignored. A lock's own code has neither accesses nor order that count. */
enum { GOSAN_READS = 1, GOSAN_WRITES = 2, GOSAN_ORDER = 4, GOSAN_ALL = 7 };

/* annotate.c: what the running goroutine does of these kinds is ignored once more (by 1) or once less (-1). */
void gosan_annotate_ignore(unsigned kinds, int by);

#endif
