/* SPDX-License-Identifier: Apache-2.0
 *
 * analyze.h: what the analyzers share, and the few doors between them.
 *
 * Knows who is parked, who uses which object, and which waits a finding already explains, so that one
 * root cause gives one finding. Knows nothing of clocks and of no particular bug.
 *
 * Context: everything here runs under the engine lock, unless it says otherwise; stacks may be small (a
 * goroutine's own), so nothing recurses and scratch space is static.
 */
#ifndef GOSAN_ANALYZE_H
#define GOSAN_ANALYZE_H

#include "engine.h"
#include "finding.h"

/* A growing array in the detector's memory, elements of one size. All-zero is empty. */
struct gosan_vec {
	void *data;
	size_t n, cap;
};
/* A zeroed new last element; NULL when memory is exhausted (the caller goes on without). */
void *gosan_vec_push(struct gosan_vec *v, size_t size);
void gosan_vec_free(struct gosan_vec *v, size_t size);

#define GOSAN_QUESTIONS 6

/* What the analyzers remember of a goroutine. Freed at its end. */
struct gosan_waits {
	struct gosan_g *prev, *next;               /* parked goroutines: gosan_waits_first() */
	struct gosan_g *prev_holder, *next_holder; /* those of them that hold locks */
	bool parked, holder;
	bool explained; /* a finding says why it will never run again */
	bool live;      /* leak.c: somebody may still wake it */
	uint32_t mark;  /* walks: seen in this one */
	const struct gosan_obj
		*unwoken; /* handoff.c: the condition it waits for, when nobody had woken that before */
	uint64_t asked;   /* handoff.c: tick of its last request with others held */
	uint64_t blamed;  /* the emission that explains it, when that is wrong as soon as it goes on */
	bool lost_wake;   /* lock.c: it waits for a signal that came before */
};

/* Who works with an object: a set, by open addressing. Who only waits for it is in the list of the parked.
 * Goroutines that ended are dropped when the set grows. */
struct gosan_use {
	const struct gosan_g **who; /* NULL: free place */
	size_t n, room;             /* room is a power of two */
	const struct gosan_g *recent[2];
	size_t waiting; /* parked goroutines that wait for it, among others */
	size_t woken; /* threads among them that were sent a wake, a post or the last arrival, and did not run yet */
	bool partial; /* memory was exhausted: nothing is concluded from absence */
	bool copied;  /* GS606 was found for it, as copy or as original: waits for it are explained */
	bool fed;     /* timers, signals or I/O deliver here */
	/* [0] who gives (send, close, done, unlock, wake), [1] who takes (receive): for reports */
	struct {
		const struct gosan_g *g;
		uint32_t stack;
	} last[2];
	/* lockdep.c: dependencies that ask for this lock, and that hold it: how many, and the first and the last */
	uint32_t asks, holds, askers[2], holders[2];
	/* leak.c: answers that hold during one pass over the stuck */
	uint32_t asked[GOSAN_QUESTIONS];
	bool answer[GOSAN_QUESTIONS];
};

/* NULL when memory is exhausted. */
struct gosan_waits *gosan_waits_of(struct gosan_g *g);
struct gosan_use *gosan_waits_use(struct gosan_obj *obj);
/* Keep the books for ev; block.c calls it once for every event, after the engine applied it. */
void gosan_waits_note(const struct gosan_event *ev);
/* Sets of users keep the living only. */
void gosan_waits_reap(void);
/* The parked goroutines, in no particular order; next is in their gosan_waits. */
struct gosan_g *gosan_waits_first(void);
struct gosan_g *gosan_waits_next(const struct gosan_g *g);
/* Goroutines by id and then threads by number: the order of reports, which does not depend on chance. At least 1;
 * 0 for the system. */
uint64_t gosan_waits_rank(const struct gosan_g *g);
/* The parked goroutine with the lowest rank >= from (1 at least) that waits for obj (NULL: for anything). */
struct gosan_g *gosan_waits_by_rank(uint64_t from, const struct gosan_obj *obj);
/* The readers of an rwmutex that are parked, up to n: those that can keep a writer waiting for ever. */
size_t gosan_waits_readers(const struct gosan_obj *l, struct gosan_g **ret, size_t n);
/* The acquisition by which g has obj, in any mode, or NULL. An entry of a writer counts while it is the owner. */
const struct gosan_held *gosan_waits_holds(const struct gosan_g *g, const struct gosan_obj *obj);
/* How many of those who wait for obj were not woken yet, as far as known. */
size_t gosan_waits_unwoken(const struct gosan_obj *obj);
/* Does somebody who fits use obj? */
bool gosan_waits_used_by(const struct gosan_obj *obj, bool (*fits)(const struct gosan_g *));
bool gosan_waits_uses(const struct gosan_g *g, const struct gosan_obj *obj);
bool gosan_waits_on(const struct gosan_g *g, const struct gosan_obj *obj);
/* Does anybody wait for obj? Cheap. */
bool gosan_waits_any(const struct gosan_obj *obj);
/* A finding of this check explains it. What nobody will get to see explains nothing: ignored when it is off. */
void gosan_waits_explain(struct gosan_g *g, const char *check);
/* The finding that was just emitted says that g waits for ever: explain, and take it back should g go on. Go lets
 * anybody unlock a mutex. */
void gosan_waits_blame(struct gosan_g *g, const char *check);
void gosan_waits_went_on(struct gosan_g *g); /* it got what it waited for, perhaps without parking */
bool gosan_waits_explained(const struct gosan_g *g);
uint32_t gosan_waits_new_mark(void);
bool gosan_waits_mark(struct gosan_g *g, uint32_t mark); /* true the first time */

uint64_t gosan_waits_hash(uint64_t h, uint64_t x);

/* lock.c: GS604 and GS605 that stand when the run stops for `why`; idempotent. Marks what they explain. */
void gosan_lock_judge(enum gosan_end why);
/* lock.c: would it tell a thread's lost wake-up, which can't be taken back should the standstill end? */
bool gosan_lock_in_doubt(void);
/* lock.c: `copy` holds the id of `original`: GS606. Takes the engine lock. */
void gosan_lock_copied(struct gosan_obj *copy, struct gosan_obj *original, struct gosan_g *g, uint32_t stack);
/* waitgroup.c: its counter came by copying, so its Adds are not known: no verdicts on it. */
void gosan_waitgroup_copied(struct gosan_obj *copy);
/* lock.c: was it ever unlocked by somebody who had not locked it? Then anybody may do so again. */
bool gosan_lock_handed_over(const struct gosan_obj *l);
/* threads.c: do all threads stand still, for ever? With the kernel's word, too, unless by_books. */
bool gosan_threads_stand_still(bool by_books);
/* threads.c: how many threads wait for ever, if only those help who worked with an object before? And is g one? */
size_t gosan_threads_find_stuck(void);
bool gosan_threads_is_stuck(const struct gosan_g *g);
/* threads.c: GS302 when the run ends for `why`. */
void gosan_threads_judge(enum gosan_end why);
/* leak.c: GS301 when the run ends for `why`. */
void gosan_leak_judge(enum gosan_end why);
/* resource.c: is this the done channel of a context that can still be cancelled? */
bool gosan_resource_open_context(const struct gosan_obj *done);

#endif
