/* SPDX-License-Identifier: Apache-2.0
 *
 * intercept.h: what the libc interceptors share: the next definition of a function, and whose call it is.
 *
 * Every interceptor first asks who called: the program's own code is checked, libc's, the runtime's and the
 * detector's is passed on. Its own work comes before the real call where the call publishes or destroys
 * (free, write), after it where the call observes (malloc, read), and keeps errno.
 */
#ifndef GOSAN_INTERCEPT_H
#define GOSAN_INTERCEPT_H

#include "../access.h"
#include "../module.h"

#include <stdbool.h>
#include <stdint.h>

#define GOSAN_EXPORT __attribute__((visibility("default")))
#define GOSAN_CALLER ((uintptr_t)__builtin_return_address(0))

/* Looked up at the first call, which may come before any constructor. */
#define GOSAN_REAL(name) \
	(__extension__({ \
		static __typeof__(name) *real_; \
		if (__builtin_expect(!real_, 0)) \
			real_ = (__typeof__(name) *)gosan_intercept_next(#name); \
		real_; \
	}))

void *gosan_intercept_next(const char *name);
/* Is pc in code whose accesses count: an instrumented module, while hooks are on? In a program without one, the answer
 * is a load and a branch. */
bool gosan_intercept_sees_it(uintptr_t pc);
static inline bool gosan_intercept_sees(uintptr_t pc)
{
	return __builtin_expect(gosan_module_instrumented, 0) && gosan_intercept_sees_it(pc);
}
/* Is pc in the detector, the runtime, libc or ld.so? */
bool gosan_intercept_is_own(uintptr_t pc);
bool gosan_intercept_is_runtime(uintptr_t pc);

static inline void gosan_intercept_read(const void *p, size_t n, uintptr_t pc)
{
	gosan_access((uintptr_t)p, n, 0, pc);
}
static inline void gosan_intercept_write(void *p, size_t n, uintptr_t pc)
{
	gosan_access((uintptr_t)p, n, GOSAN_WRITE, pc);
}
/* p is a block of the caller, filled with a copy of `from`, that libc allocated. */
void gosan_intercept_block(void *p, size_t size, const void *from, uintptr_t pc);

#endif
