/* SPDX-License-Identifier: Apache-2.0
 *
 * tsan_atomic.c: the atomic hooks do the operation themselves, and its edges and its access in one step.
 *
 * Every operation is done sequentially consistent, whatever was asked: the variable's lock orders it anyway.
 * The edges follow the order that was asked. 16-byte operations are plain copies under the lock, which all
 * instrumented code takes.
 */
#include "../atomic.h"
#include "../shadow.h"

#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define PC     ((uintptr_t)__builtin_return_address(0))

/* An operation under way. lock NULL: only the operation, nothing is noted. */
struct op {
	struct gosan_atomic_stripe *lock;
	struct gosan_g *g;
	uintptr_t addr, pc;
	size_t size;
};

/* pc is the hook's return address: the place of the access. */
static struct op begin(const volatile void *p, size_t size, uintptr_t pc)
{
	struct op o = {.g = gosan_self, .addr = (uintptr_t)p, .pc = pc, .size = size};

	if (gosan_ignore || !gosan_access_ready || (!o.g && !(o.g = gosan_engine_self())))
		return o;
	o.g->n_access++;
	o.lock = gosan_atomic_lock(o.addr);
	return o;
}

static void end(struct op *o)
{
	if (o->lock)
		gosan_atomic_unlock(o->lock);
}

/* The access: repeated ones end at the inline cell, as plain ones do. */
static void check(struct op *o, unsigned flags)
{
	unsigned bytes = ((1u << o->size) - 1) << (o->addr & 7);

	if (o->size > 8 || !gosan_shadow_holds(o->g, o->addr, bytes, flags))
		gosan_shadow_access(o->g, o->addr, o->size, flags, o->pc);
}

static void note_load(struct op *o, int mo)
{
	if (!o->lock)
		return;
	gosan_atomic_loaded(o->lock, o->g, o->addr, mo);
	check(o, GOSAN_ATOMIC);
}

/* The value is written already, but nobody with a hook sees it before we unlock. */
static void note_rmw(struct op *o, int mo)
{
	if (!o->lock)
		return;
	gosan_atomic_loaded(o->lock, o->g, o->addr, mo);
	check(o, GOSAN_ATOMIC | GOSAN_WRITE);
	gosan_atomic_stored(o->lock, o->g, o->addr, mo, true);
}

/* Before the value is written. */
static void note_store(struct op *o, int mo)
{
	if (!o->lock)
		return;
	check(o, GOSAN_ATOMIC | GOSAN_WRITE);
	gosan_atomic_stored(o->lock, o->g, o->addr, mo, false);
}

/* The operations, by size. For 16 bytes: under the lock, with full fences around. */
#define RAW(bits, T) \
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
RAW(8, uint8_t)
RAW(16, uint16_t)
RAW(32, uint32_t)
RAW(64, uint64_t)

static inline unsigned __int128 get128(const volatile unsigned __int128 *p)
{
	unsigned __int128 v;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	v = *p;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return v;
}

static inline void put128(volatile unsigned __int128 *p, unsigned __int128 v)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	*p = v;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline bool swap128(volatile unsigned __int128 *p, unsigned __int128 *old, unsigned __int128 v)
{
	unsigned __int128 now = get128(p);

	if (now != *old) {
		*old = now;
		return false;
	}
	put128(p, v);
	return true;
}

/* A load or a store; read-modify-writes are a loop of compare-and-swap, which under the lock fails only
 * when code without hooks interferes. */
#define SIZE(bits, T) \
	EXPORT T __tsan_atomic##bits##_load(const volatile T *p, int mo); \
	EXPORT T __tsan_atomic##bits##_load(const volatile T *p, int mo) \
	{ \
		struct op o = begin(p, sizeof(T), PC); \
		T v = get##bits(p); \
\
		note_load(&o, mo); \
		end(&o); \
		return v; \
	} \
	EXPORT void __tsan_atomic##bits##_store(volatile T *p, T v, int mo); \
	EXPORT void __tsan_atomic##bits##_store(volatile T *p, T v, int mo) \
	{ \
		struct op o = begin(p, sizeof(T), PC); \
\
		note_store(&o, mo); \
		put##bits(p, v); \
		end(&o); \
	} \
	static inline __attribute__((always_inline)) \
	T cas##bits(volatile T *p, T old, T v, int mo, int fmo, uintptr_t pc) \
	{ \
		struct op o = begin(p, sizeof(T), pc); \
\
		if (swap##bits(p, &old, v)) \
			note_rmw(&o, mo); \
		else \
			note_load(&o, fmo); \
		end(&o); \
		return old; \
	} \
	EXPORT T __tsan_atomic##bits##_compare_exchange_val(volatile T *p, T old, T v, int mo, int fmo); \
	EXPORT T __tsan_atomic##bits##_compare_exchange_val(volatile T *p, T old, T v, int mo, int fmo) \
	{ \
		return cas##bits(p, old, v, mo, fmo, PC); \
	} \
	EXPORT int __tsan_atomic##bits##_compare_exchange_strong(volatile T *p, T *old, T v, int mo, \
								 int fmo); \
	EXPORT int __tsan_atomic##bits##_compare_exchange_strong(volatile T *p, T *old, T v, int mo, \
								 int fmo) \
	{ \
		T was = cas##bits(p, *old, v, mo, fmo, PC); \
\
		if (was == *old) \
			return 1; \
		*old = was; \
		return 0; \
	} \
	EXPORT int __tsan_atomic##bits##_compare_exchange_weak(volatile T *p, T *old, T v, int mo, int fmo); \
	EXPORT int __tsan_atomic##bits##_compare_exchange_weak(volatile T *p, T *old, T v, int mo, int fmo) \
	{ \
		T was = cas##bits(p, *old, v, mo, fmo, PC); \
\
		if (was == *old) \
			return 1; \
		*old = was; \
		return 0; \
	}
#include "tsan.def"

#define RMW(bits, T, name, expr) \
	EXPORT T __tsan_atomic##bits##_##name(volatile T *p, T v, int mo); \
	EXPORT T __tsan_atomic##bits##_##name(volatile T *p, T v, int mo) \
	{ \
		struct op o = begin(p, sizeof(T), PC); \
		T old = get##bits(p); \
\
		while (!swap##bits(p, &old, (T)(expr))) \
			; \
		note_rmw(&o, mo); \
		end(&o); \
		return old; \
	}
#define FETCH(name, expr) \
	RMW(8, uint8_t, name, expr) \
	RMW(16, uint16_t, name, expr) \
	RMW(32, uint32_t, name, expr) \
	RMW(64, uint64_t, name, expr) \
	RMW(128, unsigned __int128, name, expr)
#include "tsan.def"

EXPORT void __tsan_atomic_thread_fence(int mo);
EXPORT void __tsan_atomic_thread_fence(int mo)
{
	struct gosan_g *g = gosan_self;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!gosan_ignore && gosan_access_ready && (g || (g = gosan_engine_self())))
		gosan_atomic_fence(g, mo);
}

EXPORT void __tsan_atomic_signal_fence(int mo);
EXPORT void __tsan_atomic_signal_fence(int mo)
{
	(void)mo;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}
