/* SPDX-License-Identifier: Apache-2.0
 *
 * benign.c: the ranges hang in a hash table by the page of their first byte; one that reaches over several pages
 * hangs in a list of its own, which is short. So a free looks at the pages that it frees, not at all ranges.
 */
#include "benign.h"

#include "mem.h"
#include "recorder.h"

#include <errno.h>
#include <sched.h>

#define PAGE_BITS 12
#define BUCKETS   1024
#define WIDE      BUCKETS /* index of the list of ranges that cross a page */

struct range {
	struct range *next;
	uintptr_t lo, hi;
};

/* Under `word`, which is a leaf. n is read without it: a range that is being added is not yet declared. */
static struct range *lists[BUCKETS + 1];
static size_t n;
static char word;

/* From any hook, also a free: nothing is called while it is held but the memory's own functions. */
static void lock(void)
{
	while (__atomic_test_and_set(&word, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void unlock(void)
{
	__atomic_clear(&word, __ATOMIC_RELEASE);
}

static size_t list_of(uintptr_t page)
{
	return (size_t)((page * UINT64_C(0x9e3779b97f4a7c15)) >> 54);
}

int gosan_benign_add(uintptr_t addr, size_t size)
{
	struct range *r = size ? gosan_mem_alloc(sizeof(*r)) : NULL;
	uintptr_t first = addr >> PAGE_BITS, last = (addr + size - 1) >> PAGE_BITS;

	if (!r)
		return size ? -ENOMEM : 0;
	r->lo = addr;
	r->hi = addr + size;
	GOSAN_RECORD_MEMORY(gosan_recorder_access(GOSAN_TRACE_BENIGN, addr, size, 0, 0));
	lock();
	struct range **list = &lists[first == last ? list_of(first) : WIDE];
	r->next = *list;
	*list = r;
	__atomic_fetch_add(&n, 1, __ATOMIC_RELEASE);
	unlock();
	return 0;
}

/* Whole ranges: a part of a declared object doesn't die alone. */
static void forget_in(struct range **p, uintptr_t lo, uintptr_t hi)
{
	while (*p) {
		struct range *r = *p;

		if (r->hi <= lo || r->lo >= hi) {
			p = &r->next;
			continue;
		}
		*p = r->next;
		gosan_mem_free(r, sizeof(*r));
		n--;
	}
}

void gosan_benign_forget(uintptr_t addr, size_t size)
{
	uintptr_t end = addr + size, first = addr >> PAGE_BITS, last = (end - 1) >> PAGE_BITS;

	if (!size || !__atomic_load_n(&n, __ATOMIC_ACQUIRE))
		return;
	GOSAN_RECORD_MEMORY(gosan_recorder_access(GOSAN_TRACE_BENIGN_FORGET, addr, size, 0, 0));
	lock();
	/* More pages than lists: each list once. */
	for (size_t i = 0; last - first >= BUCKETS && i < BUCKETS; i++)
		forget_in(&lists[i], addr, end);
	for (uintptr_t page = first; last - first < BUCKETS && page <= last; page++)
		forget_in(&lists[list_of(page)], addr, end);
	forget_in(&lists[WIDE], addr, end);
	unlock();
}

/* Declared ranges are few; this is asked only when a race was found. */
static bool has(const struct range *r, uintptr_t addr)
{
	while (r && (addr < r->lo || addr >= r->hi))
		r = r->next;
	return r != NULL;
}

bool gosan_benign_has(uintptr_t addr)
{
	bool found;

	if (!__atomic_load_n(&n, __ATOMIC_ACQUIRE))
		return false;
	lock();
	found = has(lists[list_of(addr >> PAGE_BITS)], addr) || has(lists[WIDE], addr);
	unlock();
	return found;
}

void gosan_benign_fork_child(void)
{
	unlock();
}
