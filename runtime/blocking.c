/* SPDX-License-Identifier: Apache-2.0
 *
 * blocking.c: calls that block the thread: the processor goes to somebody else meanwhile.
 *
 * The goroutine stays on its thread, outside of the scheduler, and queues for a processor afterwards. The
 * call may use the runtime again: then the goroutine migrates, and comes back with a processor already.
 */
#include "hot.h"

#include <errno.h>

/* Back among the scheduled: with a processor at once, or through the global queue. */
static void leave(struct go_g *g)
{
	struct go_m *m = go__m();
	bool have_p = go__leave_outside(m);
	GO_PROBE(ready, &g->info);
	atomic_store(&g->status, GO__RUNNING);
	if (have_p)
		return;
	m->requeue = g;
	m->requeue_global = true;
	m->more_to_do = true;
	go__switch_to(m, &g->sp, NULL);
	go__finish();
}

/* A bound goroutine has a thread of its own: it may block it. */
intptr_t go_blocking(intptr_t (*fn)(void *), void *arg)
{
	struct go_g *g = go__self();
	struct go_m *m = go__m();
	if (m->bound)
		return fn(arg);
	GO_PROBE(park, &g->info, GO_WAIT_BLOCKING, NULL, 0);
	g->why = GO_WAIT_BLOCKING;
	g->wait_obj = NULL;
	g->since = atomic_load_explicit(&go__sched.now, memory_order_relaxed);
	atomic_store(&g->status, GO__WAITING);
	go__enter_outside(m);
	intptr_t result = fn(arg);
	int saved = errno;
	leave(g);
	errno = saved;
	return result;
}
