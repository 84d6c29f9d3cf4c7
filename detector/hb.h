/* SPDX-License-Identifier: Apache-2.0
 *
 * hb.h: the happens-before verbs that the core needs beside gosan_hb_apply. Under the engine lock, unless it says
 * otherwise.
 */
#ifndef GOSAN_HB_H
#define GOSAN_HB_H

#include "engine.h"

#include <sched.h>

/* Does the event order anything? */
extern const unsigned char gosan_hb_effects[];
static inline bool gosan_hb_orders(enum gosan_op op)
{
	return gosan_hb_effects[op] != 0;
}

/* sys forgets all but its own past and acquires the timer's arm. */
void gosan_hb_system_begin(struct gosan_g *sys, struct gosan_obj *timer);

/* What a release published: the clocks, and if they are exactly one goroutine's at one moment, which. weak NULL: the
 * edge is in the strong order only. */
struct gosan_published {
	const struct gosan_clock *strong, *weak;
	struct gosan_stamp at;
	const struct gosan_g *from;
	struct gosan_stamp
		live; /* of a goroutine that meets g and publishes in the same event: its moment; else 0 */
};
/* g acquires p; op and stack are kept as the event that ordered the two. Under the engine lock, or under what
 * protects p and g's bit. */
void gosan_hb_learn(struct gosan_g *g, const struct gosan_published *p, enum gosan_op op, uint32_t stack);
/* That would change nothing: not even g's bit is needed. */
bool gosan_hb_learns_nothing(const struct gosan_g *g, const struct gosan_published *p);
/* The moment that a copy of g's clocks stands for; epoch 0: none. */
struct gosan_stamp gosan_hb_moment(const struct gosan_g *g);

/* The parts of gosan_hb_apply that the short way needs; under obj's bit instead of the engine lock, and those that
 * may change the clocks of g under g's bit. */
/* An acquisition of obj would change nothing: not even g's bit is needed. */
bool gosan_hb_no_news(const struct gosan_g *g, const struct gosan_obj *obj, bool is_lock);
void gosan_hb_lock(struct gosan_g *g, struct gosan_obj *obj, int mode, uint32_t stack);
void gosan_hb_unlock(struct gosan_g *g, struct gosan_obj *obj, int mode);
void gosan_hb_acquire(struct gosan_g *g, const struct gosan_obj *obj, enum gosan_op op, uint32_t stack);
void gosan_hb_release(struct gosan_g *g, struct gosan_obj *obj);
/* Can g publish without help of chain.c's tables, which need the engine lock? */
bool gosan_hb_may_advance(const struct gosan_g *g);

/* What g's strong clock has for cid; g may run. Under the engine lock. */
uint32_t gosan_hb_known_by(struct gosan_g *g, uint32_t cid);

/* A bit that is held for some instructions. Context: nothing that a signal handler of this thread could wait for. */
static inline void gosan_hb_bit_lock(char *bit)
{
	while (__atomic_test_and_set(bit, __ATOMIC_ACQUIRE))
		for (unsigned i = 0; i < 100 && __atomic_load_n(bit, __ATOMIC_RELAXED); i++)
			if (i == 99)
				sched_yield();
}

static inline void gosan_hb_bit_unlock(char *bit)
{
	__atomic_clear(bit, __ATOMIC_RELEASE);
}

/* Nothing that g does tells others anything, and it learns nothing: the program said so. */
static inline bool gosan_g_deaf(const struct gosan_g *g)
{
	return __builtin_expect(g->ignored[GOSAN_IGNORED_ORDER] != 0, 0);
}

#endif
