/* SPDX-License-Identifier: Apache-2.0
 *
 * fiber.c: programs with coroutines of their own say when a thread goes on as another fiber.
 *
 * A fiber is a context like a thread's, with its own clocks and its own stack of calls. It starts with what its
 * creator knew. A switch orders what the old fiber did before what the new one does, unless the program asks
 * that it should not.
 */
#include "annotate.h"

#include "../recorder.h"
#include "../chain.h"

#include <stdio.h>

#define NO_SYNC 1u /* flag of a switch */

/* Both sides of a switch meet in an object at an address in the fiber's own context, which no other object has. When the
 * context is another fiber's, so is the object: what it had before is replaced by the first switch. */
static void pass(enum gosan_op op, struct gosan_g *g, const struct gosan_g *through, uint32_t stack)
{
	struct gosan_event ev = {.op = op, .g = g, .stack = stack};

	ev.obj = gosan_engine_object_at((uintptr_t)&through->id, GOSAN_OBJ_OTHER);
	if (ev.obj)
		gosan_engine_event(&ev);
}

/* A fiber's handle is its context. A thread's own context is a fiber, too: one switches back to it. */
GOSAN_EXPORT void *__tsan_get_current_fiber(void);
GOSAN_EXPORT void *__tsan_get_current_fiber(void)
{
	return gosan_access_ready ? gosan_engine_self() : NULL;
}

/* Where its stack lies is not told, so a variable on it is named by its address only. */
GOSAN_EXPORT void *__tsan_create_fiber(unsigned flags);
GOSAN_EXPORT void *__tsan_create_fiber(unsigned flags)
{
	struct gosan_event ev = {.op = GOSAN_EV_G_SPAWN};
	int saved;

	if (!gosan_front_enter(&saved))
		return NULL;
	ev.g = gosan_engine_self();
	ev.stack = gosan_access_stack(ev.g, GOSAN_CALLER);
	ev.peer = gosan_engine_new_g(0, true);
	ev.peer->is_fiber = ev.peer->detached = true; /* nobody joins it */
	gosan_engine_event(&ev);
	gosan_front_leave(saved);
	return ev.peer;
}

/* The fiber's chain may go to others, as a joined thread's does; its clocks are not asked again. */
ANNOTATION(__tsan_destroy_fiber, (void *fiber))
{
	struct gosan_g *g = fiber;
	struct gosan_event ev = {.op = GOSAN_EV_G_END, .g = g};
	int saved;

	if (!g || g == gosan_self || !g->is_fiber || g->ended || !gosan_front_enter(&saved))
		return;
	gosan_engine_event(&ev);
	gosan_engine_lock();
	GOSAN_RECORD(gosan_recorder_gone(g, GOSAN_TRACE_GONE_CHAIN));
	gosan_chain_end(g);
	gosan_clock_clear(&g->strong);
	gosan_clock_clear(&g->weak);
	g->gone = true;
	gosan_engine_unlock();
	gosan_front_leave(saved);
}

/* gosan_self changes also while hooks are off: later events have to name the right one. NULL is what a program
 * got for a current fiber before we were ready: the thread's own context. */
ANNOTATION(__tsan_switch_to_fiber, (void *fiber, unsigned flags))
{
	struct gosan_g *from = gosan_self, *to = fiber;
	int saved;

	if (!to || from == to)
		return;
	if (!from || (flags & NO_SYNC) || !gosan_front_enter(&saved)) {
		gosan_self = to;
		return;
	}
	gosan_front_note((uintptr_t)&to->id);
	pass(GOSAN_EV_HB_RELEASE_STORE, from, to, gosan_access_stack(from, GOSAN_CALLER));
	gosan_self = to;
	pass(GOSAN_EV_HB_ACQUIRE, to, to, 0);
	gosan_front_leave(saved);
}

ANNOTATION(__tsan_set_fiber_name, (void *fiber, const char *name))
{
	struct gosan_g *g = fiber ? fiber : gosan_self;

	if (g && name)
		snprintf(g->name, sizeof(g->name), "%s", name);
}
