/* SPDX-License-Identifier: Apache-2.0
 *
 * once.c: the end of a once's routine comes before every return.
 *
 * A thread that has acquired that end once knows it: later calls are remembered in a small table of its own and send
 * nothing. Both functions have the same control word.
 */
#include "pthread.h"

#include "../../runtime/probe.h"

#include <threads.h>

struct once_call {
	struct once_call *outer; /* a routine may call another once */
	void (*routine)(void);
	struct gosan_call call;
	struct gosan_lock once;
	bool parked;
};
static __thread struct once_call *innermost;

/* Also when it throws or is cancelled: what it did up to then comes before the next attempt. */
static void routine_ended(void *arg)
{
	struct once_call *o = arg;

	gosan_pthread_event(&o->call, (struct gosan_event){.op = GOSAN_EV_ONCE_DONE,
							   .obj = gosan_pthread_object(&o->once)});
}

/* Attempts are totally ordered, each after the end of the one before it: C++17, [thread.once.callonce] 3. */
static void once_routine(void)
{
	struct once_call *o = innermost;

	gosan_pthread_back(&o->call);
	gosan_pthread_event(&o->call, (struct gosan_event){.op = GOSAN_EV_ONCE_RETURN,
							   .obj = gosan_pthread_object(&o->once)});
	pthread_cleanup_push(routine_ended, o);
	o->routine();
	pthread_cleanup_pop(1);
}

/* Two objects may share a place: the later one wins, and the other is acquired again. By the object, not by its address:
 * that may be another once's by now. A goroutine has no thread of its own. */
static bool seen(struct gosan_thread *t, const struct gosan_obj *obj)
{
	const struct gosan_obj **place = &t->onces[((uintptr_t)obj >> 6) % GOSAN_ONCES];
	bool found = *place == obj;

	if (gosan_engine_self()->id)
		return false;
	*place = obj;
	return found;
}

static void begin(struct once_call *o, const int *control)
{
	struct gosan_park p = {.why = GO_WAIT_ONCE};

	o->outer = innermost;
	o->once = (struct gosan_lock){control, GOSAN_OBJ_ONCE, 0};
	innermost = o;
	gosan_pthread_tell_all(o->call.t);
	if ((__atomic_load_n(control, __ATOMIC_ACQUIRE) & GOSAN_ONCE_MASK) != GOSAN_ONCE_RUNNING)
		return;
	p.obj = gosan_pthread_object(&o->once);
	gosan_pthread_park(&o->call, &p);
}

static void end(void *arg)
{
	struct once_call *o = arg;

	innermost = o->outer;
	gosan_pthread_back(&o->call);
}

static void returned(const struct gosan_call *c, const void *control)
{
	struct gosan_lock l = {control, GOSAN_OBJ_ONCE, 0};
	struct gosan_obj *obj = gosan_pthread_precise() ? gosan_pthread_object(&l) : NULL;

	if (obj && !seen(c->t, obj))
		gosan_pthread_event(c, (struct gosan_event){.op = GOSAN_EV_ONCE_RETURN, .obj = obj});
}

/* A routine that is cancelled, or throws, leaves the once as if it had not begun. */
#define ONCE(name, ret_type, declare, assign, give, type) \
	GOSAN_EXPORT ret_type name(type *control, void (*routine)(void)) \
	{ \
		struct once_call o = {.routine = routine, .call = GOSAN_CALL}; \
		declare; \
\
		if (!o.call.t) \
			return GOSAN_REAL(name)(control, routine); \
		if (__atomic_load_n((int *)control, __ATOMIC_ACQUIRE) & GOSAN_ONCE_DONE) { \
			returned(&o.call, control); \
			give; \
		} \
		begin(&o, (const int *)control); \
		pthread_cleanup_push(end, &o); \
		assign GOSAN_REAL(name)(control, once_routine); \
		pthread_cleanup_pop(1); \
		returned(&o.call, control); \
		give; \
	}
ONCE(pthread_once, int, int rc = 0, rc =, return rc, pthread_once_t)
ONCE(call_once, void, , , return, once_flag)
