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
 * Free slots are reused last in, first out, by a cache per processor in front of one global list. When more
 * than WATERMARK are free, the pages of those that come back go back to the system.
 */
#include "scheduler.h"
#include "sys.h"

#include <stdlib.h>

#define DEFAULT_SIZE ((size_t)256 << 10)
#define GUARD        ((size_t)16 << 10) /* wider than a page: frames of some KiB must not step over it */
#define FIRST_SLOTS  64
#define WATERMARK    256

/* A free slot holds its link in its highest word: that page was touched anyway. */
static struct {
	struct go_lock lock;
	void *free;
	size_t n_free;
	char *fresh, *end; /* rest of the newest reservation */
	size_t next_slots; /* size of the next one */
	size_t size;
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

size_t go__stack_size(void)
{
	if (GO_UNLIKELY(arena.size == 0))
		arena.size = parse_size(getenv("GO_STACK"));
	return arena.size;
}

size_t go__stack_guard(void)
{
	return GUARD;
}

/* The top word: outside of every frame, since the first frame starts below it. */
static void **link_of(void *slot)
{
	return (void **)(void *)((char *)slot + arena.size - sizeof(void *));
}

/* Under the lock. Reservations double, so that a million stacks take few mappings. */
static void *fresh(void)
{
	if (arena.fresh == arena.end) {
		size_t slots = arena.next_slots == 0 ? FIRST_SLOTS : arena.next_slots;
		arena.fresh = go__sys_map(slots * go__stack_size(), true);
		if (arena.fresh == NULL) {
			arena.end = NULL;
			return NULL;
		}
		arena.end = arena.fresh + slots * arena.size;
		arena.next_slots = slots < 16384 ? slots * 2 : slots;
	}
	void *slot = arena.fresh;
	arena.fresh += arena.size;
	return slot;
}

void *go__stack_get(struct go_p *p)
{
	if (p != NULL && p->n_stacks > 0)
		return p->stacks[--p->n_stacks];
	go__lock(&arena.lock);
	void *slot = arena.free;
	bool is_new = slot == NULL;
	if (is_new) {
		slot = fresh();
	} else {
		arena.free = *link_of(slot);
		arena.n_free--;
	}
	go__unlock(&arena.lock);
	if (is_new && slot != NULL && go__sys_guard(slot, GUARD) != 0)
		return NULL; /* the slot is lost, as are all that need a guard mapping now */
	return slot;
}

void go__stack_put(struct go_p *p, void *slot)
{
	if (p != NULL && p->n_stacks < sizeof(p->stacks) / sizeof(p->stacks[0])) {
		p->stacks[p->n_stacks++] = slot;
		return;
	}
	/* The top page stays: it holds the link. */
	const size_t page = 4096;
	if (arena.n_free >= WATERMARK)
		go__sys_discard((char *)slot + GUARD, arena.size - GUARD - page);
	go__lock(&arena.lock);
	*link_of(slot) = arena.free;
	arena.free = slot;
	arena.n_free++;
	go__unlock(&arena.lock);
}

void go__stack_hold(bool hold)
{
	if (hold)
		go__lock(&arena.lock);
	else
		go__unlock(&arena.lock);
}
