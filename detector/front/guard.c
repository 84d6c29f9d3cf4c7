/* SPDX-License-Identifier: Apache-2.0
 *
 * guard.c: C++'s function-local statics. Compiled code looks at the guard with an acquire load, which is a hook;
 * that the variable is ready is said by libstdc++, which has none. Without this every use of such a variable
 * would race with its constructor.
 *
 * (Itanium C++ ABI, section 3.3.2: the first byte of the guard says that initialisation is complete.)
 */
#include "intercept.h"

#include "../atomic.h"
#include "../module.h"

int __cxa_guard_acquire(int64_t *guard);
void __cxa_guard_release(int64_t *guard);
void __cxa_guard_abort(int64_t *guard);

/* Whoever calls: a variable may be made by code without hooks and be looked at by code with them. */
static bool wanted(void)
{
	return gosan_access_ready && !gosan_ignore && gosan_module_any_instrumented();
}

/* The edges of an atomic at the guard: what the load in the program's own code looks at. */
static void note(const int64_t *guard, bool release)
{
	struct gosan_g *g = gosan_engine_self();
	struct gosan_atomic_stripe *s = gosan_atomic_lock((uintptr_t)guard);

	if (!s)
		return;
	if (release)
		gosan_atomic_stored(s, g, (uintptr_t)guard, GOSAN_MO_RELEASE, false);
	else
		gosan_atomic_loaded(s, g, (uintptr_t)guard, GOSAN_MO_ACQUIRE, 0);
	gosan_atomic_unlock(s);
}

/* Another thread's constructor has ended, or has thrown and left the turn to us. */
GOSAN_EXPORT int __cxa_guard_acquire(int64_t *guard)
{
	int mine = GOSAN_REAL(__cxa_guard_acquire)(guard);

	if (wanted())
		note(guard, false);
	return mine;
}

/* Before the real call: after it another thread may look. */
GOSAN_EXPORT void __cxa_guard_release(int64_t *guard)
{
	if (wanted())
		note(guard, true);
	GOSAN_REAL(__cxa_guard_release)(guard);
}

GOSAN_EXPORT void __cxa_guard_abort(int64_t *guard)
{
	if (wanted())
		note(guard, true);
	GOSAN_REAL(__cxa_guard_abort)(guard);
}
