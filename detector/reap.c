/* SPDX-License-Identifier: Apache-2.0
 *
 * reap.c: who of the dead is still named?
 *
 *   kept because of            found by
 *   a cell of the shadow       the segments in use: the tenant at that moment (chain.c), whom a report would name
 *   an object, an analyzer,    a look at every word of the detector's own memory and static data: one that is the
 *   a front end, an edge       address of a goroutine counts as naming it (as in Boehm and Weiser, Software: Practice
 *                              and Experience 1988), which errs by keeping
 *   a descendant               parents, GENERATIONS deep; older ones are cut off
 *   its own thread             the front end has not said that it left (gone), or its join may still come
 *
 * Invariants
 *  - Nothing that names a goroutine moves meanwhile: the engine lock, the objects' bits and the atomics' stripes are
 *    held, and whatever copies such a pointer has one of them. Pointers on a stack or in thread-local data outside of
 *    these lead to the living, or to those that are kept by the last row.
 *  - Tenants lie in their goroutines, which are not looked through: so a chain alone keeps nobody.
 *  - No fork is under way: whoever walks over all goroutines without the lock (collect.c) finds them all.
 *
 * What is lost: nothing of any verdict. A cell that a report is about to name keeps its goroutine, unless its segment is
 * given up between the meeting and the report: then it says "an unknown goroutine" (chain.c: nobody's stamp).
 *
 * Cost: some nanoseconds for each word of the detector's memory, so it waits until as many ended as make it worth that.
 */
#include "reap.h"

#include "atomic.h"
#include "chain.h"
#include "collect.h"
#include "context.h"
#include "mem.h"
#include "object.h"
#include "recorder.h"
#include "registry.h"
#include "segment.h"
#include "shadowmem.h"

#include <elf.h>
#include <link.h>

#define GENERATIONS 8u   /* ancestors that reports and analyzers look at */
#define FIRST       1024 /* deaths before the first attempt */
#define RETRY       256  /* more of them after one that could not stop the clocks */
#define BY_CELLS    1024 /* of those who are kept for a segment, before it is looked whether a cell names that */
#define WORDS       256 /* of memory to look at, for each death */

bool gosan_reap_on;
uint64_t gosan_reap_accesses;
static size_t n_ended, n_words, due = FIRST;
static size_t
	n_by_cells; /* kept last time by segments alone: mostly by numbers that no cell names any more */

void gosan_reap_ended(void)
{
	n_ended++;
}

/* The first goroutine and the first thread are what reports call "main". A thread that nobody joined yet is a leak that
 * will be told. What it still holds is told, too. */
static bool may_go(const struct gosan_g *g)
{
	bool left = g->is_thread && !g->is_fiber ? g->joined || g->detached : g->gone;

	return g->buried && left && !g->is_system && !g->n_held && !g->waits && g->id != 1 &&
	       (!g->is_thread || g->tid != 1) && gosan_actor_at((uintptr_t)g);
}

/* g and its ancestors. Level 1 keeps g alone; 0 is not kept. */
static void keep(struct gosan_g *g, unsigned level)
{
	for (; g && level > g->kept; g = g->parent, level--)
		g->kept = (uint8_t)level;
}

/* What the end left to a thread or a fiber, because somebody might join it or be at it still. Its edges would keep those
 * before it, and so on. A detached thread's chain ends here, for want of a join. */
static void retire(struct gosan_g *g)
{
	if (g->tenancy && g->tenancy->end == UINT32_MAX)
		gosan_chain_end(g);
	gosan_context_drop(g);
	gosan_atomic_drop(g);
	gosan_clock_clear(&g->strong);
	gosan_clock_clear(&g->weak);
	if (g->life)
		gosan_actor_take_life(g);
	gosan_mem_free(g->held, g->held_room * sizeof(*g->held));
	g->held = NULL;
	g->held_room = 0;
	g->wait.joins = NULL;
}

static void keep_living(void)
{
	for (struct gosan_g *g = gosan_engine_all(); g; g = g->next) {
		g->kept = 0;
		if (may_go(g))
			retire(g);
	}
	for (struct gosan_g *g = gosan_engine_all(); g; g = g->next) {
		if (may_go(g))
			continue;
		keep(g, GENERATIONS);
		if (g->wait.why == GOSAN_WAIT_JOIN)
			keep(g->wait.joins, GENERATIONS);
	}
}

/* Words of blocks and tables are aligned. The sanitizers' red zones between variables are looked at as well. */
__attribute__((no_sanitize("address"))) static void look(const void *lo, const void *hi, void *unused)
{
	const uintptr_t *end = hi;
	uintptr_t first;
	size_t span = gosan_actor_span(&first);

	(void)unused;
	for (const uintptr_t *p = lo; p < end; p++) {
		uintptr_t word = __atomic_load_n(p, __ATOMIC_RELAXED);
		struct gosan_g *g;

		if (word - first >= span) /* nearly always */
			continue;
		g = gosan_actor_at(word);
		if (g && g->no)
			keep(g, GENERATIONS);
	}
	n_words += (size_t)(end - (const uintptr_t *)lo);
}

/* The writable segments of the object that this function is in. The link editor makes the symbol. */
static void look_static(void)
{
	extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));
	uintptr_t at = (uintptr_t)&__ehdr_start;
	const ElfW(Phdr) *h = (const void *)(at + __ehdr_start.e_phoff);
	uintptr_t first = UINTPTR_MAX;

	for (unsigned i = 0; i < __ehdr_start.e_phnum; i++)
		if (h[i].p_type == PT_LOAD && h[i].p_vaddr < first)
			first = h[i].p_vaddr;
	for (unsigned i = 0; i < __ehdr_start.e_phnum; i++) {
		uintptr_t lo = at + h[i].p_vaddr - first;

		if (h[i].p_type == PT_LOAD && h[i].p_flags & PF_W)
			look((const void *)((lo + 7) & ~(uintptr_t)7),
			     (const void *)((lo + h[i].p_memsz) & ~(uintptr_t)7), NULL);
	}
}

/* Tenants chain by chain, so that one is found by halving. */
static struct index {
	struct gosan_tenant **list; /* [n] */
	uint32_t *first, *end;      /* by chain: where its tenants are in the list, the latest first */
	size_t n;
} by_chain;

static void count_tenant(struct gosan_tenant *t, void *unused)
{
	(void)t;
	(void)unused;
	by_chain.n++;
}

static void add_tenant(struct gosan_tenant *t, void *unused)
{
	(void)unused;
	if (by_chain.end[t->cid] == 0)
		by_chain.first[t->cid] = (uint32_t)by_chain.n;
	by_chain.list[by_chain.n++] = t;
	by_chain.end[t->cid] = (uint32_t)by_chain.n;
}

static void unmap_index(size_t n)
{
	gosan_mem_unmap(by_chain.list, n * sizeof(struct gosan_tenant *));
	gosan_mem_unmap(by_chain.first, (GOSAN_CID_MAX + 1) * sizeof(uint32_t));
	gosan_mem_unmap(by_chain.end, (GOSAN_CID_MAX + 1) * sizeof(uint32_t));
}

/* Returns how many there are; 0: there is no memory. */
static size_t map_index(void)
{
	size_t n;

	by_chain = (struct index){0};
	gosan_chain_each_tenant(count_tenant, NULL);
	n = by_chain.n;
	by_chain.list = gosan_mem_map((n + 1) * sizeof(struct gosan_tenant *));
	by_chain.first = gosan_mem_map((GOSAN_CID_MAX + 1) * sizeof(uint32_t));
	by_chain.end = gosan_mem_map((GOSAN_CID_MAX + 1) * sizeof(uint32_t));
	by_chain.n = 0;
	if (!by_chain.list || !by_chain.first || !by_chain.end) {
		unmap_index(n + 1);
		return 0;
	}
	gosan_chain_each_tenant(add_tenant, NULL);
	return n + 1;
}

/* The tenant at this moment: the latest that began before it. */
static void keep_tenant(uint32_t cid, uint32_t epoch)
{
	size_t lo = by_chain.first[cid], hi = by_chain.end[cid], end = hi;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (by_chain.list[mid]->first > epoch)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < end && !by_chain.list[lo]->g->kept) {
		keep(by_chain.list[lo]->g, GENERATIONS);
		n_by_cells++;
	}
}

/* A number in use may be one that its goroutine has in store, with what it stood for before: that errs by keeping. */
static bool keep_named_by_cells(void)
{
	size_t n = map_index();

	if (!n)
		return false;
	n_by_cells = 0;
	for (uint32_t seg = 1; seg < gosan_segment_room(); seg++) {
		struct gosan_stamp s = gosan_segment_stamp(seg);

		if (gosan_segment_used[seg / 8] & 1u << seg % 8 && s.cid != GOSAN_CHAIN_SHARED)
			keep_tenant(s.cid, s.epoch);
	}
	unmap_index(n);
	return true;
}

static bool is_dead(const struct gosan_g *g)
{
	return !g->kept;
}

static void give_back(struct gosan_g *g)
{
	gosan_reap_accesses += g->n_access;
	gosan_engine_flush(g);
	gosan_segment_drop(g);
	gosan_actor_free(g);
}

/* Returns how many went. */
static size_t sweep(size_t *ret_left)
{
	size_t n = 0;

	*ret_left = 0;
	for (struct gosan_g *g = gosan_engine_all(); g; g = g->next) {
		if (g->kept && g->parent && !g->parent->kept)
			g->parent = NULL;
		if (g->wait.why != GOSAN_WAIT_JOIN)
			g->wait.joins = NULL; /* of a wait that is over */
	}
	gosan_chain_forget(is_dead);
	for (struct gosan_g **p = gosan_engine_list(), *g; (g = *p);) {
		if (g->kept) {
			p = &g->next;
			++*ret_left;
			continue;
		}
		__atomic_store_n(p, g->next, __ATOMIC_RELAXED);
		give_back(g);
		n++;
	}
	return n;
}

/* Everything that names goroutines stands still. */
static size_t reap_stopped(void)
{
	size_t left, n = 0;

	n_words = 0;
	keep_living();
	look_static();
	if (gosan_mem_each(look, NULL) && keep_named_by_cells())
		n = sweep(&left);
	else
		left = n_ended;
	n_ended = 0;
	due = left / 2 > n_words / WORDS ? left / 2 : n_words / WORDS;
	if (due < FIRST)
		due = FIRST;
	return n;
}

/* Analyzers judge what they drop: that may end in a finding, which is none of our standstill's business. */
static size_t stop_and_reap(void)
{
	size_t n = 0;
	bool stopped = false;

	for (size_t i = 0; gosan_registry[i]; i++)
		if (gosan_registry[i]->reap)
			gosan_registry[i]->reap();
	if (n_by_cells > BY_CELLS && n_by_cells > gosan_shadowmem_pages() / 4)
		gosan_collect_used();
	if (gosan_object_freeze(true)) {
		stopped = gosan_atomic_freeze(true);
		if (stopped) {
			n = reap_stopped();
			gosan_atomic_freeze(false);
		}
		gosan_object_freeze(false);
	}
	if (!stopped)
		due = n_ended + RETRY;
	return n;
}

/* A recording numbers all who ever lived. */
bool gosan_reap(bool short_of_memory)
{
	size_t n;

	if (!gosan_reap_on || gosan_recorder_on || n_ended < (short_of_memory ? 1 : due) ||
	    !gosan_collect_try_begin())
		return false;
	n = stop_and_reap();
	gosan_collect_end();
	return n != 0;
}
