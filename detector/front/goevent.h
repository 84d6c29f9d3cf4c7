/* SPDX-License-Identifier: Apache-2.0
 *
 * goevent.h: what the probes of the goroutine runtime share (goroutine.c, golock.c): from a probe to an event.
 *
 * Context: inside HOOK.
 */
#ifndef GOSAN_GOEVENT_H
#define GOSAN_GOEVENT_H

#include "front.h"

#include "../object.h"

#include "../../runtime/probe.h"

/* Who runs here. */
struct gosan_g *gosan_goroutine_current(void);
/* Whom a probe speaks for. */
struct gosan_g *gosan_goroutine_of(const struct go_ginfo *g);
/* NULL when there is none, or memory is exhausted. */
struct gosan_obj *gosan_goroutine_new_object(struct go_object *o, enum gosan_obj_kind kind);
static inline struct gosan_obj *gosan_goroutine_object(struct go_object *o, enum gosan_obj_kind kind)
{
	struct gosan_obj *obj = o ? gosan_object_known(&o->id, kind) : NULL;

	return __builtin_expect(obj != NULL, 1) ? obj : gosan_goroutine_new_object(o, kind);
}
/* Where the running goroutine called the runtime; frame: of the caller, or of another frame of ours above it. */
uint32_t gosan_goroutine_here(const void *frame);
/* Fills in who and where, unless they are given. frame: the caller's. */
void gosan_goroutine_emit(struct gosan_event *ev, const void *frame);

/* EMIT(WG_WAIT, .obj = o): the event by its name in event.def, with the fields that the table lists for it. */
#define EMIT(name, ...) \
	gosan_goroutine_emit(&(struct gosan_event){.op = GOSAN_EV_##name, __VA_ARGS__}, \
			     __builtin_frame_address(0))

/* A probe's body between enter and leave. A probe inside another hook of the same thread came from a signal
 * handler of the program: it must not wait for a lock that the hook may hold, so its event is lost. */
#define HOOK(body) \
	do { \
		int saved_errno; \
		if (gosan_front_enter(&saved_errno)) { \
			body; \
			gosan_front_leave(saved_errno); \
		} else if (gosan_front_on) { \
			GOSAN_COUNT(lost); \
		} \
	} while (0)

/* golock.c: entries of the table of probes. */
void gosan_golock_request(struct go_object *l, enum go_lock_kind kind, int mode);
void gosan_golock_acquire(struct go_object *l, enum go_lock_kind kind, int mode);
void gosan_golock_release(struct go_object *l, enum go_lock_kind kind, int mode);
void gosan_golock_wg_add(struct go_object *wg, int64_t delta, int64_t counter);
void gosan_golock_wg_wait(struct go_object *wg);
void gosan_golock_wg_waited(struct go_object *wg);
void gosan_golock_once_done(struct go_object *once);
void gosan_golock_once_return(struct go_object *once);
void gosan_golock_cond_wait(struct go_object *cond, struct go_object *mu);
void gosan_golock_cond_waited(struct go_object *cond, struct go_object *mu);
void gosan_golock_cond_wake(struct go_object *cond, bool broadcast, size_t woken);

#endif
