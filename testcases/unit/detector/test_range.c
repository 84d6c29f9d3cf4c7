/* SPDX-License-Identifier: Apache-2.0
 *
 * test_range.c: a range is the sum of its granules: random ranges against the same accesses one by one, and a range
 * against single accesses at the same time.
 */
#include "shadow.h"
#include "heap.h"
#include "race.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define THREADS  4
#define SYNCS    3
#define PAGES    6
#define SIZE     (PAGES * 4096)
#define GRANULES (SIZE / 8)

static char memory[SIZE] __attribute__((aligned(4096))), twin[SIZE] __attribute__((aligned(4096)));
static struct gosan_g *g[THREADS];
static struct gosan_obj *sync_obj[SYNCS];

/* Which granules of both raced since they were forgotten, and how often any did. A repeat may tell a race again or not,
 * from either side: a range that was gone over as a whole knows that it is one, single accesses don't always. */
static bool raced[GRANULES], twin_raced[GRANULES];
static size_t n_found;

void gosan_race_found(const struct gosan_race *r)
{
	uintptr_t at = r->addr - (uintptr_t)memory, twin_at = r->addr - (uintptr_t)twin;

	__atomic_fetch_add(&n_found, 1, __ATOMIC_RELAXED);
	if (at < SIZE)
		raced[at / 8] = true;
	else if (twin_at < SIZE)
		twin_raced[twin_at / 8] = true;
}

static int setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		g[i] = gosan_engine_new_g(100 + i, false);
	for (size_t i = 0; i < SYNCS; i++)
		sync_obj[i] = gosan_engine_object_at(0x5000 + 64 * i, GOSAN_OBJ_OTHER);
	gosan_access_forget((uintptr_t)memory, SIZE);
	gosan_access_forget((uintptr_t)twin, SIZE);
	memset(raced, 0, sizeof(raced));
	memset(twin_raced, 0, sizeof(twin_raced));
	return 0;
}

static void order(enum gosan_op op, size_t t, size_t o)
{
	struct gosan_event ev = {.op = op, .g = g[t], .obj = sync_obj[o]};

	gosan_engine_event(&ev);
}

/* The same bytes of the twin, granule by granule. */
static void access_both(size_t t, size_t at, size_t size, unsigned flags)
{
	gosan_shadow_access_at(g[t], (uintptr_t)memory + at, size, flags, 1);
	for (size_t next; size > 0; at += next, size -= next) {
		next = 8 - at % 8 < size ? 8 - at % 8 : size;
		gosan_shadow_access(g[t], (uintptr_t)twin + at, next, flags, 0x1000 + t);
	}
}

static void free_both(size_t t, size_t at, size_t size)
{
	gosan_shadow_free(g[t], (uintptr_t)memory + at, size, 1);
	for (size_t i = 0; i < size; i += 8)
		gosan_shadow_free(g[t], (uintptr_t)twin + at + i, size - i < 8 ? size - i : 8, 1);
}

/* Mostly what programs do: blocks of some granules or pages, whole ones among them. */
static void one_step(unsigned seed, size_t step)
{
	size_t t = (size_t)rand() % THREADS, size = (size_t)rand() % 300, at;

	if (rand() % 4 == 0)
		size = (size_t)(1 + rand() % 3) * 4096;
	at = (size_t)rand() % (SIZE - size);
	if (size >= 4096)
		at &= ~(size_t)4095;
	switch (rand() % 12) {
	case 0:
	case 1:
		order(GOSAN_EV_HB_RELEASE, t, (size_t)rand() % SYNCS);
		break;
	case 2:
	case 3:
		order(GOSAN_EV_HB_ACQUIRE, t, (size_t)rand() % SYNCS);
		break;
	case 4:
		gosan_access_forget((uintptr_t)memory + at, size);
		gosan_access_forget((uintptr_t)twin + at, size);
		memset(raced + (at + 7) / 8, 0, size / 8);
		memset(twin_raced + (at + 7) / 8, 0, size / 8);
		break;
	case 5:
		/* A page that was freed untouched asks the heap, which knows nothing of these. */
		if (size < 4096)
			free_both(t, at, size);
		break;
	default:
		if (size)
			access_both(t, at, size, rand() % 2 ? GOSAN_WRITE : 0);
		break;
	}
	for (size_t i = 0; i < GRANULES; i++)
		if (raced[i] != twin_raced[i])
			fail_msg("seed %u, step %zu: granule %zu raced %d, its twin %d", seed, step, i,
				 raced[i], twin_raced[i]);
}

static void ranges_are_sums(void **state)
{
	for (unsigned seed = 1; seed <= 200; seed++) {
		setup(state);
		srand(seed);
		for (size_t step = 0; step < 60; step++)
			one_step(seed, step);
	}
}

/* A page that this moment wrote is written; after it was forgotten or freed it is not. */
static void whole_pages(void **state)
{
	uintptr_t page = (uintptr_t)memory + 4096;

	(void)state;
	gosan_shadow_access_at(g[0], page, 4096, GOSAN_WRITE, 1);
	gosan_shadow_access_at(g[0], page, 4096, 0, 1);
	gosan_access_forget(page + 80, 16);
	gosan_shadow_access_at(g[0], page, 4096, GOSAN_WRITE, 1);
	n_found = 0;
	gosan_shadow_access(g[1], page + 88, 1, 0, 0x2000);
	assert_int_equal(n_found, 1);
	gosan_access_forget((uintptr_t)memory, SIZE);
	gosan_shadow_access_at(g[0], page, 4096, GOSAN_WRITE, 1);
	gosan_shadow_free(g[0], page + 160, 8, 1);
	n_found = 0;
	gosan_shadow_access_at(g[0], page, 4096, GOSAN_WRITE, 1);
	assert_int_equal(n_found, 1);
}

/* At the same time: whichever comes first, the other finds it. */
#define ROUNDS 400

static pthread_barrier_t round_begins, round_ends;
static size_t chosen; /* the granule of this round */

static void *writes_one(void *arg)
{
	for (size_t i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&round_begins);
		gosan_shadow_access(g[1], (uintptr_t)memory + 8 * chosen, 8, GOSAN_WRITE, 0x3000);
		pthread_barrier_wait(&round_ends);
	}
	return arg;
}

static void range_meets_single(void **state)
{
	pthread_t thread;

	(void)state;
	pthread_barrier_init(&round_begins, NULL, 2);
	pthread_barrier_init(&round_ends, NULL, 2);
	assert_int_equal(pthread_create(&thread, NULL, writes_one, NULL), 0);
	for (size_t i = 0; i < ROUNDS; i++) {
		gosan_access_forget((uintptr_t)memory, SIZE);
		chosen = i * 37 % 512;
		n_found = 0;
		pthread_barrier_wait(&round_begins);
		gosan_shadow_access_at(g[0], (uintptr_t)memory, 4096, GOSAN_WRITE, 1);
		pthread_barrier_wait(&round_ends);
		if (n_found != 1)
			fail_msg("round %zu: %zu races", i, n_found);
	}
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_are_sums),
		cmocka_unit_test_setup(whole_pages, setup),
		cmocka_unit_test_setup(range_meets_single, setup),
	};

	if (gosan_engine_init() != 0 || gosan_access_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
