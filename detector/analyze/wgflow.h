/* SPDX-License-Identifier: Apache-2.0
 *
 * wgflow.h: how many Dones can run before enough Adds did? A maximum flow from Dones to the Adds that happen
 * before them. Knows stamps and amounts; knows nothing of rounds and reports.
 */
#ifndef GOSAN_WGFLOW_H
#define GOSAN_WGFLOW_H

#include "analyze.h"

/* One Add or Done. */
struct gosan_wgop {
	struct gosan_stamp at;
	uint64_t seq; /* number of the operation on the WaitGroup */
	int64_t n;    /* amount, > 0 for Adds and Dones alike */
	const struct gosan_g *g;
	uint32_t stack;
	struct gosan_clock clock; /* strong, before the operation */
	bool knows_prev;          /* Add: it opened a round and happens after all of the one before */
	bool picked;              /* scratch: takes part in the current question */
	/* Done: an Add that serves it in the last answer that left no Done over */
	struct gosan_stamp match_at;
	uint64_t match_seq;
};

/* x before y in every schedule that keeps the order of this run's synchronisation. */
bool gosan_wgflow_before(const struct gosan_wgop *x, const struct gosan_wgop *y);

/* Does the Add that serves done happen before x? */
bool gosan_wgflow_match_before(const struct gosan_wgop *done, const struct gosan_wgop *x);

/* Of the picked Dones, the amount that no picked Add covers in the worst schedule; 0 when all are covered,
 * -1 when the question is too big to answer. *ret_done gets one Done that is left over. */
int64_t gosan_wgflow_missing(const struct gosan_vec *dones, const struct gosan_vec *adds,
			     const struct gosan_wgop **ret_done);

#endif
