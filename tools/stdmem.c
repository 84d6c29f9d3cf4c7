/* SPDX-License-Identifier: Apache-2.0
 *
 * stdmem.c: granules of eight bytes in a hash table. A granule knows where its parts begin (a bit for each byte; the
 * first is always one), and which sorts of access it has seen in the first pass.
 *
 * Parts of different granules are never one variable, so an access of many bytes becomes many. That costs lines, not
 * truth.
 */
#include "stdmem.h"

#include <stdlib.h>
#include <string.h>

#define BYTES     8
#define FIRST_FEW 1024u

enum { PLAIN_READ = 1, PLAIN_WRITE = 2, ATOMIC_WRITE = 4, IGNORED = 8 };

struct granule {
	uint64_t number; /* addr / BYTES, + 1; 0: free place */
	uint8_t begins, sorts;
	uint32_t age;
	uint32_t n_writers;
	uint32_t *writers; /* who writes it atomically */
};

struct stdmem {
	struct arena *a;
	struct granule *table; /* [room], a power of two */
	uint64_t n, room;
	uint64_t most; /* n stays below */
};

struct stdmem *stdmem_new(struct arena *a, uint64_t most)
{
	struct stdmem *m = arena_alloc(a, sizeof *m);

	m->a = a;
	m->most = most / BYTES;
	return m;
}

void stdmem_free(struct stdmem *m)
{
	free(m->table);
}

/* Neighbours are wanted together, and a multiplicative hash scatters them; but granules come from all over the address
 * space, and in runs that are far apart a hash by low bits would pile up. The high bits of the product are the good ones. */
static struct granule *slot(const struct stdmem *m, uint64_t number)
{
	uint64_t at = number * UINT64_C(0x9e3779b97f4a7c15) >> 20;

	while (m->table[at & (m->room - 1)].number && m->table[at & (m->room - 1)].number != number + 1)
		at++;
	return &m->table[at & (m->room - 1)];
}

static void grow(struct stdmem *m)
{
	struct stdmem old = *m;

	m->room = old.room ? old.room * 2 : FIRST_FEW;
	m->table = calloc(m->room, sizeof *m->table);
	if (!m->table)
		abort(); /* as the arena does */
	for (uint64_t i = 0; i < old.room; i++)
		if (old.table[i].number)
			*slot(m, old.table[i].number - 1) = old.table[i];
	free(old.table);
}

/* NULL for what no access ever touched: most of what is freed or given out anew. */
static struct granule *find(const struct stdmem *m, uint64_t number)
{
	struct granule *g = m->room ? slot(m, number) : NULL;

	return g && g->number ? g : NULL;
}

/* Few goroutines write one atomic; where many do, the list is as long as what is written for each plain read. */
static void add_writer(struct stdmem *m, struct granule *g, uint32_t actor)
{
	for (uint32_t i = 0; i < g->n_writers; i++)
		if (g->writers[i] == actor)
			return;
	g->writers = arena_grow(m->a, g->writers, g->n_writers, sizeof *g->writers);
	g->writers[g->n_writers++] = actor;
}

/* Where an access ends the next part begins, unless that is in another granule. A sort is of the granule, not of the
 * part: too many of them only make more events than needed. The size is looked at before the walk, which would not end
 * for an access over the end of the address space. */
bool stdmem_note(struct stdmem *m, uint64_t addr, uint64_t size, bool write, bool atomic, uint32_t actor)
{
	uint64_t end = addr + size;

	if (size / BYTES > m->most || end < addr)
		return false;
	for (uint64_t at = addr; at < end; at = (at | (BYTES - 1)) + 1) {
		uint64_t next = (at | (BYTES - 1)) + 1;

		if (m->n >= m->most)
			return false;
		if (m->n >= m->room / 2)
			grow(m);
		struct granule *g = slot(m, at / BYTES);
		if (!g->number) {
			*g = (struct granule){.number = at / BYTES + 1, .begins = 1};
			m->n++;
		}
		g->begins |= (uint8_t)(1u << at % BYTES);
		if (end < next)
			g->begins |= (uint8_t)(1u << end % BYTES);
		if (!atomic)
			g->sorts |= write ? PLAIN_WRITE : PLAIN_READ;
		else if (write) {
			g->sorts |= ATOMIC_WRITE;
			add_writer(m, g, actor);
		}
	}
	return true;
}

/* For all its ages: the question is answered for an address, at a moment when two goroutines met there. */
void stdmem_ignore(struct stdmem *m, uint64_t addr, uint64_t size)
{
	for (uint64_t at = addr; at < addr + size; at = (at | (BYTES - 1)) + 1) {
		struct granule *g = find(m, at / BYTES);

		if (g)
			g->sorts |= IGNORED;
	}
}

/* Bytes from lo to hi of a granule. */
static void each_part(const struct granule *g, unsigned lo, unsigned hi, struct stdmem_part *part,
		      void (*fn)(const struct stdmem_part *, void *), void *arg)
{
	for (unsigned i = lo; i < hi; i++)
		if (g->begins >> i & 1 || i == lo) {
			part->addr = (g->number - 1) * BYTES + i;
			fn(part, arg);
		}
}

/* What is asked about each granule of a range. */
struct walk {
	uint64_t addr, end;
	bool write, atomic;
	const uint32_t *own;
	void (*fn)(const struct stdmem_part *, void *);
	void *arg;
};

/* Which classes of access must conflict, and how one variable x and one y(g) for each goroutine g that writes atomically
 * make just these conflict:
 *
 *			plain read	plain write	atomic read	atomic write by g
 *	touches		r(x) r(y(*))	w(x)		r(x)		r(x) w(y(g))
 *
 * Plain writes conflict with all by x. A plain read and an atomic write meet in y(g) alone. Two atomics never do. */
static void each_granule(const struct walk *w, const struct granule *g)
{
	uint64_t first = (g->number - 1) * BYTES, lo = w->addr > first ? w->addr - first : 0;
	uint64_t hi = w->end - first < BYTES ? w->end - first : BYTES;
	struct stdmem_part part = {.age = g->age};

	/* Nobody but atomics: no two of them race. */
	if (g->sorts & IGNORED || !(g->sorts & (PLAIN_READ | PLAIN_WRITE)))
		return;
	if (!w->atomic && !w->write && g->sorts & ATOMIC_WRITE) {
		part.n_writers = g->n_writers;
		part.writers = g->writers;
	} else if (w->atomic && w->write && g->sorts & PLAIN_READ) {
		part.n_writers = 1;
		part.writers = w->own;
	}
	each_part(g, (unsigned)lo, (unsigned)hi, &part, w->fn, w->arg);
}

/* Whatever is smaller is walked: the range or the table. Accesses were all noted, so theirs is; a block that is freed may
 * be a terabyte of which nothing was touched. */
void stdmem_each(struct stdmem *m, uint64_t addr, uint64_t size, bool write, bool atomic, const uint32_t *own,
		 void (*fn)(const struct stdmem_part *, void *), void *arg)
{
	const struct walk w = {.addr = addr,
			       .end = addr + size < addr ? UINT64_MAX : addr + size,
			       .write = write,
			       .atomic = atomic,
			       .own = own,
			       .fn = fn,
			       .arg = arg};

	if (!size || !m->n)
		return;
	if (size / BYTES < m->room) {
		for (uint64_t i = addr / BYTES; i <= (w.end - 1) / BYTES; i++) {
			const struct granule *g = find(m, i);

			if (g)
				each_granule(&w, g);
		}
		return;
	}
	for (uint64_t i = 0; i < m->room; i++)
		if (m->table[i].number > addr / BYTES && m->table[i].number - 1 <= (w.end - 1) / BYTES)
			each_granule(&w, &m->table[i]);
}

/* Again the smaller one. */
void stdmem_forget(struct stdmem *m, uint64_t addr, uint64_t size)
{
	uint64_t first = addr / BYTES, end = addr + size < addr ? UINT64_MAX : addr + size;
	uint64_t last = size ? (end - 1) / BYTES : first;

	if (!size || !m->n)
		return;
	if (last - first < m->room) {
		for (uint64_t i = first; i <= last; i++) {
			struct granule *g = find(m, i);

			if (g)
				g->age++;
		}
		return;
	}
	for (uint64_t i = 0; i < m->room; i++)
		if (m->table[i].number > first && m->table[i].number - 1 <= last)
			m->table[i].age++;
}
