/* SPDX-License-Identifier: Apache-2.0
 *
 * test_shadow.c: the shadow against a model that forgets nothing, and its corners one by one.
 */
#include "shadow.h"
#include "context.h"
#include "mem.h"
#include "race.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define THREADS 12
#define SYNCS   4
#define PAST    4000

/* race.c's place is taken by a counter. */
static size_t n_found;
static struct gosan_race last;

void gosan_race_found(const struct gosan_race *r)
{
	n_found++;
	last = *r;
}

static struct gosan_g *g[THREADS];
static struct gosan_obj *sync_obj[SYNCS];
static char memory[1 << 16] __attribute__((aligned(4096)));

static void release(size_t t, size_t o)
{
	struct gosan_event ev = {.op = GOSAN_EV_HB_RELEASE, .g = g[t], .obj = sync_obj[o]};

	gosan_engine_event(&ev);
}

static void acquire(size_t t, size_t o)
{
	struct gosan_event ev = {.op = GOSAN_EV_HB_ACQUIRE, .g = g[t], .obj = sync_obj[o]};

	gosan_engine_event(&ev);
}

static size_t access_at(size_t t, uintptr_t addr, size_t size, unsigned flags)
{
	size_t before = n_found;

	gosan_shadow_access(g[t], addr, size, flags, 0x1000 + t);
	return n_found - before;
}

static int setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		g[i] = gosan_engine_new_g(100 + i, false);
	for (size_t i = 0; i < SYNCS; i++)
		sync_obj[i] = gosan_engine_object_at(0x5000 + 64 * i, GOSAN_OBJ_OTHER);
	gosan_access_forget((uintptr_t)memory, sizeof(memory));
	n_found = 0;
	return 0;
}

static void two_unordered_writes(void **state)
{
	uintptr_t a = (uintptr_t)memory;

	(void)state;
	assert_int_equal(access_at(0, a, 4, GOSAN_WRITE), 0);
	assert_int_equal(access_at(0, a, 4, GOSAN_WRITE), 0);
	assert_int_equal(access_at(1, a + 4, 4, GOSAN_WRITE), 0);
	assert_int_equal(access_at(1, a + 3, 2, 0), 1);
	assert_int_equal(last.addr, a + 3);
	assert_ptr_equal(last.g, g[1]);
	assert_int_equal(last.old_at.cid, g[0]->cid);
	assert_false(last.ordered);
}

static void order_silences(void **state)
{
	uintptr_t a = (uintptr_t)memory;

	(void)state;
	access_at(0, a, 8, GOSAN_WRITE);
	release(0, 0);
	acquire(1, 0);
	assert_int_equal(access_at(1, a, 8, GOSAN_WRITE), 0);
	access_at(0, a + 8, 8, GOSAN_WRITE); /* after the release */
	assert_int_equal(access_at(1, a + 8, 1, 0), 1);
}

static void atomics(void **state)
{
	uintptr_t a = (uintptr_t)memory;

	(void)state;
	access_at(0, a, 4, GOSAN_WRITE | GOSAN_ATOMIC);
	assert_int_equal(access_at(1, a, 4, GOSAN_WRITE | GOSAN_ATOMIC), 0);
	assert_int_equal(access_at(2, a, 4, GOSAN_ATOMIC), 0);
	assert_int_equal(access_at(3, a, 4, 0), 2);
	/* An atomic write after a plain one must not hide it: a third's atomic conflicts with the plain. */
	access_at(4, a + 8, 4, GOSAN_WRITE);
	release(4, 1);
	acquire(5, 1);
	assert_int_equal(access_at(5, a + 8, 4, GOSAN_WRITE | GOSAN_ATOMIC), 0);
	assert_int_equal(access_at(6, a + 8, 4, GOSAN_ATOMIC), 1);
	assert_int_equal(last.old_at.cid, g[4]->cid);
}

static void ten_thousand_readers(void **state)
{
	uintptr_t a = (uintptr_t)memory;

	(void)state;
	for (size_t round = 0; round < 100; round++)
		for (size_t t = 1; t < THREADS; t++) {
			assert_int_equal(access_at(t, a, 8, 0), 0);
			release(t, 1);
		}
	assert_true(access_at(0, a, 1, GOSAN_WRITE) >= 1);
	acquire(2, 1); /* knows every read now */
	assert_int_equal(access_at(2, a + 1, 7, GOSAN_WRITE), 0);
}

/* Bytes of one moment from eight places take one cell or two, no list; what conflicts with them is told place by place. */
static void places_share_a_cell(void **state)
{
	uintptr_t a = (uintptr_t)memory;
	const struct gosan_granule *s;

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		gosan_shadow_access(g[0], a + i, 1, GOSAN_WRITE, 0x2000 + i);
	s = (const struct gosan_granule *)(gosan_shadow_base + ((a & gosan_shadow_mask) << 1));
	assert_int_equal(s->places & GOSAN_GRANULE_LISTED, 0);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(access_at(1 + i, a + i, 1, 0), 1);
		assert_int_equal(last.addr, a + i);
		assert_int_equal(last.old_bytes, 1u << i);
		assert_int_equal(gosan_context_pc(last.old_place), 0x2000 + i);
	}
	assert_int_equal(access_at(9, a, 8, GOSAN_WRITE), 8 + 8); /* the writes, and a read of each byte */
	/* Three fields, and what lies across two of them is written again from elsewhere. */
	a += 8;
	gosan_shadow_access(g[0], a, 4, GOSAN_WRITE, 0x2100);
	gosan_shadow_access(g[0], a + 4, 2, GOSAN_WRITE, 0x2101);
	gosan_shadow_access(g[0], a + 6, 2, GOSAN_WRITE, 0x2102);
	gosan_shadow_access(g[0], a + 2, 4, GOSAN_WRITE, 0x2103);
	assert_int_equal(access_at(1, a + 4, 1, 0), 1);
	assert_int_equal(last.old_bytes, 0x3c);
	assert_int_equal(gosan_context_pc(last.old_place), 0x2103);
	assert_int_equal(access_at(1, a, 2, 0), 1);
	assert_int_equal(last.old_bytes, 0x03);
	assert_int_equal(gosan_context_pc(last.old_place), 0x2100);
	assert_int_equal(access_at(1, a + 6, 2, 0), 1);
	assert_int_equal(gosan_context_pc(last.old_place), 0x2102);
}

/* A word at any address: half of it repeats, half does not, and each half meets what is in its own granule. */
static void words_across_granules(void **state)
{
	uintptr_t a = (uintptr_t)memory;

	(void)state;
	access_at(1, a + 9, 1, GOSAN_WRITE);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(access_at(0, a + i, 8, 0), i >= 2);
	assert_int_equal(last.addr, a + 9);
	assert_int_equal(last.both, 2);
	assert_int_equal(last.size, 8);
	for (unsigned i = 0; i < 15; i++)
		assert_int_equal(access_at(2, a + i, 1, GOSAN_WRITE), i == 9 ? 2 : 1);
	assert_int_equal(access_at(3, a + 13, 4, GOSAN_WRITE), 2);
}

static void use_after_free(void **state)
{
	uintptr_t a = (uintptr_t)memory;

	(void)state;
	access_at(0, a, 8, GOSAN_WRITE);
	gosan_shadow_free(g[0], a, 40, 77);
	assert_int_equal(n_found, 0);
	assert_int_equal(access_at(0, a + 32, 4, 0), 1);
	assert_true(last.ordered);
	assert_int_equal(last.old_place, 77);
	assert_int_equal(access_at(1, a + 39, 1, GOSAN_WRITE), 1);
	assert_false(last.ordered);
	gosan_access_forget(a, 40);
	assert_int_equal(access_at(1, a, 40, GOSAN_WRITE), 0);
	gosan_shadow_free(g[2], a, 40, 78);
	assert_true(n_found > 2); /* the free races with the write */
}

static void forgetting_is_exact(void **state)
{
	uintptr_t a = (uintptr_t)memory;

	(void)state;
	access_at(0, a, 24, GOSAN_WRITE);
	access_at(1, a, 24, GOSAN_ATOMIC);
	gosan_access_forget(a + 3, 14);
	n_found = 0;
	assert_int_equal(access_at(2, a + 3, 14, GOSAN_WRITE), 0);
	assert_true(access_at(3, a + 2, 1, 0) >= 1);
	assert_true(access_at(3, a + 17, 1, 0) >= 1);
}

/* The model: every access that ever was, and dense clocks. */
struct past {
	size_t t;
	uintptr_t addr;
	size_t size;
	unsigned flags;
	unsigned epoch;
};
static struct past past[PAST];
static size_t n_past;
static unsigned clock_of[THREADS][THREADS], clock_obj[SYNCS][THREADS];

static void model_release(size_t t, size_t o)
{
	for (size_t i = 0; i < THREADS; i++)
		if (clock_of[t][i] > clock_obj[o][i])
			clock_obj[o][i] = clock_of[t][i];
	clock_of[t][t]++;
}

static void model_acquire(size_t t, size_t o)
{
	for (size_t i = 0; i < THREADS; i++)
		if (clock_obj[o][i] > clock_of[t][i])
			clock_of[t][i] = clock_obj[o][i];
}

static bool covers(const struct past *p, uintptr_t byte)
{
	return byte >= p->addr && byte < p->addr + p->size;
}

/* Does the byte conflict with the past; and did the same goroutine touch it before in this epoch, at least as
 * strongly, so that the conflict was there to be seen from the other side? */
static bool racy_byte(const struct past *now, uintptr_t byte, bool *ret_repeated)
{
	bool racy = false;

	for (size_t i = 0; i < n_past; i++) {
		const struct past *p = &past[i];

		if (!covers(p, byte))
			continue;
		if (p->t == now->t)
			*ret_repeated |= p->epoch == now->epoch &&
					 ((p->flags & GOSAN_WRITE) || !(now->flags & GOSAN_WRITE)) &&
					 (!(p->flags & GOSAN_ATOMIC) || (now->flags & GOSAN_ATOMIC));
		else
			racy |= ((p->flags | now->flags) & GOSAN_WRITE) &&
				!(p->flags & now->flags & GOSAN_ATOMIC) && p->epoch > clock_of[now->t][p->t];
	}
	return racy;
}

static void model_access(struct past now, bool *ret_may, bool *ret_must)
{
	now.epoch = clock_of[now.t][now.t];
	for (size_t i = 0; i < now.size; i++) {
		bool repeated = false, racy = racy_byte(&now, now.addr + i, &repeated);

		*ret_may |= racy;
		*ret_must |= racy && !repeated;
	}
	past[n_past++] = now;
}

static void one_run(unsigned seed, size_t threads)
{
	static const size_t sizes[] = {1, 2, 4, 8, 16, 3, 24};

	setup(NULL);
	srand(seed);
	n_past = 0;
	memset(clock_obj, 0, sizeof(clock_obj));
	memset(clock_of, 0, sizeof(clock_of));
	for (size_t i = 0; i < THREADS; i++)
		clock_of[i][i] = 1;
	for (size_t step = 0; step < 600; step++) {
		size_t t = (size_t)rand() % threads, o = (size_t)rand() % SYNCS;
		int what = rand() % 10;

		if (what == 0) {
			release(t, o);
			model_release(t, o);
		} else if (what == 1) {
			acquire(t, o);
			model_acquire(t, o);
		} else {
			struct past p = {.t = t,
					 .addr = (uintptr_t)memory + (size_t)rand() % 24,
					 .size = sizes[rand() % 7],
					 .flags = (unsigned)rand() % 4};
			bool may = false, must = false, found = access_at(t, p.addr, p.size, p.flags) > 0;

			model_access(p, &may, &must);
			if (found ? !may : must)
				fail_msg("seed %u step %zu: found %d, may %d, must %d", seed, step, found,
					 may, must);
		}
	}
}

static void against_the_model(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 300; seed++)
		one_run(seed, 2 + seed % (THREADS - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(two_unordered_writes, setup),
		cmocka_unit_test_setup(order_silences, setup),
		cmocka_unit_test_setup(atomics, setup),
		cmocka_unit_test_setup(ten_thousand_readers, setup),
		cmocka_unit_test_setup(places_share_a_cell, setup),
		cmocka_unit_test_setup(words_across_granules, setup),
		cmocka_unit_test_setup(use_after_free, setup),
		cmocka_unit_test_setup(forgetting_is_exact, setup),
		cmocka_unit_test(against_the_model),
	};

	gosan_engine_init();
	gosan_access_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
