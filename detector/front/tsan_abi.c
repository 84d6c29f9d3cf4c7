/* SPDX-License-Identifier: Apache-2.0
 *
 * tsan_abi.c: the hooks that compilers put before memory accesses and around function bodies.
 *
 * The hot path is one compare: the granule's inline cell against the cell that this access would leave. A
 * goroutine that repeats an access in the same epoch, which is what programs do nearly always, ends there.
 * Hooks may run before any constructor of ours: then the shadow is empty and gosan_self is NULL, and both
 * lead to the slow path, which waits for gosan_access_ready.
 */
#include "../shadow.h"
#include "../context.h"
#include "../extend.h"
#include "../module.h"

/* What programs bring along was compiled against hot.h: the beginning of a goroutine and its frames are as it says. */
_Static_assert(sizeof(struct gosan_frame) == sizeof(struct gosan_hot_frame), "hot.h");
#define SAME(field, as) \
	_Static_assert(offsetof(struct gosan_g, field) == offsetof(struct gosan_hot, as), "hot.h")
SAME(cell, cell);
SAME(writes, writes);
SAME(shadow_mask, mask);
SAME(shadow_base, base);
SAME(frame, frame);
SAME(frame_end, frame_end);
SAME(frame_floor, frame_floor);
#undef SAME

#define EXPORT __attribute__((visibility("default")))
#define PC     ((uintptr_t)__builtin_return_address(0))

/* Everything that the hot path left out: hooks that are off, threads that nobody announced, new accesses. */
static __attribute__((noinline)) void slow(uintptr_t addr, size_t size, unsigned flags, uintptr_t pc)
{
	struct gosan_g *g = gosan_self;

	if (gosan_ignore || !gosan_access_ready || (!g && !(g = gosan_engine_self())))
		return;
	g->n_access++;
	gosan_shadow_access(g, addr, size, flags, pc);
}

/* Of an aligned access; of others this is a guess, which the caller checks. */
static inline __attribute__((always_inline)) bool holds(const struct gosan_g *g, uintptr_t addr, size_t size,
							unsigned flags)
{
	unsigned bytes = (size >= 8 ? GOSAN_CELL_ALL : (1u << size) - 1) << (size >= 8 ? 0 : addr & 7);

	return gosan_shadow_holds(g, addr, bytes, flags);
}

/* Repeats are not counted: a counter in memory would cost as much as the rest of a hit. */
static inline __attribute__((always_inline)) void access_sized(const void *p, size_t size, unsigned flags,
							       uintptr_t pc)
{
	uintptr_t addr = (uintptr_t)p;
	struct gosan_g *g = gosan_self;

	if (__builtin_expect(g != NULL, 1) && __builtin_expect(!(addr & (size - 1) & 7), 1) &&
	    __builtin_expect(holds(g, addr, size, flags), 1) && (size <= 8 || holds(g, addr + 8, 8, flags)))
		return;
	slow(addr, size, flags, pc);
}

/* Is an access of at most a word, at any address, remembered? A byte mask that leaves its granule goes on in the next. */
static inline __attribute__((always_inline)) bool word_holds(const struct gosan_g *g, uintptr_t addr,
							     size_t size, unsigned flags)
{
	unsigned bytes = (0xffu >> (8 - size)) << (addr & 7);

	return gosan_shadow_holds(g, addr, bytes & GOSAN_CELL_ALL, flags) &&
	       (!(bytes >> 8) || gosan_shadow_holds(g, addr + 8, bytes >> 8, flags));
}

/* Any size; the shadow has a fast loop of its own. Empty ranges (a memcpy of nothing) touch nothing. gcc calls this for
 * words that may lie anywhere. */
static inline __attribute__((always_inline)) void access_range(const void *p, size_t size, unsigned flags,
							       uintptr_t pc)
{
	struct gosan_g *g = gosan_self;

	if (size - 1 < 8 && __builtin_expect(g != NULL, 1) && word_holds(g, (uintptr_t)p, size, flags))
		return;
	if (size)
		slow((uintptr_t)p, size, flags, pc);
}

#define ACCESS(name, size, flags) \
	EXPORT void __tsan_##name(void *p); \
	EXPORT void __tsan_##name(void *p) \
	{ \
		access_sized(p, size, flags, PC); \
	}
/* libgosan_hot.a comes here, after it has looked itself. */
#define ACCESS_PC(name, size, flags) \
	EXPORT void __tsan_##name(void *p, void *pc); \
	EXPORT void __tsan_##name(void *p, void *pc) \
	{ \
		struct gosan_g *g = gosan_self; \
		if ((size) < 8 && __builtin_expect(g != NULL, 1) && \
		    gosan_extend_access(g, (uintptr_t)p, size, flags, (uintptr_t)pc)) \
			return; \
		slow((uintptr_t)p, size, flags, (uintptr_t)pc); \
	}
#include "tsan.def"

EXPORT void __tsan_read_range(void *p, size_t size);
EXPORT void __tsan_read_range(void *p, size_t size)
{
	access_range(p, size, 0, PC);
}

EXPORT void __tsan_write_range(void *p, size_t size);
EXPORT void __tsan_write_range(void *p, size_t size)
{
	access_range(p, size, GOSAN_WRITE, PC);
}

/* Constructors and destructors store the same pointer again: that is no write that anybody can see. */
EXPORT void __tsan_vptr_update(void **p, void *value);
EXPORT void __tsan_vptr_update(void **p, void *value)
{
	if (*p != value)
		access_sized(p, sizeof(*p), GOSAN_WRITE, PC);
}

EXPORT void __tsan_vptr_read(void **p);
EXPORT void __tsan_vptr_read(void **p)
{
	access_sized(p, sizeof(*p), 0, PC);
}

/* pc is the return address of the function that was entered, PC an address inside it. */
EXPORT void __tsan_func_entry(void *pc);
EXPORT void __tsan_func_entry(void *pc)
{
	struct gosan_g *g = gosan_self;

	if (__builtin_expect(!g, 0) && (!gosan_access_ready || !(g = gosan_engine_self())))
		return;
	gosan_context_enter(g, (uintptr_t)pc, PC);
}

EXPORT void __tsan_func_exit(void);
EXPORT void __tsan_func_exit(void)
{
	struct gosan_g *g = gosan_self;

	if (__builtin_expect(g != NULL, 1))
		gosan_context_leave(g);
}

/* The same from libgosan_hot.a and from code that gosan cc put in place of a call, when they can't do it. */
EXPORT void __tsan_gosan_enter(void *pc, void *callee);
EXPORT void __tsan_gosan_enter(void *pc, void *callee)
{
	struct gosan_g *g = gosan_self;

	if (__builtin_expect(!g, 0) && (!gosan_access_ready || !(g = gosan_engine_self())))
		return;
	gosan_context_enter(g, (uintptr_t)pc, (uintptr_t)callee);
}

EXPORT void __tsan_gosan_leave(void);
EXPORT void __tsan_gosan_leave(void)
{
	if (gosan_self)
		gosan_context_leave(gosan_self);
}

/* From every module's constructor, before ours perhaps: then there is nothing that could not wait. Later it means
 * that an instrumented library was loaded, perhaps the first one: what follows has to be seen from the start. */
EXPORT void __tsan_init(void);
EXPORT void __tsan_init(void)
{
	if (gosan_access_ready)
		gosan_module_refresh();
}
