/* SPDX-License-Identifier: Apache-2.0
 *
 * lockpath.h: the short way of the commonest synchronisation events: a lock that nobody contends for, taken and
 * given back by goroutines that have used it before. It does all that the engine would do with such an event,
 * under the object's own bit and without the engine lock.
 *
 * Each function does the whole event or nothing: false means that the event must go through
 * gosan_engine_event(), as if the function had not been called. So a front end writes
 *
 *      after the lock was taken at once:   if (!gosan_lockpath_acquire(g, obj, mode, stack))
 *                                                  emit LOCK_REQUEST, emit LOCK_ACQUIRE
 *      before it is given back:            if (!gosan_lockpath_release(g, obj, mode, stack))
 *                                                  emit LOCK_RELEASE
 *
 * One acquire stands for request and acquisition, for when the front end knows that the lock was free. Whoever
 * has to wait goes the long way: LOCK_REQUEST and G_PARK before it waits, LOCK_ACQUIRE after.
 *
 * What analyzers know stays exact: the first use of an object by a goroutine, and every nested acquisition that was
 * not seen before with these locks held in this place, go the long way, and so does everything while
 * gosan_lockpath_off is set.
 *
 * Context: the running goroutine g == gosan_self, inside its hook (so that a signal handler that interrupts it
 * finds the hooks off), outside the engine lock. Acquire after the program's own operation, release before it.
 */
#ifndef GOSAN_LOCKPATH_H
#define GOSAN_LOCKPATH_H

#include "engine.h"

/* mode: enum go_lock_mode. stack: of the call, by gosan_access_stack() or gosan_unwind_at(). */
bool gosan_lockpath_acquire(struct gosan_g *g, struct gosan_obj *obj, int mode, uint32_t stack);
bool gosan_lockpath_release(struct gosan_g *g, struct gosan_obj *obj, int mode, uint32_t stack);
/* The two halves of an acquisition, where the front end tells the request before it knows whether there will be a
 * wait: LOCK_REQUEST, and LOCK_ACQUIRE after it, whichever way that one went. */
bool gosan_lockpath_request(struct gosan_g *g, struct gosan_obj *obj, int mode, uint32_t stack);
bool gosan_lockpath_take(struct gosan_g *g, struct gosan_obj *obj, int mode, uint32_t stack);
/* SEM_POST, SEM_WAITED: a semaphore's post and the return of a wait that did not block. */
bool gosan_lockpath_post(struct gosan_g *g, struct gosan_obj *obj, uint32_t stack);
bool gosan_lockpath_wait(struct gosan_g *g, struct gosan_obj *obj, uint32_t stack);

/* An analyzer waits for the next event, whatever it is. Under the engine lock. */
extern bool gosan_lockpath_off;

/* For engine.c, under the engine lock. */
static inline bool gosan_lockpath_has(enum gosan_obj_kind kind)
{
	return kind == GOSAN_OBJ_MUTEX || kind == GOSAN_OBJ_RWMUTEX || kind == GOSAN_OBJ_SPIN ||
	       kind == GOSAN_OBJ_SEM;
}
/* ev came the long way: its like may come the short one. */
void gosan_lockpath_learn(const struct gosan_event *ev);
void gosan_lockpath_end(struct gosan_g *g);
/* In a child of fork: bits that other threads held are free, and what they were writing is forgotten. */
void gosan_lockpath_fork_child(void);

/* The goroutine's own lists, for the engine as well. There must be room. Whoever reads them under the engine lock
 * meanwhile sees each entry before the number that counts it. */
static inline void gosan_lockpath_changed(struct gosan_g *g)
{
	g->last[0].pc = g->last[1].pc = 0;
	g->held_moves++;
}

static inline void gosan_lockpath_push(struct gosan_g *g, const struct gosan_held *h)
{
	gosan_lockpath_changed(g);
	g->held[g->n_held] = *h;
	__atomic_store_n(&g->n_held, g->n_held + 1, __ATOMIC_RELEASE);
}

static inline void gosan_lockpath_drop(struct gosan_g *g, size_t i)
{
	gosan_lockpath_changed(g);
	for (; i + 1 < g->n_held; i++)
		g->held[i] = g->held[i + 1];
	__atomic_store_n(&g->n_held, g->n_held - 1, __ATOMIC_RELEASE);
}

/* The place that has this lock already, else the oldest. */
static inline void gosan_lockpath_left(struct gosan_g *g, const struct gosan_obj *obj, uint64_t tick)
{
	size_t at = 0;

	for (size_t i = 0; i < GOSAN_LEFT_MAX; i++) {
		if (g->left[i].lock == obj) {
			at = i;
			break;
		}
		if (g->left[i].tick < g->left[at].tick)
			at = i;
	}
	g->left[at] = (struct gosan_left){obj, tick};
}

#endif
