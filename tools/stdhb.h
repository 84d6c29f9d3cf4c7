/* SPDX-License-Identifier: Apache-2.0
 *
 * stdhb.h: happens-before analysis of STD events, with the detector's clocks (detector/clock.h). Order: program order;
 * a release before the next acquisition of its lock; a fork before the first event of its thread; the last event of a
 * thread before its join. The same events race as in RAPID's HB engine: an access does when an earlier one of another
 * thread, of which at least one writes, is not ordered before it.
 *
 * Beside clocks nothing is kept of a thread, and of a lock what its last release knew. RAPID's engine keeps for each
 * variable the joined clocks of all reads and of all writes; an access races if those are not covered by its thread's
 * clock. That holds exactly if one of the accesses is unordered, and which one is what a report wants to know: so here the
 * accesses themselves are kept, as far as they count.
 *
 * Memory: a few words for each variable, and for each access that no later one of its variable comes after.
 */
#ifndef STDHB_H
#define STDHB_H

#include "std.h"

/* Racing pairs of the same two locations and operations are one. */
struct stdhb_race {
	int32_t loc[2];    /* of the earlier and the later access */
	enum std_op op[2]; /* STD_READ or STD_WRITE */
	uint64_t count;    /* racing events at loc[1] */
	/* Of the first such pair: */
	uint32_t thread[2], variable;
	uint64_t line; /* of the later one */
};

struct stdhb {
	struct arena *a;
	uint64_t n_events;
	uint64_t n_racing; /* accesses that race with an earlier one */
	size_t n_races;
	struct stdhb_race *races; /* in the order in which they were found */
	/* stdhb.c's own */
	uint32_t n_threads, n_locks, n_variables;
	struct stdhb_thread *threads;
	struct stdhb_lock *locks;
	struct stdhb_variable *variables;
	uint32_t *table, table_room; /* races by locations */
};

/* All-zero but for the arena is a new analysis. 0, or -E2BIG: more threads than clocks have places for. */
int stdhb_event(struct stdhb *h, const struct std_event *ev);
void stdhb_free(struct stdhb *h);

#endif
