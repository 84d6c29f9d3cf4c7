/* SPDX-License-Identifier: Apache-2.0
 *
 * stack.c: stacks of goroutines: equal slots in a few large reservations.
 *
 *     slot:  | guard | usable ........................ top |     256 KiB, 16 KiB of it guard
 *
 * Invariants
 *  - A slot's guard is set up before the slot is first handed out, and survives discarding.
 *  - Memory is committed by touching, so a goroutine that stays shallow costs one page.
 *  - Nothing is ever unmapped: a stale stack pointer reads an old stack, and a dump may read the stack of
 *    a goroutine that ends meanwhile.
 * Free slots are reused last in, first out, by a cache per processor in front of one global table:
 *
 *     table:  | cold: pages given back | warm: pages kept ............. top |
 *             0                     n_cold            low                n_free
 *
 * `low` is the least n_free of the current period. Warm slots below it were not needed for a whole period, and
 * become cold at its end: so a burst's memory goes back to the system, while a program that takes and gives
 * slots at a steady pace makes no system calls. The poller keeps the periods; without one, those who give back.
 */
#include "scheduler.h"
#include "sys.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_SIZE ((size_t)256 << 10)
#define GUARD        ((size_t)16 << 10) /* wider than a page: frames of some KiB must not step over it */
#define FIRST_SLOTS  64
#define KEEP         64 /* warm slots that never get cold */
#define PERIOD       (500 * GO_MS)
#define BATCH        64 /* slots that get cold before the lock is free again */

static struct {
	struct go_lock lock;
	void **table; /* room for every slot that exists */
	size_t room, n_slots;
	size_t n_free, n_cold, low;
	size_t busy; /* the table below it belongs to whoever is giving back pages */
	int64_t period_end;
	char *fresh, *end; /* rest of the newest reservation */
	size_t next_slots; /* size of the next one */
	size_t size;
	bool mprotect; /* asked for by the environment: gdb's generate-core-file gives up at guard markers */
} arena;

/* A power of two of at least 64 KiB, so that slots tile a reservation; guard included. */
static size_t parse_size(const char *s)
{
	char *end;
	size_t n = s == NULL ? 0 : strtoul(s, &end, 10), size = 64 << 10;
	if (n == 0)
		return DEFAULT_SIZE;
	if (*end == 'k' || *end == 'K')
		n <<= 10;
	else if (*end == 'm' || *end == 'M')
		n <<= 20;
	while (size < n && size < ((size_t)1 << 30))
		size <<= 1;
	return size;
}

/* First by start() in m.c, so before there is a second thread that might ask. */
size_t go__stack_size(void)
{
	if (GO_UNLIKELY(arena.size == 0)) {
		const char *guard = getenv("GO_GUARD");
		arena.mprotect = guard != NULL && strcmp(guard, "mprotect") == 0;
		arena.size = parse_size(getenv("GO_STACK"));
	}
	return arena.size;
}

size_t go__stack_guard(void)
{
	return GUARD;
}

/* Under the lock, before slots come to be: so giving one back never needs memory. */
static bool make_room(size_t n_slots)
{
	size_t room = arena.room == 0 ? 1024 : arena.room;
	while (room < n_slots)
		room *= 2;
	if (room == arena.room)
		return true;
	void **table = go__alloc(room * sizeof(void *));
	if (table == NULL)
		return false;
	for (size_t i = 0; i < arena.n_free; i++)
		table[i] = arena.table[i];
	go__free(arena.table, arena.room * sizeof(void *));
	arena.table = table;
	arena.room = room;
	return true;
}

/* Under the lock. Reservations double, so that a million stacks take few mappings. */
static void *fresh(void)
{
	if (arena.fresh == arena.end) {
		size_t slots = arena.next_slots == 0 ? FIRST_SLOTS : arena.next_slots;
		if (!make_room(arena.n_slots + slots))
			return NULL;
		arena.fresh = go__sys_map(slots * go__stack_size(), true);
		if (arena.fresh == NULL) {
			arena.end = NULL;
			return NULL;
		}
		arena.end = arena.fresh + slots * arena.size;
		arena.n_slots += slots;
		arena.next_slots = slots < 16384 ? slots * 2 : slots;
	}
	void *slot = arena.fresh;
	arena.fresh += arena.size;
	return slot;
}

void *go__stack_get(struct go_p *p)
{
	bool is_new = false;
	void *slot;
	if (p != NULL && p->n_stacks > 0)
		return p->stacks[--p->n_stacks];
	go__lock(&arena.lock);
	if (arena.n_free > arena.busy) {
		slot = arena.table[--arena.n_free];
		if (arena.n_cold > arena.n_free)
			arena.n_cold = arena.n_free;
		if (arena.low > arena.n_free)
			arena.low = arena.n_free;
	} else {
		slot = fresh();
		is_new = true;
	}
	go__unlock(&arena.lock);
	if (is_new && slot != NULL && go__sys_guard(slot, GUARD, arena.mprotect) != 0)
		return NULL; /* the slot is lost, as are all that need a guard mapping now */
	return slot;
}

void go__stack_put(struct go_p *p, void *slot)
{
	if (p != NULL && p->n_stacks < sizeof(p->stacks) / sizeof(p->stacks[0])) {
		p->stacks[p->n_stacks++] = slot;
		return;
	}
	go__lock(&arena.lock);
	arena.table[arena.n_free++] = slot;
	bool look = arena.n_free % 1024 == 0;
	go__unlock(&arena.lock);
	if (GO_UNLIKELY(look))
		go__stack_trim(atomic_load_explicit(&go__sched.now, memory_order_relaxed));
}

/* Under the lock: how many slots a period without need has left. */
static size_t to_chill(void)
{
	size_t keep = arena.n_free > KEEP ? arena.n_free - KEEP : 0,
	       end = arena.low < keep ? arena.low : keep;
	return end > arena.n_cold ? end - arena.n_cold : 0;
}

/* With the lock only around the table: a batch of system calls takes as long as a thousand switches. `busy`
 * keeps the others, who take from the top, away from the batch; the table itself may move. */
static void chill(size_t n)
{
	void *slots[BATCH];
	while (n > 0) {
		size_t batch = n < BATCH ? n : BATCH, first = arena.n_cold;
		for (size_t i = 0; i < batch; i++)
			slots[i] = arena.table[first + i];
		arena.busy = first + batch;
		go__unlock(&arena.lock);
		for (size_t i = 0; i < batch; i++)
			go__sys_discard((char *)slots[i] + GUARD, arena.size - GUARD);
		go__lock(&arena.lock);
		arena.busy = 0;
		arena.n_cold = first + batch;
		n = to_chill();
	}
}

/* One at a time; who finds another at it has nothing to do. */
void go__stack_trim(int64_t now)
{
	go__lock(&arena.lock);
	if (now >= arena.period_end && arena.busy == 0) {
		size_t n = arena.period_end == 0 ? 0 : to_chill();
		arena.period_end = now + PERIOD;
		chill(n);
		arena.low = arena.n_free;
	}
	go__unlock(&arena.lock);
}

/* Until when something may have to be given back: the poller does not sleep for longer. -1: nothing. */
int64_t go__stack_trim_in(int64_t now)
{
	go__lock(&arena.lock);
	bool warm = arena.n_free > arena.n_cold + KEEP;
	int64_t end = arena.period_end;
	go__unlock(&arena.lock);
	if (!warm)
		return -1;
	return end > now ? end - now : 0;
}

/* Who was giving back pages is gone; what it took from the table is still in it. */
void go__stack_reset(void)
{
	arena.busy = 0;
}

void go__stack_hold(bool hold)
{
	if (hold)
		go__lock(&arena.lock);
	else
		go__unlock(&arena.lock);
}
