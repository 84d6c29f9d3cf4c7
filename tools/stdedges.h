/* SPDX-License-Identifier: Apache-2.0
 *
 * stdedges.h: happens-before edges in STD, which has locks, forks and joins only. An edge from a release to those who
 * acquire it is a lock E and a variable V that nobody else uses:
 *
 *	A|acq(E)  A|w(V)  A|rel(E)   ...   B|acq(E)  B|r(V)  B|rel(E)
 *
 * That is right for happens-before and for the analyses that drop edges of locks whose critical sections don't
 * conflict (SHB, WCP, SyncP): here they do. What a synchronisation object has to tell is a list of such releases.
 */
#ifndef STDEDGES_H
#define STDEDGES_H

#include "export.h"

#include <stdbool.h>
#include <stdint.h>

/* The moment of a release, and the name of its lock and variable. It covers what its thread did before, so an object that
 * merges the releases of n threads is a list of n, where a clock would be one. number 0: none. */
struct stdedges_token {
	uint32_t thread, number;
};

/* Of the releases of one thread the last is enough: it comes after the others. */
struct stdedges_list {
	uint32_t n, room;
	struct stdedges_token *token;
};

struct stdedges;

/* name gives a thread's; the events go to x->out, and are counted there. loc is the location that the three events of an
 * edge get: that of the operation that made it. */
struct stdedges *stdedges_new(struct export_job *x, const char *(*name)(void *, uint32_t), void *arg);

struct stdedges_token stdedges_release(struct stdedges *s, uint32_t thread, int64_t loc);
void stdedges_acquire(struct stdedges *s, uint32_t thread, const struct stdedges_list *list, int64_t loc);
/* Lists: add a release, or let it stand for all that was there; copy all of src. */
void stdedges_merge(struct stdedges *s, struct stdedges_list *list, struct stdedges_token token);
void stdedges_store(struct stdedges *s, struct stdedges_list *list, struct stdedges_token token);
void stdedges_merge_all(struct stdedges *s, struct stdedges_list *list, const struct stdedges_list *src);

#endif
