/* SPDX-License-Identifier: Apache-2.0
 *
 * stdrows.h: what the export to STD keeps by address: atomic variables, blocks of the heap, program counters. A hash
 * table with open addressing; rows are never taken out, and move when it grows.
 */
#ifndef STDROWS_H
#define STDROWS_H

#include "stdedges.h"

struct stdrow {
	uint64_t key; /* + 1; 0: free place */
	uint64_t value;
	struct stdedges_list list;
};

/* All-zero is empty; row is the caller's to free. */
struct stdrows {
	struct stdrow *row;
	uint64_t n, room; /* a power of two, at most half full */
};

/* NULL when it is not there. */
struct stdrow *stdrows_find(const struct stdrows *r, uint64_t key);
struct stdrow *stdrows_add(struct stdrows *r, uint64_t key);

#endif
