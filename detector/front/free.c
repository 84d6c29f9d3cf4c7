/* SPDX-License-Identifier: Apache-2.0
 *
 * free.c: the death of synchronisation objects with the memory that they live in.
 *
 * Nearly every block that a program frees holds no object, and free must stay cheap. So a bitmap, indexed by
 * a hash of the page, has a bit for every page on which an object ever was; a bit is never cleared. A set
 * bit leads to the exact look-up under the engine lock, a clear one proves that there is nothing to do. A second
 * bitmap has bits for areas of 64 pages: most of a goroutine's stack, which is asked for at each birth, is answered
 * by one of them.
 */
#include "front.h"

#include "../benign.h"
#include "../depot.h"

#define PAGE_BITS   12
#define AREA_BITS   18
#define FILTER_BITS 18
#define PAGES_MAX   256 /* blocks with more pages are looked up without asking the filter */

struct filter {
	uint64_t word[(1u << FILTER_BITS) / 64];
};
static struct filter pages, areas;

/* Objects in a range; busy: held, or waited for. */
struct census {
	size_t all, busy;
};

static size_t bit_of(uintptr_t number)
{
	return (size_t)((number * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - FILTER_BITS));
}

static bool has(const struct filter *f, uintptr_t number)
{
	size_t bit = bit_of(number);

	return __atomic_load_n(&f->word[bit / 64], __ATOMIC_RELAXED) >> bit % 64 & 1;
}

static void set(struct filter *f, uintptr_t number)
{
	size_t bit = bit_of(number);

	if (!has(f, number))
		__atomic_fetch_or(&f->word[bit / 64], UINT64_C(1) << (bit % 64), __ATOMIC_RELAXED);
}

void gosan_front_note(uintptr_t addr)
{
	set(&areas, addr >> AREA_BITS);
	set(&pages, addr >> PAGE_BITS);
}

static bool maybe_any(uintptr_t lo, size_t size)
{
	uintptr_t page = lo >> PAGE_BITS, last = (lo + size - 1) >> PAGE_BITS;

	if (size == 0)
		return false;
	if (last - page >= PAGES_MAX)
		return true;
	while (page <= last) {
		uintptr_t area = page >> (AREA_BITS - PAGE_BITS);

		if (!has(&areas, area))
			page = (area + 1) << (AREA_BITS - PAGE_BITS);
		else if (has(&pages, page++))
			return true;
	}
	return false;
}

static void count(struct gosan_obj *obj, void *arg)
{
	struct census *c = arg;

	c->all++;
	c->busy += obj->owner != NULL || obj->readers != 0;
}

/* Parked goroutines count as users of what they wait for. */
static void count_waits(const struct gosan_g *g, uintptr_t lo, uintptr_t hi, struct census *c)
{
	for (size_t i = 0; g->wait.why && i < g->wait.n; i++) {
		const struct gosan_obj *o = g->wait.on[i].obj;

		c->busy += o && o->addr >= lo && o->addr < hi;
	}
}

static struct census take_census(uintptr_t lo, uintptr_t hi, bool waits)
{
	struct census c = {0, 0};

	gosan_engine_lock();
	gosan_engine_each_object(lo, hi, count, &c);
	for (const struct gosan_g *g = c.all && waits ? gosan_engine_all() : NULL; g; g = g->next)
		count_waits(g, lo, hi, &c);
	gosan_engine_unlock();
	return c;
}

/* The FREE event comes before the objects die: analyzers look at who holds them and who waits. */
static void die(uintptr_t lo, size_t size, bool only_busy)
{
	struct census c = take_census(lo, lo + size, only_busy);
	struct gosan_event ev = {.op = GOSAN_EV_FREE, .addr = lo, .size = size};

	if (!c.all)
		return;
	if (c.busy || !only_busy) {
		ev.g = gosan_engine_self();
		ev.stack = gosan_unwind_here();
		gosan_engine_event(&ev);
	}
	gosan_front_forget(lo, size);
}

/* Inside the engine this thread's free is the detector's doing or a signal handler's: then a dead object
 * stays in the tables until its address is used again. */
static void leave_memory(uintptr_t lo, size_t size, bool only_busy)
{
	int saved;

	gosan_pthread_freed(lo, lo + size);
	gosan_benign_forget(lo, size);
	if (!maybe_any(lo, size) || gosan_engine_inside() || !gosan_front_enter(&saved))
		return;
	die(lo, size, only_busy);
	gosan_front_leave(saved);
}

void gosan_front_free(uintptr_t lo, size_t size)
{
	leave_memory(lo, size, false);
}

void gosan_front_moved(uintptr_t lo, size_t size)
{
	leave_memory(lo, size, true);
}

bool gosan_front_may_hold(uintptr_t lo, size_t size)
{
	return maybe_any(lo, size) || gosan_pthread_holds_in(lo, lo + size);
}

/* A frame's objects die without a word when its stack is used again. Called from inside a hook. */
void gosan_front_forget(uintptr_t lo, size_t size)
{
	gosan_benign_forget(lo, size);
	if (!maybe_any(lo, size) || gosan_engine_inside())
		return;
	gosan_engine_lock();
	gosan_engine_forget(lo, lo + size);
	gosan_engine_unlock();
}
