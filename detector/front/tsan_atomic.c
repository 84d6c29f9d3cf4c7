/* SPDX-License-Identifier: Apache-2.0
 *
 * tsan_atomic.c: the atomic hooks do the operation themselves, and its edges and its access in one step.
 *
 * Every operation is done sequentially consistent, whatever was asked: the variable's lock orders it anyway.
 * The edges follow the order that was asked. 16-byte operations are plain copies under the lock, which all
 * instrumented code takes. The operations are in tsan_atomic.def, which the stub shares.
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

static struct op peek(const volatile void *p, size_t size, uintptr_t pc)
{
	struct op o = {.addr = (uintptr_t)p, .pc = pc, .size = size};

	if (!gosan_ignore && gosan_access_ready)
		o.g = gosan_self;
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

/* Sixteen bytes are read in one piece only under the lock. */
static inline bool settled(struct op *o, int mo)
{
	if (!o->g || o->size > 8 || !gosan_atomic_settled(o->g, o->addr, mo))
		return false;
	o->g->n_access++;
	check(o, GOSAN_ATOMIC);
	return true;
}

static void note_load(struct op *o, int mo)
{
	if (!o->lock)
		return;
	gosan_atomic_loaded(o->lock, o->g, o->addr, mo, o->pc);
	check(o, GOSAN_ATOMIC);
}

/* The value is written already, but nobody with a hook sees it before we unlock. */
static void note_rmw(struct op *o, int mo)
{
	if (!o->lock)
		return;
	gosan_atomic_loaded(o->lock, o->g, o->addr, mo, o->pc);
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

#define HOOK(type, name, params) \
	EXPORT type __tsan_atomic##name params; \
	EXPORT type __tsan_atomic##name params
#include "tsan_atomic.def"

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
