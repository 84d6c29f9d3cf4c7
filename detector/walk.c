/* SPDX-License-Identifier: Apache-2.0
 *
 * walk.c: from frame to frame.
 *
 * Invariant: each frame's CFA lies above its stack pointer and within the stack, so a walk ends, and reads only words
 * between the first frame and the end of its stack: memory that is there as long as the walk runs on it.
 *
 * Code that was made at run time has no rule, and some that was written in assembly. Where it keeps frame pointers, as interpreters and compilers for
 * JavaScript and Java do in most of their code, the chain of them is followed; where a link of it looks wrong
 * the stack ends there, for libunwind knows no better.
 */
#include "walk.h"

#include "arch/frame.h"
#include "cfi.h"
#include "engine.h"

/* Linux leaves at least 128 MiB below the main stack's end free of mappings (mmap_base). */
#define MAIN_STACK_MAX (UINT64_C(64) << 20)
/* Caches of code lie together: V8's in 128 MiB, HotSpot's in 240. */
#define CODE_CACHE_MAX (UINT64_C(256) << 20)

static __thread uintptr_t thread_lo __attribute__((tls_model("initial-exec")));
static __thread uintptr_t thread_hi __attribute__((tls_model("initial-exec")));

void gosan_walk_stack(uintptr_t lo, uintptr_t hi)
{
	thread_lo = lo;
	thread_hi = hi;
}

void gosan_walk_main_stack(uintptr_t hi)
{
	gosan_walk_stack(hi - MAIN_STACK_MAX, hi);
}

/* END is an end as it should be; LOST says that frames may be missing, so that somebody else has to be asked. */
enum step { ON, END, LOST };

/* The end of the stack on which sp lies; 0 when it is unknown, such as that for signals. */
static uintptr_t end_of(uintptr_t sp)
{
	const struct gosan_g *g = gosan_self;

	if (g && sp >= g->stack_lo && sp < g->stack_hi)
		return g->stack_hi;
	return sp >= thread_lo && sp < thread_hi ? thread_hi : 0;
}

static inline bool is_word(uintptr_t at, uintptr_t lo, uintptr_t hi)
{
	return at >= lo && at <= hi - sizeof(uintptr_t) && at % sizeof(uintptr_t) == 0;
}

static inline uintptr_t word(uintptr_t at)
{
	return *(const uintptr_t *)at;
}

/* What follows `from`, which has no rule, in a chain of frame pointers: other code of its kind, or a module's. */
static bool may_call(uintptr_t caller, uintptr_t from)
{
	uintptr_t apart = caller > from ? caller - from : from - caller;

	return apart < CODE_CACHE_MAX || gosan_cfi_rule(caller - 1).kind != GOSAN_CFI_NOWHERE;
}

/* Saved frame pointer, return address: the two words of a frame that begins like all with frame pointers. A guess, which
 * is why it ends the walk and never loses it: without it nobody would know better. */
__attribute__((no_sanitize("address"))) static enum step by_pointer(struct gosan_walked *f, uintptr_t hi)
{
	const uintptr_t fp = f->fp, word_size = sizeof(uintptr_t);

	if (!is_word(fp, f->sp, hi - word_size) || !may_call(word(fp + word_size), f->pc))
		return END;
	*f = (struct gosan_walked){word(fp + word_size), fp + 2 * word_size, word(fp)};
	return ON;
}

/* A rule that leads inward or out of the stack belongs to other code than it was asked for (a module that was replaced, a
 * wrong guess before): nothing outside is read, and the walk is lost. */
__attribute__((no_sanitize("address"))) static enum step by_rule(struct gosan_walked *f, struct gosan_cfi r,
								 uintptr_t hi)
{
	uintptr_t cfa = (r.kind == GOSAN_CFI_SP ? f->sp : f->fp) + (uintptr_t)(intptr_t)r.cfa;
	uintptr_t saved;

	if (r.kind == GOSAN_CFI_FP_DEREF) {
		if (!is_word(cfa, f->sp, hi))
			return LOST;
		cfa = word(cfa);
	}
	if (cfa <= f->sp || !is_word(cfa - sizeof(uintptr_t), f->sp, hi))
		return LOST;
	saved = (r.saved == GOSAN_CFI_AT_CFA ? cfa : f->fp) + (uintptr_t)(intptr_t)r.fp;
	if (r.saved != GOSAN_CFI_SAME) {
		if (!is_word(saved, f->sp, hi))
			return LOST;
		f->fp = word(saved);
	}
	f->pc = word(cfa - sizeof(uintptr_t));
	f->sp = cfa;
	return f->pc ? ON : END;
}

/* The interrupted code may have stood in the middle of a function without a frame: its pc is exact. */
__attribute__((no_sanitize("address"))) static enum step by_signal(struct gosan_walked *f, uintptr_t hi)
{
	const ucontext_t *uc = (const void *)f->sp;

	if (hi - f->sp < sizeof *uc)
		return LOST;
	*f = (struct gosan_walked){ARCH_UC_PC(uc), ARCH_UC_SP(uc), ARCH_UC_FP(uc)};
	return f->pc ? ON : END;
}

int gosan_walk(struct gosan_walked f, struct gosan_walked *ret, size_t max)
{
	uintptr_t hi = end_of(f.sp);
	uintptr_t back = 1; /* a return address is one past its call */
	size_t n = 0;

	if (!hi || !max)
		return -1;
	for (ret[n++] = f; n < max; ret[n++] = f) {
		struct gosan_cfi r = gosan_cfi_rule(f.pc - back);
		enum step s;

		back = 1;
		switch (r.kind) {
		case GOSAN_CFI_NOWHERE:
		case GOSAN_CFI_BARE:
			s = by_pointer(&f, hi);
			break;
		case GOSAN_CFI_SP:
		case GOSAN_CFI_FP:
		case GOSAN_CFI_FP_DEREF:
			s = by_rule(&f, r, hi);
			break;
		case GOSAN_CFI_SIGNAL:
			s = by_signal(&f, hi);
			back = 0;
			hi = end_of(f.sp);
			break;
		case GOSAN_CFI_END:
			s = END;
			break;
		case GOSAN_CFI_STRANGE:
		default:
			s = LOST;
			break;
		}
		if (s == LOST || !hi)
			return -1;
		if (s == END)
			break;
	}
	return (int)n;
}
