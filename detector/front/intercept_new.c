/* SPDX-License-Identifier: Apache-2.0
 *
 * intercept_new.c: C++'s operator new and delete. libstdc++ calls malloc and free for them, but then the
 * program's own line would be missing from the allocation stack. The inner call is hidden, the outer one
 * counts. The names are mangled by hand: this library has no C++ in it.
 */
#include "intercept.h"

#include "../context.h"
#include "../heap.h"
#include "../module.h"
#include "front.h"

#include <malloc.h>
#include <stdlib.h>

void *_Znwm(size_t size);
void *_Znam(size_t size);
void *_ZnwmRKSt9nothrow_t(size_t size, const void *tag);
void *_ZnamRKSt9nothrow_t(size_t size, const void *tag);
void *_ZnwmSt11align_val_t(size_t size, size_t align);
void *_ZnamSt11align_val_t(size_t size, size_t align);
void _ZdlPv(void *p);
void _ZdaPv(void *p);
void _ZdlPvm(void *p, size_t size);
void _ZdaPvm(void *p, size_t size);
void _ZdlPvSt11align_val_t(void *p, size_t align);
void _ZdaPvSt11align_val_t(void *p, size_t align);
void _ZdlPvmSt11align_val_t(void *p, size_t size, size_t align);
void _ZdaPvmSt11align_val_t(void *p, size_t size, size_t align);

/* As in intercept_mem.c: only where accesses are checked, and not for libraries of the system. */
static bool counts(uintptr_t pc)
{
	return gosan_access_ready && !gosan_ignore && gosan_module_any_instrumented() &&
	       !gosan_intercept_is_own(pc);
}

/* malloc made it a block of its own caller, libstdc++: the record is written again with ours. */
static void *born(void *p, size_t size, uintptr_t pc)
{
	if (p && counts(pc))
		gosan_heap_born((uintptr_t)p, size, gosan_context_place(gosan_engine_self(), pc));
	return p;
}

/* True: the caller's delete was noted, and the free below it must not be. */
static bool dies(void *p, uintptr_t pc)
{
	struct gosan_g *g;

	if (!p || !counts(pc))
		return false;
	g = gosan_engine_self();
	gosan_front_free((uintptr_t)p, gosan_heap_size((uintptr_t)p));
	gosan_heap_dies(g, (uintptr_t)p, gosan_context_place(g, pc));
	return true;
}

/* new may throw, so nothing can be held over the call; delete does not. */
#define NEW(name, params, args) \
	GOSAN_EXPORT void *name params \
	{ \
		return born(GOSAN_REAL(name) args, size, GOSAN_CALLER); \
	}
#define DELETE(name, params, args) \
	GOSAN_EXPORT void name params \
	{ \
		int hide = dies(p, GOSAN_CALLER); \
\
		gosan_ignore += hide; \
		GOSAN_REAL(name) args; \
		gosan_ignore -= hide; \
	}
NEW(_Znwm, (size_t size), (size))
NEW(_Znam, (size_t size), (size))
NEW(_ZnwmRKSt9nothrow_t, (size_t size, const void *tag), (size, tag))
NEW(_ZnamRKSt9nothrow_t, (size_t size, const void *tag), (size, tag))
NEW(_ZnwmSt11align_val_t, (size_t size, size_t align), (size, align))
NEW(_ZnamSt11align_val_t, (size_t size, size_t align), (size, align))
DELETE(_ZdlPv, (void *p), (p))
DELETE(_ZdaPv, (void *p), (p))
DELETE(_ZdlPvm, (void *p, size_t size), (p, size))
DELETE(_ZdaPvm, (void *p, size_t size), (p, size))
DELETE(_ZdlPvSt11align_val_t, (void *p, size_t align), (p, align))
DELETE(_ZdaPvSt11align_val_t, (void *p, size_t align), (p, align))
DELETE(_ZdlPvmSt11align_val_t, (void *p, size_t size, size_t align), (p, size, align))
DELETE(_ZdaPvmSt11align_val_t, (void *p, size_t size, size_t align), (p, size, align))
