/* SPDX-License-Identifier: Apache-2.0
 *
 * mem.c: the runtime's own memory: size classes of powers of two over mmap.
 *
 * Never the program's malloc: the runtime allocates while it holds its locks and on scheduler stacks,
 * and a watcher that interposes malloc must not see any of it. Blocks of a class come back from a free
 * list; chunks are never unmapped. Larger blocks have mappings of their own.
 */
#include "scheduler.h"
#include "sys.h"

#define MIN_SHIFT 5 /* 32 bytes: a free block holds its link */
#define MAX_SHIFT 16
#define CHUNK     ((size_t)1 << 18)

struct block {
	struct block *next;
};

static struct size_class {
	struct go_lock lock;
	struct block *free;
	char *fresh, *end; /* rest of the newest chunk */
} classes[MAX_SHIFT + 1];

/* The class: the smallest power of two that holds it. */
static unsigned shift_of(size_t size)
{
	unsigned shift = MIN_SHIFT;
	while (((size_t)1 << shift) < size)
		shift++;
	return shift;
}

/* Under the class's lock. */
static void *carve(struct size_class *c, size_t size)
{
	if (c->fresh == c->end) {
		c->fresh = go__sys_map(CHUNK, false);
		c->end = c->fresh == NULL ? NULL : c->fresh + CHUNK;
		if (c->fresh == NULL)
			return NULL;
	}
	void *p = c->fresh;
	c->fresh += size;
	return p;
}

void *go__alloc(size_t size)
{
	unsigned shift = shift_of(size);
	if (shift > MAX_SHIFT)
		return go__sys_map(size, false);
	struct size_class *c = &classes[shift];
	go__lock(&c->lock);
	struct block *b = c->free;
	void *p = b;
	if (b != NULL)
		c->free = b->next;
	else
		p = carve(c, (size_t)1 << shift);
	go__unlock(&c->lock);
	if (b != NULL)
		go__zero(b, size); /* fresh pages are zero already */
	return p;
}

void go__free(void *p, size_t size)
{
	if (p == NULL)
		return;
	unsigned shift = shift_of(size);
	if (shift > MAX_SHIFT) {
		go__sys_unmap(p, size);
		return;
	}
	struct size_class *c = &classes[shift];
	struct block *b = p;
	go__lock(&c->lock);
	b->next = c->free;
	c->free = b;
	go__unlock(&c->lock);
}

/* Over a fork: the child must not find a list half linked. */
void go__mem_hold(bool hold)
{
	for (unsigned i = MIN_SHIFT; i <= MAX_SHIFT; i++) {
		if (hold)
			go__lock(&classes[i].lock);
		else
			go__unlock(&classes[i].lock);
	}
}
