/* SPDX-License-Identifier: Apache-2.0
 * test_clock.c: the trie against plain arrays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "clock.h"
#include "engine.h"
#include "mem.h"
#include "options.h"

/* Chains that lie on all levels of the trie. */
static const uint32_t cids[] = {0,   1,    31,   32,     33,     511,     512,
				600, 8191, 8192, 131071, 131072, 1000000, GOSAN_CID_MAX};
#define N (sizeof cids / sizeof *cids)

static uint64_t random_state = 1;

static uint32_t below(uint32_t n)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % n;
}

static void empty_knows_nothing(void **state)
{
	struct gosan_clock c = {0};

	(void)state;
	for (size_t i = 0; i < N; i++)
		assert_int_equal(gosan_clock_get(&c, cids[i]), 0);
	assert_true(gosan_clock_covers(&c, (struct gosan_stamp){5, 0}));
	assert_false(gosan_clock_covers(&c, (struct gosan_stamp){5, 1}));
	gosan_clock_clear(&c);
	gosan_clock_join(&c, &c);
	gosan_clock_copy(&c, &c);
	assert_null(c.root);
}

static void set_and_get(void **state)
{
	struct gosan_clock c = {0};

	(void)state;
	for (size_t i = N; i-- > 0;)
		gosan_clock_set(&c, cids[i], (uint32_t)i + 7);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(gosan_clock_get(&c, cids[i]), i + 7);
		assert_int_equal(gosan_clock_get(&c, cids[i] + 2), cids[i] == 31 ? 11 : 0);
	}
	gosan_clock_clear(&c);
}

static void a_copy_is_a_snapshot(void **state)
{
	struct gosan_clock a = {0}, b = {0};

	(void)state;
	for (size_t i = 0; i < N; i++)
		gosan_clock_set(&a, cids[i], 1);
	gosan_clock_copy(&b, &a);
	assert_ptr_equal(a.root, b.root);
	for (size_t i = 0; i < N; i++)
		gosan_clock_set(&a, cids[i], 2);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(gosan_clock_get(&b, cids[i]), 1);
		assert_int_equal(gosan_clock_get(&a, cids[i]), 2);
	}
	gosan_clock_clear(&a);
	gosan_clock_clear(&b);
}

static void equal_clocks_become_one(void **state)
{
	struct gosan_clock a = {0}, b = {0};

	(void)state;
	for (size_t i = 0; i < N; i++) {
		gosan_clock_set(&a, cids[i], 3);
		gosan_clock_set(&b, cids[N - 1 - i], 3);
	}
	assert_ptr_not_equal(a.root, b.root);
	gosan_clock_join(&a, &b);
	assert_ptr_equal(a.root, b.root);
	gosan_clock_clear(&a);
	gosan_clock_clear(&b);
}

static bool covered(const uint32_t *by, const uint32_t *what, size_t n)
{
	while (n-- > 0)
		if (what[n] > by[n])
			return false;
	return true;
}

/* Random operations on several clocks, mirrored in arrays. */
static void as_arrays(void **state)
{
	enum { CLOCKS = 12 };
	static struct gosan_clock c[CLOCKS];
	static uint32_t model[CLOCKS][N];
	static const struct gosan_clock none;

	(void)state;
	memset(model, 0, sizeof model);
	for (uint32_t step = 1; step < 60000; step++) {
		uint32_t k, a = below(CLOCKS), b = below(CLOCKS), i = below(step % 3 ? 6 : N);

		switch (below(9)) {
		case 0:
			gosan_clock_copy(&c[a], &c[b]);
			memcpy(model[a], model[b], sizeof model[a]);
			break;
		case 1:
			if (below(10))
				break;
			gosan_clock_clear(&c[a]);
			memset(model[a], 0, sizeof model[a]);
			break;
		case 2:
		case 3:
		case 4:
			gosan_clock_join(&c[a], &c[b]);
			for (size_t n = 0; n < N; n++)
				if (model[b][n] > model[a][n])
					model[a][n] = model[b][n];
			break;
		case 5:
			k = below(CLOCKS);
			gosan_clock_join_since(&c[a], &c[b], covered(model[a], model[k], N) ? &c[k] : &none);
			for (size_t n = 0; n < N; n++)
				if (model[b][n] > model[a][n])
					model[a][n] = model[b][n];
			break;
		default:
			gosan_clock_set(&c[a], cids[i], model[a][i] + 1 + below(3));
			model[a][i] = gosan_clock_get(&c[a], cids[i]);
		}
		for (size_t n = 0; n < N; n++) {
			assert_int_equal(gosan_clock_get(&c[a], cids[n]), model[a][n]);
			assert_int_equal(gosan_clock_get(&c[b], cids[n]), model[b][n]);
		}
	}
	for (int n = 0; n < CLOCKS; n++)
		gosan_clock_clear(&c[n]);
}

/* No node is lost: the same work again needs no more memory. */
static void nothing_leaks(void **state)
{
	size_t used = 0;

	(void)state;
	for (int round = 0; round < 8; round++) {
		struct gosan_clock c[4] = {{0}};

		for (uint32_t i = 0; i < 20000; i++) {
			gosan_clock_set(&c[i % 4], (i * 7919) & 0xffff, i + 1);
			gosan_clock_join(&c[(i + 1) % 4], &c[i % 4]);
		}
		for (int i = 0; i < 4; i++)
			gosan_clock_clear(&c[i]);
		if (round == 0)
			used = gosan_mem_used();
		assert_int_equal(gosan_mem_used(), used);
	}
}

/* Memory ends in the middle of everything: what was known stays known, nothing is invented, and the loss is
 * counted. */
static void exhausted_memory_bounds_from_above(void **state)
{
	enum { WIDE = 4096 };
	static struct gosan_clock a, b;
	uint64_t lost = gosan_counters->clock_lost;

	(void)state;
	for (uint32_t i = 0; i < WIDE; i += 2) {
		gosan_clock_set(&a, i * 32, 5);
		gosan_clock_set(&b, (i + 1) * 32, 6);
		gosan_clock_set(&b, i * 32, 4);
	}
	gosan_options.memory_limit_mb = 1;
	while (gosan_mem_alloc(144))
		;
	struct gosan_clock snapshot = {0};

	gosan_clock_copy(&snapshot, &a);
	gosan_clock_join(&a, &b);
	gosan_options.memory_limit_mb = 0;
	assert_true(gosan_counters->clock_lost > lost);
	for (uint32_t i = 0; i < WIDE; i += 2) {
		assert_true(gosan_clock_get(&a, i * 32) >= 5);
		assert_int_equal(gosan_clock_get(&snapshot, i * 32), 5);
		assert_int_equal(gosan_clock_get(&snapshot, (i + 1) * 32), 0);
		assert_true(gosan_clock_get(&a, (i + 1) * 32) >= 6);
	}
	gosan_clock_join(&a, &b);
	for (uint32_t i = 0; i < WIDE; i += 2)
		assert_true(gosan_clock_get(&a, (i + 1) * 32) >= 6);
	gosan_clock_join(&snapshot, &a); /* and goes on from there */
	gosan_clock_set(&snapshot, 33, 7);
	assert_true(gosan_clock_get(&snapshot, 32) >= 6 && gosan_clock_get(&snapshot, 33) >= 7);
	gosan_clock_clear(&a);
	gosan_clock_clear(&b);
	gosan_clock_clear(&snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_knows_nothing),
		cmocka_unit_test(set_and_get),
		cmocka_unit_test(a_copy_is_a_snapshot),
		cmocka_unit_test(equal_clocks_become_one),
		cmocka_unit_test(as_arrays),
		cmocka_unit_test(nothing_leaks),
		cmocka_unit_test(exhausted_memory_bounds_from_above),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
