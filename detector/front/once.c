/* SPDX-License-Identifier: Apache-2.0
 *
 * once.c: the end of a once's routine comes before every return.
 *
 * A thread that has acquired that end once knows it: later calls are remembered in a small table of its own and send
 * nothing. glibc's control word has bit 0 while the routine runs and bit 1 when it is done; both functions use it.
 */
#include "pthread.h"

#include "../../runtime/probe.h"

#include <threads.h>

#define RUNNING 1
#define DONE    2

struct once_call {
	struct once_call *outer; /* a routine may call another once */
	void (*routine)(void);
	struct gosan_call call;
	struct gosan_lock once;
	bool parked;
};
static __thread struct once_call *innermost;

static void once_routine(void)
{
	struct once_call *o = innermost;

	/* Nobody ran it, or whoever did was cancelled. */
	gosan_pthread_back(&o->call);
	o->routine();
	gosan_pthread_event(&o->call, (struct gosan_event){.op = GOSAN_EV_ONCE_DONE,
							   .obj = gosan_pthread_object(&o->once)});
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
	if ((__atomic_load_n(control, __ATOMIC_ACQUIRE) & (RUNNING | DONE)) != RUNNING)
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
		if (__atomic_load_n((int *)control, __ATOMIC_ACQUIRE) & DONE) { \
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
