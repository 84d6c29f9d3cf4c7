/* SPDX-License-Identifier: Apache-2.0
 *
 * depot.c: a hash of stacks that only grows.
 *
 * Invariants
 *  - A record is complete before it is linked (release), and never changes afterwards: look-ups need no lock.
 *  - An id is an index into two levels of record pointers: 65536 chunks of 1024. Id 0 has no record.
 *  - `lock` is taken per insertion; only mem.h is called under it.
 */
#include <sched.h>
#include <string.h>

#include "context.h"
#include "engine.h"
#include "mem.h"
#include "depot.h"
#include "recorder.h"

/* A million different stacks make chains of eight. The heads are 1 MiB that is touched sparsely. */
#define HEADS      (1u << 17)
#define CHUNK_BITS 10
#define CHUNK      (1u << CHUNK_BITS)
#define CHUNKS     (1u << 16)

struct record {
	struct record *next;
	uint32_t hash, id, n;
	uintptr_t pcs[];
};

static struct record *heads[HEADS];
static struct record **chunks[CHUNKS]; /* by id */
static uint32_t last_id;               /* under the lock */
static int lock;

static void acquire(void)
{
	for (int spins = 0; __atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE); spins++)
		if (spins > 64)
			sched_yield();
}

static void release(void)
{
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

/* A multiplicative hash in which each program counter passes through the high half once. Collisions cost a
 * comparison, never a wrong stack: records are compared in full. */
static uint32_t hash_of(const uintptr_t *pcs, size_t n)
{
	uint64_t h = n;

	for (size_t i = 0; i < n; i++) {
		h = (h ^ pcs[i]) * UINT64_C(0x9FB21C651E98DF25);
		h ^= h >> 32;
	}
	return (uint32_t)h;
}

/* With or without the lock. A record that is linked while this walks is seen or not; insertion looks again. */
static const struct record *look_up(uint32_t hash, const uintptr_t *pcs, size_t n)
{
	const struct record *r = __atomic_load_n(&heads[hash % HEADS], __ATOMIC_ACQUIRE);

	for (; r; r = r->next)
		if (r->hash == hash && r->n == n && memcmp(r->pcs, pcs, n * sizeof *pcs) == 0)
			return r;
	return NULL;
}

/* Under the lock: a place for the next id, or NULL. */
static struct record **place(uint32_t id)
{
	struct record **chunk = chunks[id >> CHUNK_BITS];

	if (!chunk) {
		chunk = gosan_mem_alloc(CHUNK * sizeof *chunk);
		__atomic_store_n(&chunks[id >> CHUNK_BITS], chunk, __ATOMIC_RELEASE);
	}
	return chunk ? &chunk[id & (CHUNK - 1)] : NULL;
}

/* Under the lock. NULL when memory or ids are exhausted; then nothing has changed. */
static const struct record *insert(uint32_t hash, const uintptr_t *pcs, size_t n)
{
	uint32_t id = last_id + 1;
	struct record **slot = id < CHUNKS * CHUNK ? place(id) : NULL;
	struct record *r = slot ? gosan_mem_alloc(sizeof *r + n * sizeof *pcs) : NULL;

	if (!r)
		return NULL;
	*r = (struct record){.next = heads[hash % HEADS], .hash = hash, .id = id, .n = (uint32_t)n};
	memcpy(r->pcs, pcs, n * sizeof *pcs);
	__atomic_store_n(slot, r, __ATOMIC_RELEASE);
	__atomic_store_n(&heads[hash % HEADS], r, __ATOMIC_RELEASE);
	last_id = id;
	GOSAN_RECORD(gosan_recorder_stack(pcs, n));
	return r;
}

uint32_t gosan_depot_put(const uintptr_t *pcs, size_t n)
{
	if (n > GOSAN_STACK_MAX)
		n = GOSAN_STACK_MAX;
	if (n == 0)
		return 0;
	uint32_t hash = hash_of(pcs, n);
	const struct record *r = look_up(hash, pcs, n);

	if (!r) {
		acquire();
		r = look_up(hash, pcs, n);
		if (!r)
			r = insert(hash, pcs, n);
		release();
	}
	if (!r)
		GOSAN_COUNT(stacks_lost);
	return r ? r->id : 0;
}

uint32_t gosan_depot_id(uint32_t id)
{
	return id & GOSAN_STACK_CONTEXT ? gosan_context_stack(id & ~GOSAN_STACK_CONTEXT) : id;
}

const uintptr_t *gosan_depot_get(uint32_t id, size_t *ret_n)
{
	id = gosan_depot_id(id);

	struct record **chunk =
		id < CHUNKS * CHUNK ? __atomic_load_n(&chunks[id >> CHUNK_BITS], __ATOMIC_ACQUIRE) : NULL;
	const struct record *r = chunk ? __atomic_load_n(&chunk[id & (CHUNK - 1)], __ATOMIC_ACQUIRE) : NULL;

	*ret_n = r ? r->n : 0;
	return r ? r->pcs : NULL;
}

/* As gosan_mem_fork; taken before it, since insertion allocates. */
void gosan_depot_fork(bool before)
{
	if (before)
		acquire();
	else
		release();
}
