/* SPDX-License-Identifier: Apache-2.0
 *
 * hooks_stub.c: libgosan_hooks.so, what instrumented programs are linked against. Under gosan the preloaded
 * library's definitions come first; without it these run: memory hooks do nothing, atomics do the operation.
 * It must export __tsan_* only: a libc name here would make the program's references unversioned.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GOSAN_WRITE 1

#define ACCESS(name, size, flags) \
	void __tsan_##name(void *p); \
	void __tsan_##name(void *p) \
	{ \
		(void)p; \
	}
#define ACCESS_PC(name, size, flags) \
	void __tsan_##name(void *p, void *pc); \
	void __tsan_##name(void *p, void *pc) \
	{ \
		(void)p; \
		(void)pc; \
	}
#include "front/tsan.def"

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_func_entry(void *pc);
void __tsan_func_entry(void *pc)
{
	(void)pc;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}

/* gcc's, for structs and other odd sizes. */
#define RANGE(name) \
	void __tsan_##name(void *p, size_t size); \
	void __tsan_##name(void *p, size_t size) \
	{ \
		(void)p; \
		(void)size; \
	}
RANGE(read_range)
RANGE(write_range)

void __tsan_vptr_update(void **p, void *value);
void __tsan_vptr_update(void **p, void *value)
{
	(void)p;
	(void)value;
}

#define POINTER(name) \
	void __tsan_##name(void *p); \
	void __tsan_##name(void *p) \
	{ \
		(void)p; \
	}
POINTER(vptr_read)
POINTER(acquire)
POINTER(release)

void __tsan_ignore_thread_begin(void);
void __tsan_ignore_thread_begin(void)
{
}

void __tsan_ignore_thread_end(void);
void __tsan_ignore_thread_end(void)
{
}

/* clang 19 calls these instead of libc's: they have to do the work. memmove also serves memcpy. */
void *memmove(void *, const void *, size_t);
void *memset(void *, int, size_t);

void *__tsan_memcpy(void *d, const void *s, size_t n);
void *__tsan_memcpy(void *d, const void *s, size_t n)
{
	return memmove(d, s, n);
}

void *__tsan_memmove(void *d, const void *s, size_t n);
void *__tsan_memmove(void *d, const void *s, size_t n)
{
	return memmove(d, s, n);
}

void *__tsan_memset(void *d, int c, size_t n);
void *__tsan_memset(void *d, int c, size_t n)
{
	return memset(d, c, n);
}

/* 16-byte operations: under one lock, so that this library needs no libatomic. */
static char wide_lock;

static inline void lock(size_t size)
{
	while (size > 8 && __atomic_test_and_set(&wide_lock, __ATOMIC_SEQ_CST))
		;
}

static inline void unlock(size_t size)
{
	if (size > 8)
		__atomic_clear(&wide_lock, __ATOMIC_SEQ_CST);
}

/* Memory orders are ignored: sequentially consistent is never wrong.
 * The three operations that all others are made of. */
#define NARROW(bits, T) \
	static inline T get##bits(const volatile T *p) \
	{ \
		return __atomic_load_n(p, __ATOMIC_SEQ_CST); \
	} \
	static inline void put##bits(volatile T *p, T v) \
	{ \
		__atomic_store_n(p, v, __ATOMIC_SEQ_CST); \
	} \
	static inline bool swap##bits(volatile T *p, T *old, T v) \
	{ \
		return __atomic_compare_exchange_n(p, old, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
	}
NARROW(8, uint8_t)
NARROW(16, uint16_t)
NARROW(32, uint32_t)
NARROW(64, uint64_t)

static inline unsigned __int128 get128(const volatile unsigned __int128 *p)
{
	return *p;
}

static inline void put128(volatile unsigned __int128 *p, unsigned __int128 v)
{
	*p = v;
}

static inline bool swap128(volatile unsigned __int128 *p, unsigned __int128 *old, unsigned __int128 v)
{
	unsigned __int128 now = *p;

	if (now != *old) {
		*old = now;
		return false;
	}
	*p = v;
	return true;
}

/* Load, store and compare-and-swap, in the two spellings of the compilers. */
#define SIZE(bits, T) \
	T __tsan_atomic##bits##_load(const volatile T *p, int mo); \
	T __tsan_atomic##bits##_load(const volatile T *p, int mo) \
	{ \
		T v; \
\
		(void)mo; \
		lock(sizeof(T)); \
		v = get##bits(p); \
		unlock(sizeof(T)); \
		return v; \
	} \
	void __tsan_atomic##bits##_store(volatile T *p, T v, int mo); \
	void __tsan_atomic##bits##_store(volatile T *p, T v, int mo) \
	{ \
		(void)mo; \
		lock(sizeof(T)); \
		put##bits(p, v); \
		unlock(sizeof(T)); \
	} \
	T __tsan_atomic##bits##_compare_exchange_val(volatile T *p, T old, T v, int mo, int fmo); \
	T __tsan_atomic##bits##_compare_exchange_val(volatile T *p, T old, T v, int mo, int fmo) \
	{ \
		(void)mo; \
		(void)fmo; \
		lock(sizeof(T)); \
		swap##bits(p, &old, v); \
		unlock(sizeof(T)); \
		return old; \
	} \
	int __tsan_atomic##bits##_compare_exchange_strong(volatile T *p, T *old, T v, int mo, int fmo); \
	int __tsan_atomic##bits##_compare_exchange_strong(volatile T *p, T *old, T v, int mo, int fmo) \
	{ \
		bool done; \
\
		(void)mo; \
		(void)fmo; \
		lock(sizeof(T)); \
		done = swap##bits(p, old, v); \
		unlock(sizeof(T)); \
		return done; \
	} \
	int __tsan_atomic##bits##_compare_exchange_weak(volatile T *p, T *old, T v, int mo, int fmo); \
	int __tsan_atomic##bits##_compare_exchange_weak(volatile T *p, T *old, T v, int mo, int fmo) \
	{ \
		return __tsan_atomic##bits##_compare_exchange_strong(p, old, v, mo, fmo); \
	}
#include "front/tsan.def"

/* All other read-modify-writes are loops around compare-and-swap. */
#define RMW(bits, T, name, expr) \
	T __tsan_atomic##bits##_##name(volatile T *p, T v, int mo); \
	T __tsan_atomic##bits##_##name(volatile T *p, T v, int mo) \
	{ \
		T old; \
\
		(void)mo; \
		lock(sizeof(T)); \
		old = get##bits(p); \
		while (!swap##bits(p, &old, (T)(expr))) \
			; \
		unlock(sizeof(T)); \
		return old; \
	}
#define FETCH(name, expr) \
	RMW(8, uint8_t, name, expr) \
	RMW(16, uint16_t, name, expr) \
	RMW(32, uint32_t, name, expr) \
	RMW(64, uint64_t, name, expr) \
	RMW(128, unsigned __int128, name, expr)
#include "front/tsan.def"

void __tsan_atomic_thread_fence(int mo);
void __tsan_atomic_thread_fence(int mo)
{
	(void)mo;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void __tsan_atomic_signal_fence(int mo);
void __tsan_atomic_signal_fence(int mo)
{
	(void)mo;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}
