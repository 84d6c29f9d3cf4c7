/* SPDX-License-Identifier: Apache-2.0
 *
 * libatomic.c: atomics that the compiler makes calls of libatomic: objects of odd or large sizes, and 16 bytes
 * with clang. Instrumented code reaches them without a hook.
 *
 * libatomic does the operation, with locks of its own; the variable's lock here goes around it, so that
 * operation and edges are one step, as in tsan_atomic.c. Its own mutexes are no promise to the program: what they
 * order would hide that a relaxed operation orders nothing (C11 7.17.3), so the hooks of locks look away meanwhile.
 */
#include "intercept.h"

#include "../atomic.h"
#include "../shadow.h"

typedef unsigned __int128 wide;

struct op {
	struct gosan_atomic_stripe *lock;
	struct gosan_g *g;
	uintptr_t addr, pc;
	size_t size;
};

enum kind { LOAD, STORE, RMW };

/* Unlike hooks these are called by everybody: callers that are not instrumented have no clock to keep. */
static struct op begin(const volatile void *p, size_t size, uintptr_t pc)
{
	struct op o = {.addr = (uintptr_t)p, .pc = pc, .size = size};

	if (!gosan_intercept_sees(pc))
		return o;
	o.g = gosan_engine_self();
	if (!o.g)
		return o;
	o.lock = gosan_atomic_lock(o.addr);
	gosan_ignore++;
	return o;
}

/* Edges and access in the order that atomic.h asks for, all before anybody else gets the variable's lock. */
static void end(struct op *o, enum kind kind, int mo)
{
	if (o->g)
		gosan_ignore--;
	if (!o->lock)
		return;
	o->g->n_access++;
	if (kind != STORE)
		gosan_atomic_loaded(o->lock, o->g, o->addr, mo, o->pc);
	gosan_shadow_access(o->g, o->addr, o->size, kind == LOAD ? GOSAN_ATOMIC : GOSAN_ATOMIC | GOSAN_WRITE,
			    o->pc);
	if (kind != LOAD)
		gosan_atomic_stored(o->lock, o->g, o->addr, mo, kind == RMW);
	gosan_atomic_unlock(o->lock);
}

/* The generic functions, for any size. Their names are builtins of the compiler, hence the aliases. */
void generic_load(size_t size, void *p, void *ret, int mo) __asm__("__atomic_load");
void generic_store(size_t size, void *p, void *v, int mo) __asm__("__atomic_store");
void generic_exchange(size_t size, void *p, void *v, void *ret, int mo) __asm__("__atomic_exchange");
bool generic_cas(size_t size, void *p, void *old, void *v, int mo,
		 int fmo) __asm__("__atomic_compare_exchange");

#define NEXT(type, name) \
	(__extension__({ \
		static __typeof__(type) *real_; \
		if (!real_) \
			real_ = (__typeof__(type) *)gosan_intercept_next(name); \
		real_; \
	}))

GOSAN_EXPORT void generic_load(size_t size, void *p, void *ret, int mo)
{
	struct op o = begin(p, size, GOSAN_CALLER);

	NEXT(generic_load, "__atomic_load")(size, p, ret, mo);
	end(&o, LOAD, mo);
}

GOSAN_EXPORT void generic_store(size_t size, void *p, void *v, int mo)
{
	struct op o = begin(p, size, GOSAN_CALLER);

	NEXT(generic_store, "__atomic_store")(size, p, v, mo);
	end(&o, STORE, mo);
}

GOSAN_EXPORT void generic_exchange(size_t size, void *p, void *v, void *ret, int mo)
{
	struct op o = begin(p, size, GOSAN_CALLER);

	NEXT(generic_exchange, "__atomic_exchange")(size, p, v, ret, mo);
	end(&o, RMW, mo);
}

GOSAN_EXPORT bool generic_cas(size_t size, void *p, void *old, void *v, int mo, int fmo)
{
	struct op o = begin(p, size, GOSAN_CALLER);
	bool done = NEXT(generic_cas, "__atomic_compare_exchange")(size, p, old, v, mo, fmo);

	end(&o, done ? RMW : LOAD, done ? mo : fmo);
	return done;
}

/* 16 bytes. */
wide load16(const volatile void *p, int mo) __asm__("__atomic_load_16");
void store16(volatile void *p, wide v, int mo) __asm__("__atomic_store_16");
bool cas16(volatile void *p, void *old, wide v, int mo, int fmo) __asm__("__atomic_compare_exchange_16");

GOSAN_EXPORT wide load16(const volatile void *p, int mo)
{
	struct op o = begin(p, 16, GOSAN_CALLER);
	wide v = NEXT(load16, "__atomic_load_16")(p, mo);

	end(&o, LOAD, mo);
	return v;
}

GOSAN_EXPORT void store16(volatile void *p, wide v, int mo)
{
	struct op o = begin(p, 16, GOSAN_CALLER);

	NEXT(store16, "__atomic_store_16")(p, v, mo);
	end(&o, STORE, mo);
}

GOSAN_EXPORT bool cas16(volatile void *p, void *old, wide v, int mo, int fmo)
{
	struct op o = begin(p, 16, GOSAN_CALLER);
	bool done = NEXT(cas16, "__atomic_compare_exchange_16")(p, old, v, mo, fmo);

	end(&o, done ? RMW : LOAD, done ? mo : fmo);
	return done;
}

#define FETCH16(name) \
	wide name##16(volatile void *p, wide v, int mo) __asm__("__atomic_" #name "_16"); \
	GOSAN_EXPORT wide name##16(volatile void *p, wide v, int mo) \
	{ \
		struct op o = begin(p, 16, GOSAN_CALLER); \
		wide old = NEXT(name##16, "__atomic_" #name "_16")(p, v, mo); \
\
		end(&o, RMW, mo); \
		return old; \
	}
FETCH16(exchange)
FETCH16(fetch_add)
FETCH16(fetch_sub)
FETCH16(fetch_and)
FETCH16(fetch_or)
FETCH16(fetch_xor)
FETCH16(fetch_nand)
