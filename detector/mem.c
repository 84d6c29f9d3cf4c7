/* SPDX-License-Identifier: Apache-2.0
 *
 * mem.c: size classes over chunks of mmap.
 *
 * Invariants
 *  - A block lies in one chunk; blocks above LARGE have mappings of their own and go back to the system.
 *  - A free list holds blocks of exactly its class, linked through their first word; the rest of a free
 *    block is garbage, so that reuse clears it and fresh memory, which the kernel cleared, is not touched.
 *  - `lock` is a leaf: nothing is called while it is held but mmap.
 */
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "engine.h"
#include "options.h"
#include "mem.h"

/* Classes: multiples of 16 up to SMALL (clock nodes, objects: nothing wasted), then powers of two up to
 * LARGE. A chunk grows from 256 KiB, so that a small program pays little, to 4 MiB. */
#define GRAIN         ((size_t)16)
#define SMALL         ((size_t)1024)
#define LARGE         ((size_t)65536)
#define SMALL_CLASSES (SMALL / GRAIN)
#define CLASSES       (SMALL_CLASSES + 6)
#define CHUNK_FIRST   ((size_t)256 << 10)
#define CHUNK_LAST    ((size_t)4 << 20)
#define PAGE          ((size_t)4096)
#define LINE          ((size_t)64)

#define REGIONS_MAX ((size_t)1 << 18)

/* The head of a block that nobody has. */
struct free_block {
	struct free_block *next;
};

/* A chunk, or a block with a mapping of its own. */
struct region {
	char *lo;
	size_t bytes;
};

static int lock;               /* over the next six */
static struct region *regions; /* [REGIONS_MAX], sparse */
static size_t n_regions;
static bool regions_lost; /* there was no room for one */
static struct free_block *free_lists[CLASSES];
static char *chunk, *chunk_end;         /* what is left of the newest chunk */
static size_t chunk_size = CHUNK_FIRST; /* of the next one */
static size_t used;                     /* atomic: what the limit is compared with */

/* Held for some ten instructions, or for one mmap. A holder that lost its processor needs ours: yield soon.
 * No futex, so that nothing here can change errno. */
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

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) & ~(to - 1);
}

/* Class of a size in 1..LARGE, and the bytes that its blocks have. */
static size_t class_of(size_t size, size_t *ret_bytes)
{
	size_t c = SMALL_CLASSES, bytes = SMALL * 2;

	if (size <= SMALL) {
		*ret_bytes = round_up(size, GRAIN);
		return *ret_bytes / GRAIN - 1;
	}
	for (; bytes < size; bytes *= 2)
		c++;
	*ret_bytes = bytes;
	return c;
}

/* errno belongs to the program: a failing mmap of ours must not change it. */
static void *map(size_t bytes, int flags)
{
	int saved = errno;
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	errno = saved;
	return p == MAP_FAILED ? NULL : p;
}

/* The most there was, rounded up. An update that is lost is made good by the next. */
static void note_peak(size_t now)
{
	uint64_t mb = (now + (((size_t)1 << 20) - 1)) >> 20;

	if (mb > __atomic_load_n(&gosan_counters->memory_mb, __ATOMIC_RELAXED))
		__atomic_store_n(&gosan_counters->memory_mb, mb, __ATOMIC_RELAXED);
}

bool gosan_mem_charge(size_t bytes)
{
	size_t limit = (size_t)(gosan_options.memory_limit_mb > 0 ? gosan_options.memory_limit_mb : 0) << 20;
	size_t now = __atomic_add_fetch(&used, bytes, __ATOMIC_RELAXED);

	if (limit && now > limit) {
		gosan_mem_discharge(bytes);
		return false;
	}
	note_peak(now);
	return true;
}

void gosan_mem_discharge(size_t bytes)
{
	__atomic_fetch_sub(&used, bytes, __ATOMIC_RELAXED);
}

/* Counted memory: what grows with the program. Sparse tables of gosan_mem_map count as far as they are used, when their
 * owners say so. */
static void *map_counted(size_t bytes)
{
	void *p;

	if (!gosan_mem_charge(bytes))
		return NULL;
	p = map(bytes, 0);
	if (!p)
		gosan_mem_discharge(bytes);
	return p;
}

/* Under the lock. */
static void add_region(char *lo, size_t bytes)
{
	if (!regions)
		regions = map(REGIONS_MAX * sizeof *regions, MAP_NORESERVE);
	if (!regions || n_regions == REGIONS_MAX)
		regions_lost = true;
	else
		regions[n_regions++] = (struct region){lo, bytes};
}

/* Tables that grow give back what they had a moment ago: it is among the last. */
static void remove_region(const char *lo)
{
	acquire();
	for (size_t i = n_regions; i-- > 0;)
		if (regions[i].lo == lo) {
			regions[i] = regions[--n_regions];
			break;
		}
	release();
}

static void *alloc_large(size_t bytes)
{
	char *p = map_counted(bytes);

	if (!p)
		return NULL;
	acquire();
	add_region(p, bytes);
	release();
	return p;
}

/* What fills whole cache lines begins with one: the fields that a goroutine's every hook reads would else share theirs
 * with the end of whatever came before, such as a lock that others take. */
static void align_chunk(size_t bytes)
{
	size_t skip = -(uintptr_t)chunk % LINE;

	if (bytes % LINE == 0 && skip <= (size_t)(chunk_end - chunk))
		chunk += skip;
}

/* Under the lock: `bytes` from the current chunk; what is left of an exhausted one is abandoned, at most a
 * quarter of it since LARGE is a quarter of the smallest chunk. */
static void *carve(size_t bytes)
{
	align_chunk(bytes);
	if ((size_t)(chunk_end - chunk) < bytes) {
		char *fresh = map_counted(chunk_size);

		if (!fresh)
			return NULL;
		add_region(fresh, chunk_size);
		chunk = fresh;
		chunk_end = fresh + chunk_size;
		if (chunk_size < CHUNK_LAST)
			chunk_size *= 2;
	}
	chunk += bytes;
	return chunk - bytes;
}

void *(*gosan_mem_set)(void *, int, size_t) = memset;

/* Reuse clears the whole block outside the lock; a fresh block is clear as the kernel gave it. */
void *gosan_mem_alloc(size_t size)
{
	size_t bytes;

	if (size == 0)
		size = 1;
	if (size > LARGE)
		return size > SIZE_MAX / 2 ? NULL : alloc_large(round_up(size, PAGE));

	size_t c = class_of(size, &bytes);

	acquire();
	struct free_block *b = free_lists[c];
	void *p = b;

	if (b)
		free_lists[c] = b->next;
	else
		p = carve(bytes);
	release();
	if (b)
		gosan_mem_set(b, 0, bytes);
	return p;
}

/* The size is the caller's to know: there are no headers, which a clock node of 136 bytes would feel. */
void gosan_mem_free(void *p, size_t size)
{
	size_t bytes;

	if (!p)
		return;
	if (size == 0)
		size = 1;
	if (size > LARGE) {
		bytes = round_up(size, PAGE);
		remove_region(p);
		munmap(p, bytes);
		__atomic_fetch_sub(&used, bytes, __ATOMIC_RELAXED);
		return;
	}
	size_t c = class_of(size, &bytes);
	struct free_block *b = p;

	acquire();
	b->next = free_lists[c];
	free_lists[c] = b;
	release();
}

/* Not counted: most of such a table is never touched, and the kernel reserves nothing for it. */
void *gosan_mem_map(size_t bytes)
{
	return map(round_up(bytes, PAGE), MAP_NORESERVE);
}

void gosan_mem_unmap(void *p, size_t bytes)
{
	if (p)
		munmap(p, round_up(bytes, PAGE));
}

/* Blocks of a class are what class_of says of the largest size in it. */
static size_t bytes_of(size_t class)
{
	return class < SMALL_CLASSES ? (class + 1) * GRAIN : SMALL << (class - SMALL_CLASSES + 1);
}

static void scrub(void)
{
	for (size_t c = 0; c < CLASSES; c++)
		for (struct free_block *b = free_lists[c]; b; b = b->next)
			memset(b + 1, 0, bytes_of(c) - sizeof *b);
}

/* A mapping that is given back while fn looks at it must not be: so large ones are looked at under the lock. They are
 * few; chunks stay. */
bool gosan_mem_each(void (*fn)(const void *lo, const void *hi, void *arg), void *arg)
{
	bool all;

	acquire();
	scrub();
	for (size_t i = 0; i < n_regions; i++)
		fn(regions[i].lo, regions[i].lo + regions[i].bytes, arg);
	all = !regions_lost;
	release();
	return all;
}

size_t gosan_mem_used(void)
{
	return __atomic_load_n(&used, __ATOMIC_RELAXED);
}

/* A child of a threaded process has only the thread that forked: a lock that another one held would stay
 * locked in it for ever. So the forking thread holds it across. */
void gosan_mem_fork(bool before)
{
	if (before)
		acquire();
	else
		release();
}
