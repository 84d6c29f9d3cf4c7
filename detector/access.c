/* SPDX-License-Identifier: Apache-2.0
 *
 * access.c: the doors of the access layer for front ends that are not on the hot path (access.h).
 */
#include "access.h"

#include "atomic.h"
#include "benign.h"
#include "context.h"
#include "depot.h"
#include "heap.h"
#include "module.h"
#include "reap.h"
#include "recorder.h"
#include "shadow.h"

__thread int gosan_ignore __attribute__((tls_model("initial-exec")));
bool gosan_access_ready;

/* Until all parts are there every hook does nothing. */
int gosan_access_init(void)
{
	int err = gosan_context_init();

	if (!err)
		err = gosan_shadow_init();
	if (!err)
		err = gosan_module_init();
	if (!err)
		err = gosan_heap_init();
	gosan_access_ready = !err;
	return err;
}

/* For the runtime's probe and the interceptors: they come with a thread that may be new to us. */
void gosan_access(uintptr_t addr, size_t size, unsigned flags, uintptr_t pc)
{
	struct gosan_g *g = gosan_self;

	if (gosan_ignore || size == 0 || !gosan_access_ready)
		return;
	if (!g && !(g = gosan_engine_self()))
		return;
	g->n_access++;
	gosan_shadow_access(g, addr, size, flags, pc);
}

void gosan_access_forget(uintptr_t addr, size_t size)
{
	GOSAN_RECORD_MEMORY(gosan_recorder_access(GOSAN_TRACE_FORGET, addr, size, 0, 0));
	gosan_shadow_forget(addr, size);
}

/* Where code has hooks the id is the context's own, which costs one look-up and is expanded when a report needs
 * it (depot.h); libunwind takes some 70 ns, but code without hooks has no context. */
uint32_t gosan_access_stack(struct gosan_g *g, uintptr_t pc)
{
	if (pc & GOSAN_ACCESS_IS_STACK)
		return (uint32_t)pc;
	if (g->frame > g->frames)
		return GOSAN_STACK_CONTEXT | gosan_context_child(gosan_context_now(g), pc);
	return g == gosan_self ? gosan_unwind_here() : 0;
}

void gosan_access_adopt(struct gosan_g *to, const struct gosan_g *from)
{
	gosan_context_adopt(to, from);
}

/* Counting per goroutine keeps the hot path free of shared cache lines. */
void gosan_access_flush(void)
{
	uint64_t n;

	gosan_engine_lock();
	n = gosan_reap_accesses;
	for (struct gosan_g *g = gosan_engine_all(); g; g = g->next) {
		n += __atomic_load_n(&g->n_access, __ATOMIC_RELAXED);
		gosan_engine_flush(g);
	}
	gosan_engine_unlock();
	__atomic_store_n(&gosan_counters->accesses, n, __ATOMIC_RELAXED);
}

void gosan_access_fork_child(void)
{
	for (struct gosan_g *g = gosan_engine_all(); g; g = g->next)
		g->n_access = g->n_events = 0; /* the parent counts those */
	gosan_reap_accesses = 0;
	gosan_shadow_fork_child();
	gosan_atomic_fork_child();
	gosan_heap_fork_child();
	gosan_benign_fork_child();
}
