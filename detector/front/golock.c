/* SPDX-License-Identifier: Apache-2.0
 *
 * golock.c: the runtime's probes of locks, WaitGroups, once and conditions, as events. Uncontended locks go the short
 * way (lockpath.h).
 */
#include "goevent.h"

#include "../depot.h"
#include "../lockpath.h"

static struct gosan_obj *lock_object(struct go_object *l, enum go_lock_kind kind)
{
	return gosan_goroutine_object(l, kind == GO_RWMUTEX ? GOSAN_OBJ_RWMUTEX : GOSAN_OBJ_MUTEX);
}

/* A request comes before the wait for the lock and also when there is none: deadlock analysis needs the intent. The
 * acquisition has the same stack, wherever the goroutine is by then. */
static void lock_request(struct gosan_obj *obj, int mode)
{
	struct gosan_g *g = gosan_goroutine_current();
	uint32_t stack = gosan_goroutine_here(__builtin_frame_address(0));

	if (!obj || !gosan_lockpath_request(g, obj, mode, stack))
		EMIT(LOCK_REQUEST, .obj = obj, .mode = mode, .stack = stack);
	g->asked_obj = obj ? obj->id : 0;
	g->asked_stack = stack;
}

void gosan_golock_request(struct go_object *l, enum go_lock_kind kind, int mode)
{
	HOOK(lock_request(lock_object(l, kind), mode));
}

static void lock_acquire(struct gosan_obj *obj, int mode)
{
	struct gosan_g *g = gosan_goroutine_current();
	bool asked = obj && !(mode & GO_LOCK_TRY) && g->asked_obj == obj->id;
	uint32_t stack = asked ? g->asked_stack : gosan_goroutine_here(__builtin_frame_address(0));

	if (!obj || !gosan_lockpath_take(g, obj, mode, stack))
		EMIT(LOCK_ACQUIRE, .obj = obj, .mode = mode, .stack = stack);
}

void gosan_golock_acquire(struct go_object *l, enum go_lock_kind kind, int mode)
{
	HOOK(lock_acquire(lock_object(l, kind), mode));
}

static void lock_release(struct gosan_obj *obj, int mode)
{
	struct gosan_g *g = gosan_goroutine_current();
	uint32_t stack = gosan_goroutine_here(__builtin_frame_address(0));

	if (!obj || !gosan_lockpath_release(g, obj, mode, stack))
		EMIT(LOCK_RELEASE, .obj = obj, .mode = mode, .stack = stack);
}

void gosan_golock_release(struct go_object *l, enum go_lock_kind kind, int mode)
{
	HOOK(lock_release(lock_object(l, kind), mode));
}

/* delta < 0 is a Done. The counter is what the runtime made of it, under the WaitGroup's lock. */
void gosan_golock_wg_add(struct go_object *wg, int64_t delta, int64_t counter)
{
	HOOK(EMIT(WG_ADD, .obj = gosan_goroutine_object(wg, GOSAN_OBJ_WAITGROUP), .arg = delta,
		  .arg2 = counter));
}

void gosan_golock_wg_wait(struct go_object *wg)
{
	HOOK(EMIT(WG_WAIT, .obj = gosan_goroutine_object(wg, GOSAN_OBJ_WAITGROUP)));
}

void gosan_golock_wg_waited(struct go_object *wg)
{
	HOOK(EMIT(WG_WAITED, .obj = gosan_goroutine_object(wg, GOSAN_OBJ_WAITGROUP)));
}

void gosan_golock_once_done(struct go_object *once)
{
	HOOK(EMIT(ONCE_DONE, .obj = gosan_goroutine_object(once, GOSAN_OBJ_ONCE)));
}

void gosan_golock_once_return(struct go_object *once)
{
	HOOK(EMIT(ONCE_RETURN, .obj = gosan_goroutine_object(once, GOSAN_OBJ_ONCE)));
}

/* The mutex of a wait comes along: waits with two different ones are a misuse. Its unlock and lock are reported
 * as lock events of their own. */
void gosan_golock_cond_wait(struct go_object *cond, struct go_object *mu)
{
	HOOK(EMIT(COND_WAIT, .obj = gosan_goroutine_object(cond, GOSAN_OBJ_COND),
		  .obj2 = gosan_goroutine_object(mu, GOSAN_OBJ_MUTEX)));
}

void gosan_golock_cond_waited(struct go_object *cond, struct go_object *mu)
{
	HOOK(EMIT(COND_WAITED, .obj = gosan_goroutine_object(cond, GOSAN_OBJ_COND),
		  .obj2 = gosan_goroutine_object(mu, GOSAN_OBJ_MUTEX)));
}

void gosan_golock_cond_wake(struct go_object *cond, bool broadcast, size_t woken)
{
	HOOK(EMIT(COND_WAKE, .obj = gosan_goroutine_object(cond, GOSAN_OBJ_COND), .mode = broadcast,
		  .arg = (int64_t)woken));
}
