/* SPDX-License-Identifier: Apache-2.0
 *
 * hot.c: libgosan_hot.a, the part of the hooks that answers most calls, linked into each instrumented program by
 * `gosan cc`. Hidden there: a call is a direct one, which on some machines is half of what a hook costs, and other
 * modules go on to find the hooks of libgosan.so.
 *
 * What the short way does not answer goes to libgosan.so by the hooks that take a pc, or to the stub
 * (hooks_stub.c) when the program runs alone.
 */
#include "hot.h"

#include <stdbool.h>

#define HIDDEN __attribute__((visibility("hidden")))
#define PC     __builtin_return_address(0)

#define GOSAN_WRITE 1

/* Our own name for the pointer that engine.h calls gosan_self. */
extern __thread struct gosan_hot *self __asm__(GOSAN_HOT_SELF) __attribute__((tls_model("initial-exec")));

/* The slow way. */
#define ACCESS_PC(name, size, flags) void __tsan_##name(void *p, void *pc);
#include "../front/tsan.def"
void __tsan_gosan_enter(void *pc, void *callee);
void __tsan_gosan_leave(void);

/* Are these bytes, of an aligned access, remembered in a granule's inline cells? See gosan_shadow_holds, which says why
 * the look needs no lock. The product is 0 when either difference is. */
static inline __attribute__((always_inline)) bool holds(const struct gosan_hot *g, uintptr_t addr,
							unsigned bytes, unsigned flags)
{
	const uint32_t *cells = (const uint32_t *)(g->base + 2 * (addr & g->mask));
	uint32_t asked = ~GOSAN_HOT_LOW | 0x200u | bytes | (flags & GOSAN_WRITE ? GOSAN_HOT_WRITE : 0);
	uint64_t a = (__atomic_load_n(&cells[0], __ATOMIC_RELAXED) ^ g->cell[0]) & asked;
	uint64_t b = (__atomic_load_n(&cells[1], __ATOMIC_RELAXED) ^ g->cell[0]) & asked;

	return a * b == 0;
}

static inline __attribute__((always_inline)) bool repeats(uintptr_t addr, unsigned size, unsigned flags)
{
	const struct gosan_hot *g = self;
	unsigned bytes = size >= 8 ? GOSAN_HOT_ALL : ((1u << size) - 1) << (addr & 7);

	if (__builtin_expect(!g, 0) || __builtin_expect((addr & (size - 1) & 7) != 0, 0))
		return false;
	return __builtin_expect(holds(g, addr, bytes, flags), 1) &&
	       (size <= 8 || holds(g, addr + 8, GOSAN_HOT_ALL, flags));
}

/* What a hook goes on with: its flags are a word in tsan.def. */
#define NEXT_0(n)           __tsan_read##n##_pc
#define NEXT_GOSAN_WRITE(n) __tsan_write##n##_pc
#define ACCESS(name, n, flags) \
	HIDDEN void __tsan_##name(void *p); \
	HIDDEN void __tsan_##name(void *p) \
	{ \
		if (!repeats((uintptr_t)p, n, flags)) \
			NEXT_##flags(n)(p, PC); \
	}
#include "../front/tsan.def"

HIDDEN void __tsan_func_entry(void *pc);
HIDDEN void __tsan_func_entry(void *pc)
{
	struct gosan_hot *g = self;
	struct gosan_hot_frame *f;

	if (__builtin_expect(!g, 0) || __builtin_expect((f = g->frame) == g->frame_end, 0)) {
		__tsan_gosan_enter(pc, PC);
		return;
	}
	f->pc = (uintptr_t)pc;
	f->callee = (uint32_t)(uintptr_t)PC;
	f->ctx = 0;
	g->frame = f + 1;
}

HIDDEN void __tsan_func_exit(void);
HIDDEN void __tsan_func_exit(void)
{
	struct gosan_hot *g = self;

	if (__builtin_expect(g != NULL, 1) && __builtin_expect(g->frame > g->frame_floor, 1))
		g->frame--;
	else
		__tsan_gosan_leave();
}
