/* SPDX-License-Identifier: Apache-2.0
 *
 * object.c: objects by id (a sparse array) and by address (a hash of 256-byte blocks, so that a range is as
 * many look-ups as it has blocks).
 *
 * Invariants
 *  - A living object is in the chain of its block's bucket, a dead one in none; both stay in the array, since
 *    findings and analyzers keep pointers.
 *  - The array is written once per id, with release order: a reader without the lock sees a complete object.
 *  - Objects and arrays of buckets are never given back, and a link leads to an object or nowhere: so a look-up
 *    without the lock may walk from list to list while objects move, but it ends, and what it finds is complete.
 */
#include "hb.h"
#include "mem.h"
#include "object.h"
#include "recorder.h"

/* 64 million objects in a run, 512 MiB of address space that is touched as far as it is used. */
#define BLOCK_BITS    8
#define BUCKETS_FIRST 1024u
#define FOUND         1024u
#define FROZEN_AFTER  (1u << 16) /* spins with yields for a bit that is held for some hundred instructions */

struct gosan_obj **gosan_object_table; /* mapped once, sparse */
static uint32_t n_ids;
static struct table {
	size_t mask; /* a power of two, less one */
	struct gosan_obj *list[];
} * buckets;
static size_t n_living;
static struct gosan_obj *found[FOUND]; /* by address and kind: answers of gosan_object_peek */

/* Fibonacci hashing: neighbouring blocks go far apart, so that an array of objects spreads. */
static size_t hash_of(uintptr_t block)
{
	return (size_t)((block * UINT64_C(0x9E3779B97F4A7C15)) >> 32);
}

static struct gosan_obj **list_of(uintptr_t block)
{
	return &buckets->list[hash_of(block) & buckets->mask];
}

static void link_in(struct gosan_obj *obj)
{
	struct gosan_obj **head = list_of(obj->addr >> BLOCK_BITS);

	__atomic_store_n(&obj->link, *head, __ATOMIC_RELAXED);
	__atomic_store_n(head, obj, __ATOMIC_RELEASE);
}

/* Double the buckets when there is an object for each. Failing to is only slower, unless there is none. The old array
 * stays, for those who walk it: all of them together are as big as the last. */
static bool grow(void)
{
	size_t n = buckets ? buckets->mask + 1 : 0, to = n ? n * 2 : BUCKETS_FIRST;
	struct table *old = buckets, *fresh;

	if (n && n_living < n)
		return true;
	fresh = gosan_mem_alloc(sizeof *fresh + to * sizeof fresh->list[0]);
	if (!fresh)
		return n != 0;
	fresh->mask = to - 1;
	__atomic_store_n(&buckets, fresh, __ATOMIC_RELEASE);
	for (size_t i = 0; i < n; i++)
		for (struct gosan_obj *o = old->list[i], *next; o; o = next) {
			next = o->link;
			link_in(o);
		}
	return true;
}

struct gosan_obj *gosan_object_new(uintptr_t addr, enum gosan_obj_kind kind)
{
	if (!gosan_object_table)
		__atomic_store_n(&gosan_object_table,
				 gosan_mem_map(GOSAN_OBJECT_ID_MAX * sizeof *gosan_object_table),
				 __ATOMIC_RELEASE);
	if (!gosan_object_table || n_ids + 1 >= GOSAN_OBJECT_ID_MAX || !grow())
		return NULL;
	struct gosan_obj *obj = gosan_mem_alloc(sizeof *obj);

	if (!obj)
		return NULL;
	obj->id = ++n_ids;
	obj->kind = kind;
	obj->addr = addr;
	link_in(obj);
	n_living++;
	__atomic_store_n(&gosan_object_table[obj->id], obj, __ATOMIC_RELEASE);
	return obj;
}

struct gosan_obj *gosan_object_restore(uint32_t id, uintptr_t addr, enum gosan_obj_kind kind)
{
	if (!id || gosan_object_by_id(id))
		return NULL;
	n_ids = id - 1;
	return gosan_object_new(addr, kind);
}

struct gosan_obj *gosan_object_find(uintptr_t addr, enum gosan_obj_kind kind)
{
	struct gosan_obj *o = buckets ? *list_of(addr >> BLOCK_BITS) : NULL;

	while (o && !(o->addr == addr && o->kind == kind))
		o = o->link;
	return o;
}

/* An object that moves between lists, or dies, while we stand on it leads us elsewhere; then it is not found here. */
static struct gosan_obj *walk(uintptr_t addr, enum gosan_obj_kind kind)
{
	const struct table *t = __atomic_load_n(&buckets, __ATOMIC_ACQUIRE);
	struct gosan_obj *o = NULL;

	if (t)
		o = __atomic_load_n(&t->list[hash_of(addr >> BLOCK_BITS) & t->mask], __ATOMIC_ACQUIRE);
	for (int steps = 0; o && steps < 64; steps++) {
		if (o->addr == addr && o->kind == kind)
			return __atomic_load_n(&o->dead, __ATOMIC_ACQUIRE) ? NULL : o;
		o = __atomic_load_n(&o->link, __ATOMIC_ACQUIRE);
	}
	return NULL;
}

/* Neighbours, such as an array of locks, share a list: what was found last spares the walk. An object keeps its address
 * and kind for ever, and while it lives it is the only one of both, so an entry may be anybody's. */
struct gosan_obj *gosan_object_peek(uintptr_t addr, enum gosan_obj_kind kind)
{
	struct gosan_obj **at = &found[hash_of(addr >> 2 ^ (uintptr_t)kind) % FOUND];
	struct gosan_obj *o = __atomic_load_n(at, __ATOMIC_ACQUIRE);

	if (o && o->addr == addr && o->kind == kind && !__atomic_load_n(&o->dead, __ATOMIC_ACQUIRE))
		return o;
	o = walk(addr, kind);
	if (o)
		__atomic_store_n(at, o, __ATOMIC_RELEASE);
	return o;
}

/* Nobody can acquire from an object that is gone. Analyzers keep what they need in copies of their own. */
static void drop_clocks(struct gosan_obj *obj)
{
	gosan_clock_clear(&obj->strong);
	gosan_clock_clear(&obj->weak);
	gosan_clock_clear(&obj->r_strong);
	gosan_clock_clear(&obj->seen);
	gosan_clock_clear(&obj->seen_weak);
	for (size_t i = 0; obj->slots && i < obj->cap; i++) {
		gosan_clock_clear(&obj->slots[i].strong);
		gosan_clock_clear(&obj->slots[i].weak);
	}
	gosan_mem_free(obj->slots, obj->cap * sizeof *obj->slots);
	obj->slots = NULL;
	obj->cap = 0;
}

/* The address stays for reports, the id for who copied the object (its word then names a dead one). */
void gosan_object_die(struct gosan_obj *obj)
{
	struct gosan_obj **p = list_of(obj->addr >> BLOCK_BITS);

	if (obj->dead)
		return;
	GOSAN_RECORD(gosan_recorder_object_dead(obj));
	while (*p != obj)
		p = &(*p)->link;
	__atomic_store_n(p, obj->link, __ATOMIC_RELEASE);
	n_living--;
	gosan_hb_bit_lock(&obj->bit); /* whoever came the short way has left */
	__atomic_store_n(&obj->dead, true, __ATOMIC_RELEASE);
	drop_clocks(obj);
	gosan_hb_bit_unlock(&obj->bit);
}

/* `next` is read before the call, which may unlink o. */
static void each_in_bucket(struct gosan_obj *o, uintptr_t lo, uintptr_t hi,
			   void (*fn)(struct gosan_obj *, void *), void *arg)
{
	for (struct gosan_obj *next; o; o = next) {
		next = o->link;
		if (o->addr >= lo && o->addr < hi)
			fn(o, arg);
	}
}

/* A block may share its bucket with others: each_in_bucket compares addresses, and the range is cut to the
 * block, so that two blocks of the range in one bucket don't show an object twice. */
void gosan_object_each(uintptr_t lo, uintptr_t hi, void (*fn)(struct gosan_obj *, void *), void *arg)
{
	uintptr_t first = lo >> BLOCK_BITS, last = (hi - 1) >> BLOCK_BITS;

	if (!n_living || hi <= lo)
		return;
	if (last - first > buckets->mask) { /* wider than the table: each bucket once */
		for (size_t i = 0; i <= buckets->mask; i++)
			each_in_bucket(buckets->list[i], lo, hi, fn, arg);
		return;
	}
	for (uintptr_t b = first; b <= last; b++) {
		uintptr_t b_lo = b << BLOCK_BITS, b_hi = (b + 1) << BLOCK_BITS;

		each_in_bucket(*list_of(b), b_lo > lo ? b_lo : lo, b_hi < hi ? b_hi : hi, fn, arg);
	}
}

/* Gives up at the first bit that is not to be had. */
struct freeze {
	bool on, failed;
	const struct gosan_obj *failed_at;
};

static void freeze_one(struct gosan_obj *obj, void *arg)
{
	struct freeze *f = arg;

	for (unsigned i = 0; !f->failed && __atomic_test_and_set(&obj->bit, __ATOMIC_ACQUIRE); i++) {
		if (i % 64 == 63)
			sched_yield();
		if (i == FROZEN_AFTER) {
			f->failed = true;
			f->failed_at = obj;
		}
	}
}

/* In the order in which they were taken; from the one on that was not to be had, none was. */
static void thaw_one(struct gosan_obj *obj, void *arg)
{
	struct freeze *f = arg;

	if (obj == f->failed_at)
		f->on = false;
	if (f->on)
		gosan_hb_bit_unlock(&obj->bit);
}

bool gosan_object_freeze(bool on)
{
	struct freeze f = {true, false, NULL};

	if (on)
		gosan_object_each(0, UINTPTR_MAX, freeze_one, &f);
	if (!on || f.failed)
		gosan_object_each(0, UINTPTR_MAX, thaw_one, &f);
	return !f.failed;
}
