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
 * Context: the running goroutine g == gosan_self, inside its hook (so that a signal handler that interrupts it
 * finds the hooks off), outside the engine lock. Acquire after the program's own operation, release before it.
 */
#ifndef GOSAN_LOCKPATH_H
#define GOSAN_LOCKPATH_H

#include "engine.h"

/* mode: enum go_lock_mode. stack: of the call, by gosan_access_stack() or gosan_unwind_at(). */
bool gosan_lockpath_acquire(struct gosan_g *g, struct gosan_obj *obj, int mode, uint32_t stack);
bool gosan_lockpath_release(struct gosan_g *g, struct gosan_obj *obj, int mode, uint32_t stack);
/* HB_RELEASE and HB_ACQUIRE on obj: a semaphore's post and the return of its wait. */
bool gosan_lockpath_post(struct gosan_g *g, struct gosan_obj *obj, uint32_t stack);
bool gosan_lockpath_wait(struct gosan_g *g, struct gosan_obj *obj, uint32_t stack);

#endif
