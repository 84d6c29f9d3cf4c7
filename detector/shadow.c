/* SPDX-License-Identifier: Apache-2.0
 *
 * shadow.c: an access goes over its granules; blocks end and memory is forgotten. granule.c knows what happens to one.
 *
 * A goroutine that is at work here says so in its in_shadow. That keeps a signal handler that interrupts it out:
 * its accesses are counted as lost. And it keeps the collector (collect.c) waiting, which takes segments away: what a
 * goroutine learned about segments is true as long as it stays inside. It steps outside to report.
 *
 * A page's TOUCHED bit is set before its first cell is written, so that forgetting never skips a page with cells. A
 * granule with cells therefore needs no look at its page.
 */
#include "shadow.h"

#include "atomic.h"
#include "collect.h"
#include "context.h"
#include "floor.h"
#include "granule.h"
#include "heap.h"
#include "race.h"
#include "range.h"
#include "recorder.h"

#include <string.h>

#define PAGE    GOSAN_PAGE
#define TOUCHED GOSAN_PAGE_TOUCHED
#define FREED   GOSAN_PAGE_FREED
#define ATOMIC  GOSAN_PAGE_ATOMIC
#define LISTED  GOSAN_PAGE_LISTED

/* False when a signal handler came upon our own thread inside, or the goroutine is nobody's. */
static inline bool enter(struct gosan_g *g)
{
	if (g->in_shadow || !g->cid) {
		GOSAN_COUNT(shadow_lost);
		return false;
	}
	gosan_collect_enter(g);
	return true;
}

static inline void leave(struct gosan_g *g)
{
	gosan_collect_leave(g);
}

/* The cell of g's present moment. access_epoch tells chain.c that this epoch is in use, before any cell shows it.
 * While it waits for the collector it is outside. False: no segment is to be had. */
static __attribute__((noinline)) bool open_segment(struct gosan_g *g, bool is_free)
{
	uint32_t seg, cell;

	gosan_floor_acts(g);
	g->access_epoch = g->epoch;
	while (!(seg = gosan_segment_take(g, gosan_stamp_of(g), is_free ? GOSAN_SEGMENT_FREE : 0))) {
		leave(g);
		if (!gosan_collect()) {
			gosan_collect_enter(g);
			GOSAN_COUNT(shadow_lost);
			return false;
		}
		gosan_collect_enter(g);
	}
	cell = seg << GOSAN_CELL_SEGMENT | GOSAN_CELL_LOW;
	if (is_free)
		g->free_cell = cell;
	else
		gosan_g_cell(g, cell);
	return true;
}

/* A page of a large block that was freed when nothing of it had been accessed: give its granules the cells
 * that the free would have left. The one who clears the bit fills; an access that comes in the meantime may
 * find a granule still empty, and would have raced with the free anyway. */
static __attribute__((noinline)) void fill_freed_page(struct gosan_g *g, uintptr_t addr)
{
	uintptr_t page = addr & ~(PAGE - 1);
	unsigned char *state = gosan_shadowmem_state(addr, false), old;
	struct gosan_stamp at;
	uint32_t place, seg;

	old = __atomic_fetch_and(state, (unsigned char)~FREED, __ATOMIC_ACQ_REL);
	if (!(old & FREED) || !gosan_heap_freed(addr, &at, &place))
		return;
	seg = g ? gosan_segment_take(g, at, GOSAN_SEGMENT_FREE) : 0;
	if (!seg || !gosan_shadowmem_mark(page, TOUCHED)) {
		GOSAN_COUNT(shadow_lost);
		return;
	}
	for (size_t i = 0; i < PAGE / 8; i++) {
		struct gosan_granule *s = gosan_shadowmem_granule(page + 8 * i, true);
		uint64_t places = gosan_granule_lock(s);

		if (!s->cells && !(places & GOSAN_GRANULE_LISTED)) {
			__atomic_store_n(&s->cell[0], seg << GOSAN_CELL_SEGMENT | GOSAN_CELL_LOW,
					 __ATOMIC_RELAXED);
			places = place;
		}
		gosan_granule_unlock(s, places);
	}
}

bool gosan_shadow_collides(uintptr_t addr)
{
	const unsigned char *s = gosan_shadowmem_state(addr, false);

	return !s || (*s && ((*s ^ gosan_shadowmem_owner(addr)) >> GOSAN_PAGE_OWNER));
}

/* The page can't be marked: when that is for the lack of memory, history goes. */
static __attribute__((noinline)) bool make_room(struct gosan_walk *w, uintptr_t granule)
{
	bool dropped;

	if (!gosan_shadowmem_state(granule, true) || gosan_shadow_collides(granule))
		return false;
	leave(w->g);
	dropped = gosan_collect_drop();
	gosan_collect_enter(w->g);
	w->was = 0;
	return dropped && gosan_shadowmem_mark(granule, TOUCHED);
}

/* The first access of a granule. */
bool gosan_shadow_open(struct gosan_walk *w, uintptr_t granule)
{
	const unsigned char *s = gosan_shadowmem_state(granule, true);
	unsigned char want = (unsigned char)(TOUCHED | gosan_shadowmem_owner(granule)), state;

	if (!s)
		return false;
	state = __atomic_load_n(s, __ATOMIC_RELAXED) & (unsigned char)~(ATOMIC | LISTED | GOSAN_PAGE_BUSY);
	if (__builtin_expect(state == want, 1))
		return true;
	if (!gosan_shadowmem_mark(granule, TOUCHED) && !make_room(w, granule))
		return false;
	if (state & FREED)
		fill_freed_page(w->g, granule);
	return true;
}

/* Before the lock: did we do this already, is the page in use? */
static inline void check_granule(struct gosan_walk *w, uintptr_t granule, unsigned bytes)
{
	struct gosan_granule *s = gosan_shadowmem_granule(granule, true);
	uint64_t cells = s ? __atomic_load_n(&s->cells, __ATOMIC_RELAXED) : 0;
	uint32_t want = w->want | bytes;

	if (gosan_cell_stands_for((uint32_t)cells, want) ||
	    gosan_cell_stands_for((uint32_t)(cells >> 32), want))
		return;
	if (!cells && !gosan_shadow_open(w, granule)) {
		GOSAN_COUNT(shadow_lost);
		return;
	}
	if (!w->place)
		w->place = gosan_context_place(w->g, w->pc);
	while (__builtin_expect(!gosan_granule_check(w, granule, s, bytes), 0)) {
		w->n_hits = 0; /* they are met again */
		w->hit_bytes = 0;
		leave(w->g);
		gosan_floor_raise(w->due_cid);
		gosan_collect_enter(w->g);
		w->was = 0;
		/* Meanwhile the shadow may have been dropped: the page is to be marked again. */
		if (!__atomic_load_n(&s->cells, __ATOMIC_RELAXED) && !gosan_shadow_open(w, granule)) {
			GOSAN_COUNT(shadow_lost);
			return;
		}
	}
}

/* Of the racing bytes `left` those that were accessed from the same place as the first of them. *part: bytes of the old
 * access that were. */
static void report_part(const struct gosan_walk *w, const struct gosan_hit *h, unsigned left, unsigned *part)
{
	unsigned first = left & -left;
	uint32_t place = gosan_blend_part(h->place, first, part);
	struct gosan_race r = {
		.g = w->g,
		.addr = (h->addr & ~(uintptr_t)7) + (unsigned)__builtin_ctz(first),
		.both = left & *part,
		.size = w->size,
		.flags = w->flags,
		.place = w->place,
		.old_at = h->at,
		.old_flags = (h->cell & GOSAN_CELL_WRITE ? GOSAN_WRITE : 0u) |
			     (h->cell & GOSAN_CELL_PLAIN ? 0u : GOSAN_ATOMIC) |
			     (h->is_free ? GOSAN_FREE : 0u),
		.old_bytes = *part,
		.old_place = place,
		.ordered = h->ordered,
	};

	gosan_race_found(&r);
}

/* Outside, and with no lock: race.c takes the engine's, and may forget the very granule. */
static __attribute__((noinline)) void report(struct gosan_walk *w)
{
	leave(w->g);
	for (size_t i = 0; i < w->n_hits; i++) {
		const struct gosan_hit *h = &w->hits[i];

		if (gosan_shadow_collides(h->addr)) {
			GOSAN_COUNT(shadow_lost);
			continue;
		}
		for (unsigned left = h->both, part; left; left &= ~part) {
			part = h->cell & GOSAN_CELL_ALL;
			report_part(w, h, left, &part);
		}
	}
	w->n_hits = 0;
	w->hit_bytes = 0;
	gosan_collect_enter(w->g);
	w->was = 0; /* its segments may be others' by now */
}

/* A repeat is told nothing, also where its cell lies in a list, as for single accesses. */
void gosan_shadow_step(struct gosan_walk *w, uintptr_t granule, unsigned bytes)
{
	const struct gosan_granule *s = gosan_shadowmem_granule(granule, false);

	if (s && (__atomic_load_n(&s->places, __ATOMIC_RELAXED) & GOSAN_GRANULE_LISTED) &&
	    gosan_granule_listed(s, w->want | bytes))
		return;
	check_granule(w, granule, bytes);
	if (__builtin_expect(w->n_hits != 0, 0))
		report(w);
}

/* One by one: clearing the hits would cost more than most accesses. */
static inline void begin(struct gosan_walk *w, struct gosan_g *g, uintptr_t addr, size_t size, unsigned flags)
{
	w->g = g;
	w->addr = addr;
	w->size = size;
	w->flags = flags;
	w->want = ((flags & GOSAN_FREE ? g->free_cell : g->cell) & ~GOSAN_CELL_LOW) | gosan_cell_flags(flags);
	w->was = 0;
	w->n_hits = 0;
	w->hit_bytes = 0;
}

/* Blocks that come and go within one moment meet the same two cells again and again: the answer is kept from range to
 * range. Orders that were learned meanwhile make it no worse: at most a cell stays that could have gone. */
static inline struct gosan_outcome *outcome_of(const struct gosan_walk *w)
{
	return &w->g->outcome[w->flags & GOSAN_FREE ? 1 : 0];
}

static inline void recall(struct gosan_walk *w)
{
	const struct gosan_outcome *o = outcome_of(w);

	if (o->want == w->want) {
		w->was = o->was;
		w->now = o->now;
	}
}

static inline void keep(const struct gosan_walk *w)
{
	if (w->was)
		*outcome_of(w) = (struct gosan_outcome){w->want, w->was, w->now};
}

static void access_range(struct gosan_g *g, uintptr_t addr, size_t size, unsigned flags, uintptr_t pc,
			 uint32_t place)
{
	const uint32_t *cell = flags & GOSAN_FREE ? &g->free_cell : &g->cell;
	uintptr_t end = addr + size;
	struct gosan_walk w;

	if (end < addr || end > GOSAN_ADDRESS_END || !enter(g))
		return;
	if (*cell == GOSAN_CELL_NONE && !open_segment(g, flags & GOSAN_FREE)) {
		leave(g);
		return;
	}
	if (__builtin_expect(gosan_recorder_memory, 0) && !(flags & GOSAN_FREE)) {
		place = place ? place : gosan_context_place(g, pc);
		gosan_recorder_access(GOSAN_TRACE_ACCESS, addr, size, flags, place);
	}
	begin(&w, g, addr, size, flags);
	w.pc = pc;
	w.place = place;
	recall(&w);
	gosan_range_walk(&w, addr, end);
	keep(&w);
	leave(g);
}

void gosan_shadow_access_at(struct gosan_g *g, uintptr_t addr, size_t size, unsigned flags, uint32_t place)
{
	access_range(g, addr, size, flags, 0, place);
}

static uint32_t look_up_place(struct gosan_g *g, unsigned flags, uintptr_t pc)
{
	uint32_t place = gosan_context_place(g, pc);
	const struct gosan_frame *f = g->frame;

	if (f > g->frames)
		g->last[flags & GOSAN_WRITE] = (struct gosan_last){pc, f[-1].ctx, place};
	return place;
}

/* Has something of this page been accessed before, and is there nothing else to know of it? */
static inline bool in_use(uintptr_t addr)
{
	const unsigned char *s = gosan_shadowmem_state(addr, false);

	return (__atomic_load_n(s, __ATOMIC_RELAXED) & (unsigned char)~(ATOMIC | LISTED)) ==
	       (unsigned char)(TOUCHED | gosan_shadowmem_owner(addr));
}

/* Within one granule. Memory that several goroutines read has their cells in a list: look there first, without the
 * lock. */
static __attribute__((noinline)) void access_one(struct gosan_g *g, uintptr_t addr, size_t size,
						 unsigned flags, uintptr_t pc)
{
	uintptr_t granule = addr & ~(uintptr_t)7;
	struct gosan_granule *s = gosan_shadowmem_granule(granule, false);
	uint32_t bytes = gosan_range_bytes(granule, addr, addr + size);
	struct gosan_walk w;

	if (s && (__atomic_load_n(&s->places, __ATOMIC_RELAXED) & GOSAN_GRANULE_LISTED) &&
	    gosan_granule_listed(s, (g->cell & ~GOSAN_CELL_LOW) | gosan_cell_flags(flags) | bytes))
		return;
	if (!enter(g))
		return;
	begin(&w, g, addr, size, flags);
	w.pc = pc;
	w.place = look_up_place(g, flags, pc);
	GOSAN_RECORD_MEMORY(gosan_recorder_access(GOSAN_TRACE_ACCESS, addr, size, flags, w.place));
	check_granule(&w, granule, bytes);
	if (__builtin_expect(w.n_hits != 0, 0))
		report(&w);
	leave(g);
}

/* Over the border of two granules, as words at any address are: each part for itself. Most parts repeat something, because
 * who reads a word at every byte has read seven eighths of it before. */
static __attribute__((noinline)) void access_across(struct gosan_g *g, uintptr_t addr, size_t size,
						    unsigned flags, uintptr_t pc)
{
	uintptr_t granule = addr & ~(uintptr_t)7;
	struct gosan_walk w;
	uint32_t place;

	if (!enter(g))
		return;
	begin(&w, g, addr, size, flags);
	place = gosan_context_same_place(g, flags, pc);
	w.place = place ? place : look_up_place(g, flags, pc);
	for (unsigned bytes = (0xffu >> (8 - size)) << (addr & 7); bytes; bytes >>= 8, granule += 8) {
		unsigned part = bytes & GOSAN_CELL_ALL;

		if (gosan_shadow_holds(g, granule, part, flags) ||
		    (in_use(granule) &&
		     gosan_granule_quick(g, gosan_granule_linear(g, granule), w.want | part, w.place)))
			continue;
		gosan_shadow_step(&w, granule, part);
	}
	leave(g);
}

/* What gosan_shadow_access leaves out; it comes back once there is a segment. */
static __attribute__((noinline)) void access_slow(struct gosan_g *g, uintptr_t addr, size_t size,
						  unsigned flags, uintptr_t pc)
{
	bool opened;

	if (g->ignored[flags & GOSAN_WRITE])
		return;
	if ((addr & 7) + size > 8 || addr >= GOSAN_ADDRESS_END || !gosan_shadow_mask ||
	    gosan_recorder_memory) {
		if (size <= 8 && addr < GOSAN_ADDRESS_END - 8 && gosan_shadow_mask &&
		    !gosan_recorder_memory && g->cell != GOSAN_CELL_NONE)
			access_across(g, addr, size, flags, pc);
		else
			access_range(g, addr, size, flags, pc, 0);
		return;
	}
	if (g->cell != GOSAN_CELL_NONE) {
		access_one(g, addr, size, flags, pc);
		return;
	}
	if (!enter(g))
		return;
	opened = open_segment(g, false);
	leave(g);
	if (opened)
		gosan_shadow_access(g, addr, size, flags, pc);
}

/* Most accesses end here. With a segment: a goroutine that has one is somebody (enter). */
void gosan_shadow_access(struct gosan_g *g, uintptr_t addr, size_t size, unsigned flags, uintptr_t pc)
{
	uint32_t want, place;
	bool done;

	/* The program will want it next, and what follows, a locked instruction among it, would keep it waiting. */
	__builtin_prefetch((const void *)addr);
	if ((g->ignored[GOSAN_IGNORED_READS] | g->ignored[GOSAN_IGNORED_WRITES]) || (addr & 7) + size > 8 ||
	    g->cell == GOSAN_CELL_NONE || addr >= GOSAN_ADDRESS_END || g->in_shadow) {
		access_slow(g, addr, size, flags, pc);
		return;
	}
	__atomic_store_n(&g->in_shadow, true, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (__builtin_expect(__atomic_load_n(&gosan_gate.closed, __ATOMIC_ACQUIRE), 0)) {
		leave(g);
		access_slow(g, addr, size, flags, pc);
		return;
	}
	place = gosan_context_same_place(g, flags, pc);
	if (!place)
		place = look_up_place(g, flags, pc);
	want = (g->cell & ~GOSAN_CELL_LOW) | gosan_cell_flags(flags) | (0xffu >> (8 - size)) << (addr & 7);
	done = in_use(addr) && gosan_granule_quick(g, gosan_granule_linear(g, addr), want, place);
	leave(g);
	if (!done)
		access_one(g, addr, size, flags, pc);
}

/* A block of 1 GiB of which little was used costs a bit per page, not a cell per granule. */
void gosan_shadow_free(struct gosan_g *g, uintptr_t addr, size_t size, uint32_t place)
{
	uintptr_t end = addr + size, next;

	if (end < addr || end > GOSAN_ADDRESS_END || g->ignored[GOSAN_IGNORED_WRITES])
		return;
	for (; addr < end; addr = next) {
		const unsigned char *s = gosan_shadowmem_state(addr, true);

		next = (addr & ~(PAGE - 1)) + PAGE;
		if (next > end || (addr & (PAGE - 1)))
			next = next > end ? end : next;
		else if (s && !(__atomic_load_n(s, __ATOMIC_RELAXED) & TOUCHED) &&
			 gosan_shadowmem_mark(addr, FREED))
			continue;
		gosan_shadowmem_not_whole(addr);
		gosan_shadow_access_at(g, addr, next - addr, GOSAN_WRITE | GOSAN_FREE, place);
	}
}

/* Forgetting. */

/* Whole granules without a list need no lock: a racing access can at most lose its cell, to the same end as
 * if it had come a moment earlier. */
static void forget_granules(uintptr_t addr, uintptr_t end, bool listed)
{
	uintptr_t first = (addr + 7) & ~(uintptr_t)7, last = end & ~(uintptr_t)7;
	struct gosan_granule *s;

	if (listed || first >= last) {
		for (uintptr_t granule = addr & ~(uintptr_t)7; granule < end; granule += 8)
			gosan_granule_forget(gosan_shadowmem_granule(granule, true),
					     gosan_range_bytes(granule, addr, end));
		return;
	}
	if (addr < first)
		gosan_granule_forget(gosan_shadowmem_granule(addr, true),
				     gosan_range_bytes(first - 8, addr, end));
	s = gosan_shadowmem_granule(first, true);
	memset(s, 0, (last - first) / 8 * sizeof(*s));
	if (last < end)
		gosan_granule_forget(gosan_shadowmem_granule(last, true), gosan_range_bytes(last, addr, end));
}

/* [addr, end) within one page. A page of a freed block of which only a part is used again gets its cells first:
 * the rest of it stays freed. */
static void forget_page(struct gosan_g *g, uintptr_t addr, uintptr_t end)
{
	unsigned char *s = gosan_shadowmem_state(addr, false), state;

	state = s ? __atomic_load_n(s, __ATOMIC_RELAXED) : 0;
	if (!state || ((state ^ gosan_shadowmem_owner(addr)) >> GOSAN_PAGE_OWNER))
		return;
	gosan_shadowmem_not_whole(addr);
	if (state & FREED) {
		if (end - addr < PAGE)
			fill_freed_page(g, addr);
		else
			__atomic_fetch_and(s, (unsigned char)~FREED, __ATOMIC_RELAXED);
	}
	if (state & ATOMIC) {
		gosan_atomic_forget(addr, end - addr);
		if (end - addr == PAGE)
			__atomic_fetch_and(s, (unsigned char)~ATOMIC, __ATOMIC_RELAXED);
	}
	if (__atomic_load_n(s, __ATOMIC_RELAXED) & TOUCHED)
		forget_granules(addr, end, state & LISTED);
}

/* Pages that nobody touched are skipped: forgetting a stack of 8 MiB that was used for two pages costs two pages.
 * A thread that is inside already, or has no goroutine yet, has no in_shadow of its own to set. */
void gosan_shadow_forget(uintptr_t addr, size_t size)
{
	struct gosan_g *g = gosan_self;
	bool outer = g && !g->in_shadow;
	uintptr_t end = addr + size, next;

	if (end < addr || end > GOSAN_ADDRESS_END)
		return;
	if (outer)
		gosan_collect_enter(g);
	else if (!g)
		gosan_collect_enter_unknown();
	while ((addr = gosan_shadowmem_next(addr, end)) < end) {
		next = (addr & ~(PAGE - 1)) + PAGE;
		forget_page(g, addr, next < end ? next : end);
		addr = next;
	}
	if (outer)
		leave(g);
	else if (!g)
		gosan_collect_leave_unknown();
}

void gosan_shadow_mark_atomic(uintptr_t addr)
{
	if (addr < GOSAN_ADDRESS_END)
		gosan_shadowmem_mark(addr, ATOMIC);
}

int gosan_shadow_init(void)
{
	int err = gosan_segment_init();

	if (!err)
		err = gosan_floor_init();
	return err ? err : gosan_shadowmem_init();
}

/* Only the thread that forked is left; it is outside. */
void gosan_shadow_fork_child(void)
{
	for (struct gosan_g *g = gosan_engine_all(); g; g = g->next)
		g->in_shadow = false;
	gosan_granule_forked = !gosan_collect_fork_child();
	gosan_shadowmem_fork_child();
}
