/* SPDX-License-Identifier: Apache-2.0
 *
 * tsan_misc.c: the rest of the sanitizers' interface that is about memory: bulk copies (clang 19 names them),
 * accesses in the caller's name, questions about blocks and places; and all that needs no answer
 * (tsan_api.def). Order that the program tells of is in annotate.c, tsan_mutex.c and fiber.c.
 */
#include "intercept.h"

#include "../barrier.h"
#include "../depot.h"
#include "../module.h"

#include <limits.h>
#include <malloc.h>
#include <stdio.h>
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

#define EXPORT_RANGE(what, flags) \
	GOSAN_EXPORT void __tsan_##what##_range_pc(void *addr, size_t size, void *pc); \
	GOSAN_EXPORT void __tsan_##what##_range_pc(void *addr, size_t size, void *pc) \
	{ \
		gosan_access((uintptr_t)addr, size, flags, (uintptr_t)pc); \
	}
#define EXPORT_EXTERNAL(what, flags) \
	GOSAN_EXPORT void __tsan_external_##what(void *addr, void *pc, void *tag); \
	GOSAN_EXPORT void __tsan_external_##what(void *addr, void *pc, void *tag) \
	{ \
		(void)tag; \
		gosan_access((uintptr_t)addr, 1, flags, (uintptr_t)pc); \
	}

EXPORT_RANGE(read, 0)
EXPORT_RANGE(write, GOSAN_WRITE)

/* An object that the program keeps for a language of its own: one byte stands for it. */
EXPORT_EXTERNAL(read, 0)
EXPORT_EXTERNAL(write, GOSAN_WRITE)

GOSAN_EXPORT void __tsan_testonly_barrier_init(uint64_t *barrier, unsigned count);
GOSAN_EXPORT void __tsan_testonly_barrier_init(uint64_t *barrier, unsigned count)
{
	gosan_barrier_init(barrier, count);
}

GOSAN_EXPORT void __tsan_testonly_barrier_wait(uint64_t *barrier);
GOSAN_EXPORT void __tsan_testonly_barrier_wait(uint64_t *barrier)
{
	gosan_barrier_wait(barrier);
}

/* ---- what every sanitizer answers ---- */

/* Names would need the debug information, which only the tool reads: module and offset. */
GOSAN_EXPORT void __sanitizer_print_stack_trace(void);
GOSAN_EXPORT void __sanitizer_print_stack_trace(void)
{
	size_t n;
	const uintptr_t *pc = gosan_depot_get(gosan_unwind_here(), &n);
	char line[PATH_MAX + 64];

	for (size_t i = 0; i < n; i++) {
		const struct gosan_module *m = gosan_module_find(pc[i]);
		int len = snprintf(line, sizeof(line), "    #%zu 0x%lx (%s+0x%lx)\n", i, (long)pc[i],
				   m ? m->path : "?", (long)(pc[i] - (m ? m->base : 0)));

		(void)!syscall(SYS_write, STDERR_FILENO, line, (size_t)len);
	}
}

GOSAN_EXPORT int __sanitizer_get_module_and_offset_for_pc(void *pc, char *path, size_t size,
							  void **ret_offset);
GOSAN_EXPORT int __sanitizer_get_module_and_offset_for_pc(void *pc, char *path, size_t size,
							  void **ret_offset)
{
	const struct gosan_module *m = gosan_module_find((uintptr_t)pc);

	if (!m)
		return 0;
	snprintf(path, size, "%s", m->path);
	*ret_offset = (void *)((uintptr_t)pc - m->base);
	return 1;
}

/* Formats are ignored; texts end with an empty one, as the interface wants it. */
static void symbolize(uintptr_t addr, char *text, size_t size)
{
	const struct gosan_module *m = gosan_module_find(addr);

	if (size < 2)
		return;
	memset(text, 0, size);
	snprintf(text, size - 1, "0x%lx (%s+0x%lx)", (long)addr, m ? m->path : "?",
		 (long)(addr - (m ? m->base : 0)));
}

GOSAN_EXPORT void __sanitizer_symbolize_pc(void *pc, const char *format, char *text, size_t size);
GOSAN_EXPORT void __sanitizer_symbolize_pc(void *pc, const char *format, char *text, size_t size)
{
	(void)format;
	symbolize((uintptr_t)pc, text, size);
}

GOSAN_EXPORT void __sanitizer_symbolize_global(void *addr, const char *format, char *text, size_t size);
GOSAN_EXPORT void __sanitizer_symbolize_global(void *addr, const char *format, char *text, size_t size)
{
	(void)format;
	symbolize((uintptr_t)addr, text, size);
}

/* libc's allocator is the program's: it knows. */
GOSAN_EXPORT size_t __sanitizer_get_allocated_size(const void *p);
GOSAN_EXPORT size_t __sanitizer_get_allocated_size(const void *p)
{
	return p ? malloc_usable_size((void *)(uintptr_t)p) : 0;
}

/* A block's first byte, as free would want it. */
GOSAN_EXPORT int __sanitizer_get_ownership(const void *p);
GOSAN_EXPORT int __sanitizer_get_ownership(const void *p)
{
	uintptr_t start;
	size_t size;

	return gosan_heap_find((uintptr_t)p, &start, &size, NULL) && start == (uintptr_t)p;
}

/* An access of the caller's, whole words at any address. */
#define UNALIGNED(bits, T) \
	GOSAN_EXPORT T __sanitizer_unaligned_load##bits(const void *p); \
	GOSAN_EXPORT T __sanitizer_unaligned_load##bits(const void *p) \
	{ \
		T v; \
\
		gosan_intercept_read(p, sizeof(v), GOSAN_CALLER); \
		__builtin_memcpy(&v, p, sizeof(v)); \
		return v; \
	} \
	GOSAN_EXPORT void __sanitizer_unaligned_store##bits(void *p, T v); \
	GOSAN_EXPORT void __sanitizer_unaligned_store##bits(void *p, T v) \
	{ \
		gosan_intercept_write(p, sizeof(v), GOSAN_CALLER); \
		__builtin_memcpy(p, &v, sizeof(v)); \
	}
UNALIGNED(16, uint16_t)
UNALIGNED(32, uint32_t)
UNALIGNED(64, uint64_t)

/* ---- what needs no answer ---- */

#pragma GCC diagnostic ignored "-Wunused-parameter"
#define NONE(type, name, params, value) \
	GOSAN_EXPORT type name params; \
	GOSAN_EXPORT type name params \
	{ \
		return value; \
	}
#include "tsan_api.def"
