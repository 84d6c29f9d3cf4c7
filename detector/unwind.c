/* SPDX-License-Identifier: Apache-2.0
 *
 * unwind.c: the caller's stack by libunwind.
 *
 * libunwind is loaded RTLD_LOCAL: linked into the global scope its weak `backtrace` and `_Unwind_*` would
 * silently take over the program's. unw_backtrace is its cached way (70 to 80 ns warm; a loop over unw_step
 * takes 3.9 us). Our own frames and the runtime's are not the program's and are left out; a runtime that is
 * linked statically can't be told from the program by its module and stays in.
 *
 * Even 70 ns are too much at every synchronisation, so stacks are remembered by where the program called from:
 *
 *      (pc, sp) ──► { offset of a return address's slot, the address that lay there } ...   ──► depot id
 *
 * A remembered stack is the present one iff all its slots hold the same addresses: pc fixes the size of its
 * frame, so the first slot is the right one; what lies there fixes the next frame's, and so on outwards. (A
 * frame whose size varies could leave an old, equal address in the slot: then the stack differs from the true one
 * in calls that were made from the same places.) sp counts from the stack's upper end where that is known, so that
 * goroutines share what they have in common. Slots are compared from the inside out, and each lies in the frame
 * that the one before it proved to exist: nothing beyond the stack is read.
 */
#define UNW_LOCAL_ONLY
#include <dlfcn.h>
#include <errno.h>
#include <libunwind.h>
#include <link.h>
#include <stdbool.h>
#include <sched.h>
#include <string.h>

#include "access.h"
#include "depot.h"
#include "mem.h"

/* A program's frames must not be cut because ours stand before them. */
#define OWN_FRAMES  16
#define OWN_MODULES 4

#define CACHE_BITS 14
#define CACHE_MAX  65536u /* remembered stacks in all, some 10 MiB */
#define CHAIN_MAX  12     /* stacks that end in the same call at the same depth */
#define PATIENCE   1000   /* turns of others, around a fork */
#define WALK_MAX   16     /* frames of ours below the program's */
#define QUOTE(x)   #x
#define SYMBOL(x)  QUOTE(x) /* libunwind's names have prefixes */

/* Complete before it is linked, never changed or removed: look-ups need no lock. */
struct known {
	struct known *next;
	uintptr_t pc, depth;
	uint32_t id, n;
	struct slot {
		uintptr_t offset, address; /* from sp; the return address there */
	} slot[];
};
static struct known *cache[1u << CACHE_BITS];
static uint32_t n_known;

static int (*backtrace_fn)(void **, int);
static int (*init_fn)(unw_cursor_t *, unw_context_t *);
static int (*step_fn)(unw_cursor_t *);
static int (*get_fn)(unw_cursor_t *, unw_regnum_t, unw_word_t *);
static struct range {
	uintptr_t lo, hi;
} own[OWN_MODULES];
static size_t n_own;
static __thread bool busy __attribute__((tls_model("initial-exec")));
static unsigned n_walkers; /* threads that are inside libunwind */
static bool forking;

/* libunwind takes locks of its own and the dynamic linker's, which nobody would give back in the child of a fork. So a
 * fork waits until nobody is inside, and whoever comes meanwhile waits a little; but not for ever, for it may
 * hold what the fork waits for. */
static bool enter(void)
{
	if (busy)
		return false;
	busy = true;
	gosan_ignore++;
	for (int i = 0; i < PATIENCE; i++) {
		__atomic_fetch_add(&n_walkers, 1, __ATOMIC_SEQ_CST);
		if (!__atomic_load_n(&forking, __ATOMIC_SEQ_CST))
			return true;
		__atomic_fetch_sub(&n_walkers, 1, __ATOMIC_SEQ_CST);
		sched_yield();
	}
	GOSAN_COUNT(stacks_lost);
	gosan_ignore--;
	busy = false;
	return false;
}

static void leave(void)
{
	__atomic_fetch_sub(&n_walkers, 1, __ATOMIC_SEQ_CST);
	gosan_ignore--;
	busy = false;
}

void gosan_unwind_fork(bool before)
{
	__atomic_store_n(&forking, before, __ATOMIC_SEQ_CST);
	for (int i = 0; before && i < 100 * PATIENCE && __atomic_load_n(&n_walkers, __ATOMIC_SEQ_CST); i++)
		sched_yield();
}

void gosan_unwind_fork_child(void)
{
	n_walkers = 0;
	forking = false;
}

/* Code only: data of one module may lie between the code of two others. */
static struct range range_of(const struct dl_phdr_info *info)
{
	struct range r = {UINTPTR_MAX, 0};

	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t lo = info->dlpi_addr + p->p_vaddr;

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		r.lo = lo < r.lo ? lo : r.lo;
		r.hi = lo + p->p_memsz > r.hi ? lo + p->p_memsz : r.hi;
	}
	return r;
}

/* The main program is never ours, even when it holds this code (unit tests). */
static int note_module(struct dl_phdr_info *info, size_t size, void *arg)
{
	const char *name = info->dlpi_name ? info->dlpi_name : "", *slash = strrchr(name, '/');
	struct range r = range_of(info);
	uintptr_t self = (uintptr_t)gosan_unwind_here;

	(void)size;
	(void)arg;
	if (!*name)
		return 0;
	if ((self >= r.lo && self < r.hi) || strncmp(slash ? slash + 1 : name, "libgoroutine.so", 15) == 0)
		if (n_own < OWN_MODULES)
			own[n_own++] = r;
	return 0;
}

/* A second call looks again: the runtime may have been loaded since. */
void gosan_unwind_init(void)
{
	n_own = 0;
	dl_iterate_phdr(note_module, NULL);
	if (backtrace_fn)
		return;
	void *lib = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);

	if (!lib)
		return;
	*(void **)&backtrace_fn = dlsym(lib, "unw_backtrace");
	*(void **)&init_fn = dlsym(lib, SYMBOL(unw_init_local));
	*(void **)&get_fn = dlsym(lib, SYMBOL(unw_get_reg));
	*(void **)&step_fn = init_fn && get_fn ? dlsym(lib, SYMBOL(unw_step)) : NULL;
}

/* A return address may be one past the last instruction of a function, and so of a module. */
static inline bool is_own(uintptr_t pc)
{
	for (size_t i = 0; i < n_own; i++)
		if (pc > own[i].lo && pc <= own[i].hi)
			return true;
	return false;
}

/* libunwind takes locks that we interpose: a hook below it finds gosan_ignore set, and one that asks for a
 * stack nevertheless gets none. */
uint32_t gosan_unwind_here(void)
{
	void *raw[GOSAN_STACK_MAX + OWN_FRAMES];
	uintptr_t pcs[GOSAN_STACK_MAX + OWN_FRAMES];
	size_t kept = 0;
	int saved = errno, n;

	if (!backtrace_fn || !enter())
		return 0;
	n = backtrace_fn(raw, GOSAN_STACK_MAX + OWN_FRAMES);
	for (int i = 0; i < n; i++)
		if (!is_own((uintptr_t)raw[i]))
			pcs[kept++] = (uintptr_t)raw[i];
	leave();
	uint32_t id = gosan_depot_put(pcs, kept);

	errno = saved;
	return id;
}

/* The present stack, if it is this one. Goroutines' stacks end at a known place: there a wrong guess can't lead
 * out of them either. */
static bool is_present(const struct known *k, uintptr_t pc, uintptr_t sp, uintptr_t depth)
{
	if (k->pc != pc || k->depth != depth)
		return false;
	for (uint32_t i = 0; i < k->n; i++)
		if (*(const uintptr_t *)(sp + k->slot[i].offset) != k->slot[i].address)
			return false;
	return true;
}

/* Steps to the frame (pc, sp) and then to its end. Returns how many slots it found, or -1 when the frame is not on
 * the stack, or one has no slot where this architecture's calls put it. */
static int find_slots(unw_context_t *context, uintptr_t pc, uintptr_t sp, struct slot *slot)
{
	unw_cursor_t cursor;
	unw_word_t ip, at;
	bool found = false;
	int n = 0;

	if (init_fn(&cursor, context))
		return -1;
	for (int i = 0; i < GOSAN_STACK_MAX + OWN_FRAMES && step_fn(&cursor) > 0; i++) {
		if (get_fn(&cursor, UNW_REG_IP, &ip) || get_fn(&cursor, UNW_REG_SP, &at) || !ip)
			break;
		if (found) {
			const uintptr_t *p = (const uintptr_t *)at - 1;

			if (n == GOSAN_STACK_MAX || at <= sp || *p != ip)
				return n == GOSAN_STACK_MAX ? n : -1;
			slot[n++] = (struct slot){(uintptr_t)p - sp, ip};
		}
		found = found || (ip == pc && at == sp);
	}
	return found ? n : -1;
}

/* Apart from find_slots, for the compiler takes getcontext for a function that may return twice. */
static int here(uintptr_t pc, uintptr_t sp, struct slot *slot)
{
	unw_context_t context;

	return getcontext(&context) ? -1 : find_slots(&context, pc, sp, slot);
}

/* Two threads may add the same stack at once: one of the two is never found again. */
static void remember(struct known **head, uint32_t id, uintptr_t pc, uintptr_t sp, uintptr_t depth)
{
	struct slot slot[GOSAN_STACK_MAX];
	int n;

	if (!enter())
		return;
	n = here(pc, sp, slot);
	leave();
	struct known *k = n < 0 ? NULL : gosan_mem_alloc(sizeof *k + (size_t)n * sizeof *slot);

	if (!k)
		return;
	*k = (struct known){__atomic_load_n(head, __ATOMIC_ACQUIRE), pc, depth, id, (uint32_t)n};
	memcpy(k->slot, slot, (size_t)n * sizeof *slot);
	while (!__atomic_compare_exchange_n(head, &k->next, k, false, __ATOMIC_RELEASE, __ATOMIC_ACQUIRE))
		;
	__atomic_fetch_add(&n_known, 1, __ATOMIC_RELAXED);
}

/* A goroutine's depth counts from its stack's end, in odd numbers, so that it can't be taken for a thread's sp. */
uint32_t gosan_unwind_at(uintptr_t pc, uintptr_t sp)
{
	const struct gosan_g *g = gosan_self;
	uintptr_t depth = g && sp >= g->stack_lo && sp < g->stack_hi ? (g->stack_hi - sp) | 1 : sp;
	struct known **head =
		&cache[((pc ^ depth << 20) * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - CACHE_BITS)];
	unsigned tried = 0;
	uint32_t id;

	for (const struct known *k = __atomic_load_n(head, __ATOMIC_ACQUIRE); k; k = k->next) {
		if (is_present(k, pc, sp, depth))
			return k->id;
		tried++;
	}
	id = gosan_unwind_here();
	if (id && step_fn && tried < CHAIN_MAX && __atomic_load_n(&n_known, __ATOMIC_RELAXED) < CACHE_MAX) {
		int saved = errno;

		remember(head, id, pc, sp, depth);
		errno = saved;
	}
	return id;
}

/* The frame whose return address is the program's; NULL when the chain of frame pointers does not lead there. Both
 * libraries are compiled with frame pointers; the program's own are not looked at. */
static inline const uintptr_t *own_frames_end(const uintptr_t *fp)
{
	for (int i = 0; i < WALK_MAX; i++) {
		const uintptr_t *up = (const uintptr_t *)fp[0];

		if (!is_own(fp[1]))
			return fp;
		if (up <= fp || up - fp > 4096)
			break;
		fp = up;
	}
	return NULL;
}

uint32_t gosan_unwind_caller(void)
{
	const uintptr_t *fp = own_frames_end(__builtin_frame_address(0));

	return fp ? gosan_unwind_at(fp[1], (uintptr_t)(fp + 2)) : gosan_unwind_here();
}

uintptr_t gosan_unwind_pc(void)
{
	const uintptr_t *fp = own_frames_end(__builtin_frame_address(0));
	size_t n;

	if (fp)
		return fp[1];
	const uintptr_t *pcs = gosan_depot_get(gosan_unwind_here(), &n);

	return n ? pcs[0] : 0;
}
