/* SPDX-License-Identifier: Apache-2.0
 *
 * intercept.c: whose call is it? Two cached ranges answer nearly always: the detector itself, and the
 * executable.
 */
#include "intercept.h"

#include "../context.h"
#include "../heap.h"
#include "../module.h"

#include <dlfcn.h>
#include <string.h>

extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _etext[] __attribute__((visibility("hidden")));

/* The instrumented module of the last look-up. Immutable entries, so a stale pointer is harmless. */
static const struct gosan_module *hot;

void *gosan_intercept_next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

/* Needs no table, so it also answers before there is one. */
static inline bool is_self(uintptr_t pc)
{
	return pc >= (uintptr_t)__ehdr_start && pc < (uintptr_t)_etext;
}

/* NULL for code that no module holds, such as a just-in-time compiler's. */
static inline const struct gosan_module *module_of(uintptr_t pc)
{
	const struct gosan_module *m = __atomic_load_n(&hot, __ATOMIC_RELAXED);

	if (m && pc - m->start < m->end - m->start)
		return m;
	m = gosan_module_find(pc);
	if (m && m->instrumented)
		__atomic_store_n(&hot, m, __ATOMIC_RELAXED);
	return m;
}

bool gosan_intercept_sees_it(uintptr_t pc)
{
	const struct gosan_module *m;

	if (is_self(pc) || gosan_ignore || !gosan_access_ready || !gosan_module_any_instrumented())
		return false;
	m = module_of(pc);
	return m && m->instrumented && m->kind != GOSAN_MODULE_OWN;
}

bool gosan_intercept_is_own(uintptr_t pc)
{
	const struct gosan_module *m;

	if (is_self(pc))
		return true;
	m = module_of(pc);
	return m && (m->kind == GOSAN_MODULE_OWN || m->kind == GOSAN_MODULE_LIBC);
}

bool gosan_intercept_is_runtime(uintptr_t pc)
{
	const struct gosan_module *m;

	if (is_self(pc))
		return true;
	m = module_of(pc);
	return m && m->kind == GOSAN_MODULE_OWN;
}

void gosan_intercept_block(void *p, size_t size, const void *from, uintptr_t pc)
{
	gosan_heap_born((uintptr_t)p, size, gosan_context_place(gosan_engine_self(), pc));
	gosan_intercept_read(from, size, pc);
	gosan_intercept_write(p, size, pc);
}
