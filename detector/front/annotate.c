/* SPDX-License-Identifier: Apache-2.0
 *
 * annotate.c: what a program says of its own synchronisation: an edge that no interposed function makes, accesses
 * that are not to be checked, memory that is new, the name of a thread. Locks are in tsan_mutex.c.
 *
 * An address names an object of the kind OTHER; it dies with the memory that it lies in.
 */
#include "annotate.h"

#include "../recorder.h"
#include "../atomic.h"
#include "../benign.h"
#include "../recorder.h"

#include <stdio.h>

/* ---- order ---- */

static void edge(enum gosan_op op, const void *addr, uintptr_t pc)
{
	struct gosan_event ev = {.op = op};
	int saved;

	if (!gosan_front_enter(&saved))
		return;
	gosan_front_note((uintptr_t)addr);
	ev.g = gosan_engine_self();
	ev.obj = gosan_engine_object_at((uintptr_t)addr, GOSAN_OBJ_OTHER);
	ev.stack = gosan_access_stack(ev.g, pc);
	if (ev.obj)
		gosan_engine_event(&ev);
	gosan_front_leave(saved);
}

#define EDGE(name, params, op) \
	ANNOTATION(name, params) \
	{ \
		edge(op, addr, GOSAN_CALLER); \
	}
EDGE(__tsan_acquire, (void *addr), GOSAN_EV_HB_ACQUIRE)
EDGE(__tsan_release, (void *addr), GOSAN_EV_HB_RELEASE)
EDGE(AnnotateHappensAfter, (PLACE, void *addr), GOSAN_EV_HB_ACQUIRE)
EDGE(AnnotateHappensBefore, (PLACE, void *addr), GOSAN_EV_HB_RELEASE)
EDGE(WTFAnnotateHappensAfter, (PLACE, void *addr), GOSAN_EV_HB_ACQUIRE)
EDGE(WTFAnnotateHappensBefore, (PLACE, void *addr), GOSAN_EV_HB_RELEASE)
/* A runtime for managed objects, which has order of its own; there a release replaces what was released before. */
EDGE(__tsan_java_acquire, (void *addr), GOSAN_EV_HB_ACQUIRE)
EDGE(__tsan_java_release, (void *addr), GOSAN_EV_HB_RELEASE)
EDGE(__tsan_java_release_store, (void *addr), GOSAN_EV_HB_RELEASE_STORE)

/* ---- accesses and order that don't count ---- */

/* Each kind by itself: order made while accesses are ignored is order for what comes after. They nest, and belong to
 * the goroutine, which may go on on another thread. One end too many is the program's mistake and does nothing. */
void gosan_annotate_ignore(unsigned kinds, int by)
{
	struct gosan_g *g;
	bool was;

	if (!gosan_access_ready || !(g = gosan_engine_self()))
		return;
	was = g->ignored[GOSAN_IGNORED_ORDER] != 0;
	g->was_deaf |= by > 0 && kinds & GOSAN_ORDER;
	for (unsigned i = 0; i < 3; i++)
		if ((kinds & (1u << i)) && (by > 0 ? g->ignored[i] < UINT16_MAX : g->ignored[i] > 0))
			g->ignored[i] = (uint16_t)(g->ignored[i] + by);
	if (was != (g->ignored[GOSAN_IGNORED_ORDER] != 0))
		GOSAN_RECORD(gosan_recorder_gone(g, was ? GOSAN_TRACE_GONE_BACK : GOSAN_TRACE_GONE_DEAF));
}

#define IGNORE(name, params, kinds, by) \
	ANNOTATION(name, params) \
	{ \
		gosan_annotate_ignore(kinds, by); \
	}
IGNORE(__tsan_ignore_thread_begin, (void), GOSAN_READS | GOSAN_WRITES, 1)
IGNORE(__tsan_ignore_thread_end, (void), GOSAN_READS | GOSAN_WRITES, -1)
IGNORE(AnnotateIgnoreReadsBegin, (PLACE), GOSAN_READS, 1)
IGNORE(AnnotateIgnoreReadsEnd, (PLACE), GOSAN_READS, -1)
IGNORE(AnnotateIgnoreWritesBegin, (PLACE), GOSAN_WRITES, 1)
IGNORE(AnnotateIgnoreWritesEnd, (PLACE), GOSAN_WRITES, -1)
IGNORE(AnnotateIgnoreSyncBegin, (PLACE), GOSAN_ORDER, 1)
IGNORE(AnnotateIgnoreSyncEnd, (PLACE), GOSAN_ORDER, -1)

/* The filter of free.c makes sure that the end of the memory is seen. */
static void benign(const void *addr, size_t size)
{
	gosan_front_note((uintptr_t)addr);
	gosan_benign_add((uintptr_t)addr, size);
}

ANNOTATION(AnnotateBenignRace, (PLACE, void *addr, const char *why))
{
	benign(addr, 1);
}

ANNOTATION(AnnotateBenignRaceSized, (PLACE, void *addr, size_t size, const char *why))
{
	benign(addr, size);
}

ANNOTATION(WTFAnnotateBenignRaceSized, (PLACE, void *addr, size_t size, const char *why))
{
	benign(addr, size);
}

/* ---- memory and names ---- */

/* An allocator of the program's own hands it out: what was there before has no past. */
static void renewed(uintptr_t addr, size_t size)
{
	int saved;

	if (!gosan_front_enter(&saved))
		return;
	gosan_front_forget(addr, size);
	gosan_access_forget(addr, size);
	GOSAN_RECORD(gosan_recorder_access(GOSAN_TRACE_ATOMIC_FORGET, addr, size, 0, 0));
	gosan_atomic_forget(addr, size);
	gosan_front_leave(saved);
}

ANNOTATION(AnnotateNewMemory, (PLACE, void *addr, size_t size))
{
	renewed((uintptr_t)addr, size);
}

/* A heap of managed objects. A moved object loses its past: a race with it may be missed. */
ANNOTATION(__tsan_java_alloc, (uintptr_t addr, uintptr_t size))
{
	renewed(addr, size);
}

ANNOTATION(__tsan_java_free, (uintptr_t addr, uintptr_t size))
{
	renewed(addr, size);
}

ANNOTATION(__tsan_java_move, (uintptr_t from, uintptr_t to, uintptr_t size))
{
	renewed(from, size);
	renewed(to, size);
}

ANNOTATION(__tsan_java_init, (uintptr_t heap, uintptr_t size))
{
}

ANNOTATION(__tsan_java_finalize, (void))
{
}

GOSAN_EXPORT int __tsan_java_fini(void);
GOSAN_EXPORT int __tsan_java_fini(void)
{
	return 0;
}

GOSAN_EXPORT uintptr_t __tsan_java_find(uintptr_t *from, uintptr_t to);
GOSAN_EXPORT uintptr_t __tsan_java_find(uintptr_t *from, uintptr_t to)
{
	return 0;
}

ANNOTATION(AnnotateThreadName, (PLACE, const char *name))
{
	struct gosan_g *g;

	if (gosan_access_ready && name && (g = gosan_engine_self()))
		snprintf(g->name, sizeof(g->name), "%s", name);
}
