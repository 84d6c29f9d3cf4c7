/* SPDX-License-Identifier: Apache-2.0
 *
 * collect.c: which segments does the shadow still name?
 *
 * Invariants
 *  - gosan_gate.collecting is set, then all goroutines are seen outside, then marking begins: nobody writes a cell and
 *    nobody holds a segment but the one of his present moment, which is marked too.
 *  - Marking is complete: every cell lies in a touched page or in a block that such a page links to.
 *  - What everybody covers (floor.h) is dropped on the way: it can't race any more. So in a program whose threads know of
 *    each other the number of segments in use is that of the last moments, not that of the memory.
 */
#include "collect.h"

#include "coarsen.h"
#include "floor.h"
#include "granule.h"
#include "mem.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Spins (gosan_shadowmem_pause) until a goroutine that does not come out ends an attempt, some 10 ms: it may be inside
 * because a signal handler interrupted it there that waits for the engine lock, which the collector has. So there are
 * many attempts, and between them the lock is free. */
#define PATIENCE (1u << 13)
#define ATTEMPTS 200

#define WORTH       64 /* a collection is to free one in so many segments */
#define SPARE       8  /* it coarsens when it leaves less than one in so many free */
#define COARSENINGS 8  /* attempts */
/* Segments per page of shadow before a collection, which looks at all 512 granules of each page: a nanosecond or two
 * for each segment. */
#define PER_PAGE 128

union gosan_gate gosan_gate = {.far = true};
static int unknown_inside;
static uint32_t hopeless;  /* epochs without a segment until the next attempt, after one that freed too few */
static uint32_t collector; /* 1: somebody is at work */
static bool fork_clean;    /* nobody was in the shadow when this process was made */

/* Until *word is another. A hundred threads that look again every 50 us leave no processor to whom they wait for; most
 * waits are over before. */
static void wait_while(const uint32_t *word, uint32_t is)
{
	int saved = errno;

	for (unsigned spins = 0; __atomic_load_n(word, __ATOMIC_ACQUIRE) == is; spins++)
		if (spins < PATIENCE)
			gosan_shadowmem_pause(spins);
		else
			syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, is, NULL, NULL, 0);
	errno = saved;
}

static void wake_all(const uint32_t *word)
{
	int saved = errno;

	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
	errno = saved;
}

bool gosan_collect_try_begin(void)
{
	return __atomic_exchange_n(&collector, 1, __ATOMIC_ACQUIRE) == 0;
}

void gosan_collect_end(void)
{
	__atomic_store_n(&collector, 0, __ATOMIC_RELEASE);
	wake_all(&collector);
}

/* The gate's other flags may change meanwhile: then it looks again. */
static void wait_until_open(void)
{
	union gosan_gate gate;

	for (;;) {
		gate.closed = __atomic_load_n(&gosan_gate.closed, __ATOMIC_ACQUIRE);
		if (!gate.collecting)
			return;
		wait_while(&gosan_gate.closed, gate.closed);
	}
}

/* The goroutines' side of the handshake has no fence: this is it, in all threads. The command has to be announced
 * once per process, a forked child included. */
static bool fence_all(void)
{
	int saved = errno;
	bool done = syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;

	if (!done && errno == EPERM &&
	    syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0)
		done = syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
	errno = saved;
	return done;
}

/* Whoever is born meanwhile finds gosan_gate.collecting set. */
static bool wait_until_out(const struct gosan_g *but)
{
	for (const struct gosan_g *g = gosan_engine_all(); g; g = g->next)
		for (unsigned spins = 0; g != but && __atomic_load_n(&g->in_shadow, __ATOMIC_ACQUIRE);
		     spins++) {
			if (spins == PATIENCE)
				return false;
			gosan_shadowmem_pause(spins);
		}
	for (unsigned spins = 0; __atomic_load_n(&unknown_inside, __ATOMIC_ACQUIRE); spins++) {
		if (spins == PATIENCE)
			return false;
		gosan_shadowmem_pause(spins);
	}
	return true;
}

static inline void mark(uint32_t cell)
{
	uint32_t seg = cell >> GOSAN_CELL_SEGMENT;

	gosan_segment_used[seg / 8] |= (uint8_t)(1u << seg % 8);
}

/* Returns the cell, or 0 when nobody will ever need it. */
static inline uint32_t keep(uint32_t cell)
{
	if (!cell || gosan_floor_covers(cell >> GOSAN_CELL_SEGMENT))
		return 0;
	mark(cell);
	return cell;
}

/* Blocks that are empty afterwards leave the list when somebody walks over it. */
static void mark_list(uint32_t link)
{
	for (; link & GOSAN_LINK_INDEX; link = gosan_shadow_blocks[link & GOSAN_LINK_INDEX].next) {
		struct gosan_block *b = &gosan_shadow_blocks[link & GOSAN_LINK_INDEX];

		for (size_t i = 0; i < 7; i++)
			b->cell[i] = keep(b->cell[i]);
	}
}

static void mark_page(unsigned char *state, struct gosan_granule *page, void *arg)
{
	(void)arg;
	/* Its segment may be another's soon. */
	if (gosan_shadow_mask)
		gosan_shadowmem_whole[(uintptr_t)state - gosan_shadowmem_states] = 0;
	for (size_t i = 0; i < GOSAN_PAGE / 8; i++) {
		uint64_t cells = page[i].cells, kept;

		if (cells) {
			kept = keep((uint32_t)cells) | (uint64_t)keep((uint32_t)(cells >> 32)) << 32;
			if (kept != cells)
				page[i].cells = kept;
		}
		if (page[i].places & GOSAN_GRANULE_LISTED)
			mark_list((uint32_t)(page[i].places >> 32));
	}
}

/* Groups that goroutines keep are thrown together with the rest: what is unused in them is found again. */
static void mark_all(void)
{
	gosan_floor_raise_all();
	memset(gosan_segment_used, 0, sizeof(gosan_segment_used));
	for (struct gosan_g *g = gosan_engine_all(); g; g = g->next) {
		gosan_segment_drop(g);
		gosan_g_forgot(g);
		mark(g->cell);
		mark(g->free_cell);
	}
	gosan_shadowmem_each(mark_page, NULL);
}

static uint32_t count_free(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < gosan_segment_room() / 8; i++)
		n += 8 - (uint32_t)__builtin_popcount(gosan_segment_used[i]);
	return n;
}

static void open_shadow(void)
{
	__atomic_store_n(&gosan_gate.collecting, false, __ATOMIC_RELEASE);
	wake_all(&gosan_gate.closed);
}

/* Nobody is in the shadow from here to open_shadow. False, and open: somebody did not come out. */
static bool close_shadow(const struct gosan_g *but)
{
	__atomic_store_n(&gosan_gate.collecting, true, __ATOMIC_SEQ_CST);
	if (!fence_all())
		gosan_gate.fences = true;
	if (wait_until_out(but))
		return true;
	open_shadow();
	return false;
}

/* With the engine lock, and the shadow empty; false: neither. */
static bool stop_all(void)
{
	for (unsigned i = 0; i < ATTEMPTS; i++) {
		gosan_engine_lock();
		if (close_shadow(NULL))
			return true;
		gosan_engine_unlock();
		gosan_shadowmem_yield(UINT32_MAX);
	}
	return false;
}

static void go_on(void)
{
	open_shadow();
	gosan_engine_unlock();
}

/* All are stopped. Where the table can't grow, moments become fewer (coarsen.c) before it is so full that collections
 * follow each other. *ret_again: clocks would not stand still for that. */
static bool collect_stopped(bool *ret_again)
{
	uint32_t room = gosan_segment_room(), free;
	bool grown;

	mark_all();
	free = count_free();
	grown = free < room / 2 && gosan_segment_grow(room * 2);
	*ret_again = false;
	if (!grown && free < room / SPARE && room == gosan_segment_limit) {
		*ret_again = !gosan_coarsen(room / SPARE);
		free = count_free();
	}
	gosan_segment_reset();
	return grown || free > room / WORTH;
}

void gosan_collect_used(void)
{
	if (!close_shadow(NULL))
		return;
	mark_all();
	gosan_segment_reset();
	open_shadow();
}

/* One at a time. True: another was at work, and is done. */
static bool wait_for_other(void)
{
	if (gosan_collect_try_begin())
		return false;
	wait_while(&collector, 1);
	return true;
}

/* Lost updates of `hopeless` only make the wait longer. One at a time; who finds another at work waits for it and tries
 * again. Where there is much shadow, more numbers come first: a collection has to be worth its walk. */
bool gosan_collect(void)
{
	uint32_t wait;
	bool done, again = true;

	if (gosan_engine_inside())
		return false;
	if ((wait = __atomic_load_n(&hopeless, __ATOMIC_RELAXED))) {
		__atomic_store_n(&hopeless, wait - 1, __ATOMIC_RELAXED);
		return false;
	}
	if (wait_for_other())
		return true;
	done = gosan_segment_grow(gosan_shadowmem_pages() * PER_PAGE);
	for (unsigned i = 0; !done && again && i < COARSENINGS && stop_all(); i++) {
		done = collect_stopped(&again);
		go_on();
		if (again)
			gosan_shadowmem_yield(UINT32_MAX);
	}
	if (!done)
		__atomic_store_n(&hopeless, gosan_segment_limit / WORTH, __ATOMIC_RELAXED);
	gosan_collect_end();
	return done;
}

/* All are stopped. */
static void drop_stopped(void)
{
	__atomic_fetch_add(&gosan_counters->shadow_lost, gosan_shadowmem_drop(), __ATOMIC_RELAXED);
	mark_all(); /* the present moments of all */
	gosan_segment_reset();
}

/* History goes as a whole: which part of it will be missed least, nobody knows, and a walk that chose would cost as much
 * as what it spares. Where the shadow is a small part of what is used, other things fill the memory. */
bool gosan_collect_drop(void)
{
	size_t shadow = (size_t)gosan_shadowmem_pages() * 2 * GOSAN_PAGE;
	bool done;

	if (gosan_engine_inside() || shadow < gosan_mem_used() / 4)
		return false;
	if (wait_for_other())
		return true;
	done = stop_all();
	if (done) {
		drop_stopped();
		go_on();
	}
	gosan_collect_end();
	return done;
}

void gosan_collect_wait(struct gosan_g *g)
{
	while (__atomic_load_n(&gosan_gate.collecting, __ATOMIC_ACQUIRE)) {
		__atomic_store_n(&g->in_shadow, false, __ATOMIC_RELEASE);
		wait_until_open();
		__atomic_store_n(&g->in_shadow, true, __ATOMIC_SEQ_CST);
	}
}

void gosan_collect_enter_unknown(void)
{
	__atomic_add_fetch(&unknown_inside, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&gosan_gate.collecting, __ATOMIC_SEQ_CST)) {
		__atomic_sub_fetch(&unknown_inside, 1, __ATOMIC_SEQ_CST);
		wait_until_open();
		__atomic_add_fetch(&unknown_inside, 1, __ATOMIC_SEQ_CST);
	}
}

void gosan_collect_leave_unknown(void)
{
	__atomic_sub_fetch(&unknown_inside, 1, __ATOMIC_RELEASE);
}

/* Before it takes any lock that somebody inside may want. A handler that forks may have interrupted its own thread
 * inside: that one goes on in both processes. */
void gosan_collect_fork(bool before)
{
	if (!before) {
		open_shadow();
		gosan_collect_end();
		return;
	}
	while (!gosan_collect_try_begin())
		wait_while(&collector, 1);
	fork_clean = false;
	for (unsigned i = 0; i < ATTEMPTS && !fork_clean; i++)
		fork_clean = close_shadow(gosan_self);
}

bool gosan_collect_fork_child(void)
{
	gosan_gate.collecting = false;
	collector = 0;
	unknown_inside = 0;
	return fork_clean;
}
