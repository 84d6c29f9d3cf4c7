/* SPDX-License-Identifier: Apache-2.0
 *
 * hooks_stub.c: libgosan_hooks.so, what instrumented programs are linked against. Under gosan the preloaded
 * library's definitions come first; without it these run: memory hooks do nothing, atomics and bulk copies do the
 * operation, annotations are forgotten.
 *
 * Everything comes from the tables that the library has (front/tsan*.def), so the two can't drift apart. It must
 * export no name of libc's: that would make the program's references unversioned.
 */
#include "barrier.h"
#include "hot/hot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC diagnostic ignored "-Wunused-parameter"

#define GOSAN_WRITE 1

/* Their sizes and flags are the library's business. */
#define ACCESS(name, size, flags)    NONE(void, __tsan_##name, (void *p), )
#define ACCESS_PC(name, size, flags) NONE(void, __tsan_##name, (void *p, void *pc), )
#define NONE(type, name, params, value) \
	type name params; \
	type name params \
	{ \
		return value; \
	}
#define REAL NONE

/* Nobody runs here (hot/hot.h). */
extern __thread struct gosan_hot *self __asm__(GOSAN_HOT_SELF);
__thread struct gosan_hot *self __attribute__((tls_model("initial-exec")));
NONE(void, __tsan_gosan_enter, (void *pc, void *callee), )
NONE(void, __tsan_gosan_leave, (void), )

#include "front/tsan.def"
#include "front/tsan_api.def"

/* clang 19 calls these instead of libc's: they have to do the work. memmove also serves memcpy. */
void *memmove(void *, const void *, size_t);
void *memset(void *, int, size_t);

#define BULK(name, params, work) \
	void *__tsan_##name params; \
	void *__tsan_##name params \
	{ \
		return work; \
	}
BULK(memcpy, (void *d, const void *s, size_t n), memmove(d, s, n))
BULK(memmove, (void *d, const void *s, size_t n), memmove(d, s, n))
BULK(memset, (void *d, int c, size_t n), memset(d, c, n))

#define UNALIGNED(bits, T) \
	T __sanitizer_unaligned_load##bits(const void *p); \
	T __sanitizer_unaligned_load##bits(const void *p) \
	{ \
		T v; \
\
		__builtin_memcpy(&v, p, sizeof(v)); \
		return v; \
	} \
	void __sanitizer_unaligned_store##bits(void *p, T v); \
	void __sanitizer_unaligned_store##bits(void *p, T v) \
	{ \
		__builtin_memcpy(p, &v, sizeof(v)); \
	}
UNALIGNED(16, uint16_t)
UNALIGNED(32, uint32_t)
UNALIGNED(64, uint64_t)

void __tsan_testonly_barrier_init(uint64_t *barrier, unsigned count);
void __tsan_testonly_barrier_init(uint64_t *barrier, unsigned count)
{
	gosan_barrier_init(barrier, count);
}

void __tsan_testonly_barrier_wait(uint64_t *barrier);
void __tsan_testonly_barrier_wait(uint64_t *barrier)
{
	gosan_barrier_wait(barrier);
}

/* ---- atomics ---- */

/* 16-byte operations: under one lock, so that this library needs no libatomic. */
static char wide_lock;

struct op {
	bool wide;
};

static inline struct op begin(const volatile void *p, size_t size, uintptr_t pc)
{
	while (size > 8 && __atomic_test_and_set(&wide_lock, __ATOMIC_SEQ_CST))
		;
	return (struct op){size > 8};
}

static inline void end(const struct op *o)
{
	if (o->wide)
		__atomic_clear(&wide_lock, __ATOMIC_SEQ_CST);
}

static inline struct op peek(const volatile void *p, size_t size, uintptr_t pc)
{
	return (struct op){size > 8};
}

static inline bool settled(const struct op *o, int mo)
{
	return !o->wide;
}

/* Nobody wants to know. */
static inline void note_load(const struct op *o, int mo)
{
}
#define note_rmw   note_load
#define note_store note_load

#define HOOK(type, name, params) \
	type __tsan_atomic##name params; \
	type __tsan_atomic##name params
#include "front/tsan_atomic.def"

void __tsan_atomic_thread_fence(int mo);
void __tsan_atomic_thread_fence(int mo)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void __tsan_atomic_signal_fence(int mo);
void __tsan_atomic_signal_fence(int mo)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}
