/* SPDX-License-Identifier: Apache-2.0
 *
 * unwind.c: the caller's stack.
 *
 * walk.c finds nearly all, at some nanoseconds for a frame. What it refuses (an unknown stack, a frame that is described
 * in an unusual way) is libunwind's, by unw_backtrace; the first time at a place that takes microseconds and system
 * calls. libunwind is loaded RTLD_LOCAL: linked into the global scope its weak `backtrace` and `_Unwind_*` would
 * silently take over the program's. Our own frames and the runtime's are not the program's and are left out; a
 * runtime that is linked statically can't be told from the program by its module and stays in.
 *
 * Even that is too much at every synchronisation, so stacks are remembered by where the program called from:
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
#include "cfi.h"
#include "depot.h"
#include "mem.h"
#include "walk.h"

/* A program's frames must not be cut because ours stand before them. */
#define OWN_FRAMES  16
#define OWN_MODULES 4

#define CACHE_BITS 14
#define CACHE_MAX  65536u /* remembered stacks in all, some 10 MiB */
#define CHAIN_MAX  12     /* stacks that end in the same call at the same depth */
#define PATIENCE \
	20000 /* turns of others around a fork: copying the tables of a large process takes some 10 ms */
#define WALK_MAX  16 /* frames of ours below the program's */
#define FRAME_MAX 32768
#define ENTRY_MAX 1024 /* bytes of the runtime's first frame and the room above it */
#define STEPS_MAX (GOSAN_STACK_MAX + OWN_FRAMES)

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
static bool have_rules;
/* Return addresses of a module: `first` .. first + size - 1. The runtime comes first, where most of our frames are. */
static struct range {
	uintptr_t first, size;
} own[OWN_MODULES];
static size_t n_own;
bool gosan_unwind_runtime_apart;
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
	for (int i = 0; before && i < 5 * PATIENCE && __atomic_load_n(&n_walkers, __ATOMIC_SEQ_CST); i++)
		sched_yield();
}

void gosan_unwind_fork_child(void)
{
	n_walkers = 0;
	forking = false;
}

/* Code only: data of one module may lie between the code of two others. A return address may be one past the last
 * instruction of a function, and so of a module, and is never a module's first byte. */
static struct range range_of(const struct dl_phdr_info *info)
{
	uintptr_t first = UINTPTR_MAX, end = 0;

	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t lo = info->dlpi_addr + p->p_vaddr;

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		first = lo < first ? lo : first;
		end = lo + p->p_memsz > end ? lo + p->p_memsz : end;
	}
	return end ? (struct range){first + 1, end - first} : (struct range){0, 0};
}

/* One comparison: below the range the difference wraps round, to above all. */
static inline bool is_in(const struct range *r, uintptr_t pc)
{
	return pc - r->first < r->size;
}

struct found {
	struct range own[OWN_MODULES];
	size_t n;
	bool runtime;
};

/* The main program is never ours, even when it holds this code (unit tests). */
static int note_module(struct dl_phdr_info *info, size_t size, void *arg)
{
	const char *name = info->dlpi_name ? info->dlpi_name : "", *slash = strrchr(name, '/');
	struct range r = range_of(info);
	bool runtime = strncmp(slash ? slash + 1 : name, "libgoroutine.so", 15) == 0;
	struct found *f = arg;

	(void)size;
	if (!*name || f->n == OWN_MODULES || (!runtime && !is_in(&r, (uintptr_t)gosan_unwind_here + 1)))
		return 0;
	f->own[f->n] = f->own[0];
	f->own[runtime ? 0 : f->n] = r;
	f->runtime |= runtime;
	f->n++;
	return 0;
}

/* A second call looks again: the runtime may have been loaded since. Other threads may ask meanwhile whether a frame is
 * ours: the last entry first, so that ours does not vanish when the runtime takes its place. */
void gosan_unwind_init(void)
{
	struct found f = {0};

	dl_iterate_phdr(note_module, &f);
	for (size_t i = f.n; i-- > 0;)
		own[i] = f.own[i];
	n_own = f.n;
	gosan_unwind_runtime_apart = f.runtime;
	have_rules = gosan_cfi_init();
	if (backtrace_fn)
		return;
	void *lib = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);

	if (!lib)
		return;
	*(void **)&backtrace_fn = dlsym(lib, "unw_backtrace");
}

/* Asked for each frame of ours at every event. */
static __attribute__((noinline)) bool is_in_others(uintptr_t pc)
{
	for (size_t i = 2; i < n_own; i++)
		if (is_in(&own[i], pc))
			return true;
	return false;
}

static inline bool is_own(uintptr_t pc)
{
	return is_in(&own[0], pc) || is_in(&own[1], pc) ||
	       (__builtin_expect(n_own > 2, 0) && is_in_others(pc));
}

/* libunwind takes locks that we interpose: a hook below it finds gosan_ignore set, and one that asks for a
 * stack nevertheless gets none. */
static size_t by_libunwind(uintptr_t *pcs)
{
	void *raw[STEPS_MAX];
	int saved = errno, n;

	if (!backtrace_fn || !enter())
		return 0;
	n = backtrace_fn(raw, STEPS_MAX);
	leave();
	errno = saved;
	for (int i = 0; i < n; i++)
		pcs[i] = (uintptr_t)raw[i];
	return n > 0 ? (size_t)n : 0;
}

/* Its thread-local memory is malloc'ed at the first call: now, not in the middle of a malloc. */
void gosan_unwind_warm(void)
{
	void *raw[1];
	int saved = errno;

	if (!backtrace_fn || !enter())
		return;
	backtrace_fn(raw, 1);
	leave();
	errno = saved;
}

/* The id of n frames, those of the program among them. */
static uint32_t put(uintptr_t *pcs, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (!is_own(pcs[i]))
			pcs[kept++] = pcs[i];
	return gosan_depot_put(pcs, kept);
}

/* Frames from `from` outward, which is on this stack; 0: they can't be walked by rules. */
static size_t walk(struct gosan_walked from, struct gosan_walked *frames)
{
	int n = have_rules ? gosan_walk(from, frames, STEPS_MAX) : -1;

	return n > 0 ? (size_t)n : 0;
}

static struct gosan_walked frame_at(const uintptr_t *fp)
{
	return (struct gosan_walked){fp[1], (uintptr_t)(fp + 2), fp[0]};
}

/* Apart, for its arrays are large: on the way of a remembered stack they would be cleared for nothing. */
static __attribute__((noinline)) uint32_t unwind_from(struct gosan_walked from, struct gosan_walked *frames,
						      size_t *ret_n)
{
	uintptr_t pcs[STEPS_MAX];
	size_t n = walk(from, frames);

	*ret_n = n;
	for (size_t i = 0; i < n; i++)
		pcs[i] = frames[i].pc;
	return put(pcs, n ? n : by_libunwind(pcs));
}

uint32_t gosan_unwind_here(void)
{
	struct gosan_walked frames[STEPS_MAX];
	size_t n;

	return unwind_from(frame_at(__builtin_frame_address(0)), frames, &n);
}

uint32_t gosan_unwind_outside(uintptr_t pc, uintptr_t ra, uintptr_t cfa)
{
	struct gosan_walked frames[STEPS_MAX];
	uintptr_t pcs[STEPS_MAX + 1];
	size_t n = walk(frame_at(__builtin_frame_address(0)), frames), at = 0, kept = 0;

	while (at < n && frames[at].sp != cfa)
		at++;
	if (at == n)
		return 0;
	pcs[kept++] = pc;
	pcs[kept++] = ra;
	for (size_t i = at + 1; i < n; i++)
		pcs[kept++] = frames[i].pc;
	return put(pcs, kept);
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

/* Stacks grow downwards, and frames of ours are small. */
static inline bool leads_up(const uintptr_t *fp, const uintptr_t *up)
{
	return (uintptr_t)up - (uintptr_t)fp - 1 < FRAME_MAX;
}

/* The frame whose return address is the program's; NULL when the chain of frame pointers does not lead there. Both
 * libraries are compiled with frame pointers; the program's own are not looked at. */
static inline const uintptr_t *own_frames_end(const uintptr_t *fp)
{
	for (int i = 0; i < WALK_MAX; i++) {
		const uintptr_t *up;

		if (!is_own(fp[1]))
			return fp;
		up = (const uintptr_t *)fp[0];
		if (!leads_up(fp, up))
			break;
		fp = up;
	}
	return NULL;
}

/* frames[0] is the call itself. Two threads may add the same stack at once: one of the two is never found again. */
static void remember(struct known **head, uint32_t id, uintptr_t depth, const struct gosan_walked *frames,
		     size_t n)
{
	struct known *k;

	n = n > GOSAN_STACK_MAX ? GOSAN_STACK_MAX : n;
	k = gosan_mem_alloc(sizeof *k + (n - 1) * sizeof k->slot[0]);
	if (!k)
		return;
	*k = (struct known){__atomic_load_n(head, __ATOMIC_ACQUIRE), frames[0].pc, depth, id,
			    (uint32_t)n - 1};
	for (size_t i = 1; i < n; i++)
		k->slot[i - 1] = (struct slot){frames[i].sp - sizeof(uintptr_t) - frames[0].sp, frames[i].pc};
	while (!__atomic_compare_exchange_n(head, &k->next, k, false, __ATOMIC_RELEASE, __ATOMIC_ACQUIRE))
		;
	__atomic_fetch_add(&n_known, 1, __ATOMIC_RELAXED);
}

/* Others may stand in the middle of a list: it is cut off and stays where it is. Nothing is freed, so this is bounded:
 * after CACHE_MAX stacks in all, none is remembered any more. */
void gosan_unwind_forget(void)
{
	for (size_t i = 0; i < sizeof cache / sizeof *cache; i++)
		if (__atomic_load_n(&cache[i], __ATOMIC_RELAXED))
			__atomic_store_n(&cache[i], NULL, __ATOMIC_RELEASE);
}

/* A call whose frame pointer our own frames don't show is not walked from. A walk that passes a signal's frame has
 * a return address that lies in no slot: its stack is not remembered. */
static __attribute__((noinline)) uint32_t find_out(struct known **head, uintptr_t pc, uintptr_t sp,
						   uintptr_t depth, bool may_remember)
{
	struct gosan_walked frames[STEPS_MAX];
	const uintptr_t *fp = own_frames_end(__builtin_frame_address(0));
	bool found = fp && fp[1] == pc && (uintptr_t)(fp + 2) == sp;
	uint32_t id;
	size_t n;

	if (!found)
		return gosan_unwind_here();
	id = unwind_from(frame_at(fp), frames, &n);
	for (size_t i = 1; i < n; i++)
		may_remember &= frames[i].sp > frames[i - 1].sp &&
				*(const uintptr_t *)(frames[i].sp - sizeof(uintptr_t)) == frames[i].pc;
	if (id && n && may_remember && __atomic_load_n(&n_known, __ATOMIC_RELAXED) < CACHE_MAX)
		remember(head, id, depth, frames, n);
	return id;
}

/* A goroutine's depth counts from its stack's end, in odd numbers, so that it can't be taken for a thread's sp. */
uint32_t gosan_unwind_at(uintptr_t pc, uintptr_t sp)
{
	const struct gosan_g *g = gosan_self;
	uintptr_t depth = g && sp >= g->stack_lo && sp < g->stack_hi ? (g->stack_hi - sp) | 1 : sp;
	struct known **head =
		&cache[((pc ^ depth << 20) * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - CACHE_BITS)];
	unsigned tried = 0;

	for (const struct known *k = __atomic_load_n(head, __ATOMIC_ACQUIRE); k; k = k->next) {
		if (is_present(k, pc, sp, depth))
			return k->id;
		tried++;
	}
	return find_out(head, pc, sp, depth, tried < CHAIN_MAX);
}

/* Is there no frame of the program at all? So it is where a goroutine ends: its function has returned. Frame pointers
 * lead to the runtime's first frame, which has 0 for its caller's. That frame lies at the stack's end, so the 0 is not
 * what a program that uses the register for something else left in it. */
static bool is_alone(const uintptr_t *fp)
{
	const struct gosan_g *g = gosan_self;

	for (int i = 0; i < WALK_MAX && is_own(fp[1]); i++) {
		const uintptr_t *up = (const uintptr_t *)fp[0];

		if (!up)
			return g && (uintptr_t)fp < g->stack_hi && g->stack_hi - (uintptr_t)fp <= ENTRY_MAX;
		if (!leads_up(fp, up))
			break;
		fp = up;
	}
	return false;
}

uint32_t gosan_unwind_above(const void *frame)
{
	const uintptr_t *fp = own_frames_end(frame);

	if (__builtin_expect(!fp, 0))
		return is_alone(frame) ? 0 : gosan_unwind_here();
	return gosan_unwind_at(fp[1], (uintptr_t)(fp + 2));
}

uint32_t gosan_unwind_caller(void)
{
	return gosan_unwind_above(__builtin_frame_address(0));
}

static __attribute__((noinline)) uintptr_t pc_by_walk(void)
{
	size_t n;
	const uintptr_t *pcs = gosan_depot_get(gosan_unwind_here(), &n);

	return n ? pcs[0] : 0;
}

uintptr_t gosan_unwind_pc(const void *frame)
{
	const uintptr_t *fp = own_frames_end(frame);

	return __builtin_expect(fp != NULL, 1) ? fp[1] : pc_by_walk();
}
