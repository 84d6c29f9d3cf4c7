/* SPDX-License-Identifier: Apache-2.0
 *
 * tsan_misc.c: the rest of the sanitizer's interface: bulk copies (clang 19 names them), ignored regions, and
 * the annotations by which a program tells of its own synchronisation.
 */
#include "intercept.h"

#include "../depot.h"

#include <string.h>

GOSAN_EXPORT void *__tsan_memcpy(void *d, const void *s, size_t n);
GOSAN_EXPORT void *__tsan_memcpy(void *d, const void *s, size_t n)
{
	gosan_intercept_read(s, n, GOSAN_CALLER);
	gosan_intercept_write(d, n, GOSAN_CALLER);
	return GOSAN_REAL(memcpy)(d, s, n);
}

GOSAN_EXPORT void *__tsan_memmove(void *d, const void *s, size_t n);
GOSAN_EXPORT void *__tsan_memmove(void *d, const void *s, size_t n)
{
	gosan_intercept_read(s, n, GOSAN_CALLER);
	gosan_intercept_write(d, n, GOSAN_CALLER);
	return GOSAN_REAL(memmove)(d, s, n);
}

GOSAN_EXPORT void *__tsan_memset(void *d, int c, size_t n);
GOSAN_EXPORT void *__tsan_memset(void *d, int c, size_t n)
{
	gosan_intercept_write(d, n, GOSAN_CALLER);
	return GOSAN_REAL(memset)(d, c, n);
}

/* They nest. Atomics and locks inside lose their edges too: what the program asks for. */
GOSAN_EXPORT void __tsan_ignore_thread_begin(void);
GOSAN_EXPORT void __tsan_ignore_thread_begin(void)
{
	gosan_ignore++;
}

GOSAN_EXPORT void __tsan_ignore_thread_end(void);
GOSAN_EXPORT void __tsan_ignore_thread_end(void)
{
	gosan_ignore--;
}

/* The address names the object, as the program's own use of it does. */
static void edge(enum gosan_op op, void *addr)
{
	struct gosan_event ev = {.op = op};

	if (gosan_ignore || !gosan_access_ready)
		return;
	ev.g = gosan_engine_self();
	ev.obj = gosan_engine_object_at((uintptr_t)addr, GOSAN_OBJ_OTHER);
	if (ev.g && ev.obj)
		gosan_engine_event(&ev);
}

GOSAN_EXPORT void __tsan_acquire(void *addr);
GOSAN_EXPORT void __tsan_acquire(void *addr)
{
	edge(GOSAN_EV_HB_ACQUIRE, addr);
}

GOSAN_EXPORT void __tsan_release(void *addr);
GOSAN_EXPORT void __tsan_release(void *addr)
{
	edge(GOSAN_EV_HB_RELEASE, addr);
}
