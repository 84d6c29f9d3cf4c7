/* SPDX-License-Identifier: Apache-2.0
 * test_heap.c: the table of blocks: births, deaths, reuse, interior addresses, lazily marked large blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "heap.h"
#include "race.h"
#include "shadow.h"

static size_t n_found;
static struct gosan_race last;

void gosan_race_found(const struct gosan_race *r)
{
	n_found++;
	last = *r;
}

static struct gosan_g *g, *other;
static const uintptr_t base = 0x200000000000;

static int setup(void **state)
{
	(void)state;
	g = gosan_engine_new_g(1000 + n_found, false);
	other = gosan_engine_new_g(2000 + n_found, false);
	n_found = 0;
	return 0;
}

static void a_block_is_found_by_any_address(void **state)
{
	uintptr_t start;
	size_t size;

	(void)state;
	gosan_heap_alloc(base, 100, 0);
	gosan_heap_alloc(base + 112, 50, 0);
	assert_true(gosan_heap_find(base + 99, &start, &size, NULL));
	assert_int_equal(start, base);
	assert_int_equal(size, 100);
	assert_false(gosan_heap_find(base + 100, &start, &size, NULL));
	assert_true(gosan_heap_find(base + 112, &start, NULL, NULL));
	assert_int_equal(start, base + 112);
	assert_int_equal(gosan_heap_size(base), 100);
	assert_int_equal(gosan_heap_size(base + 1), 0);
	gosan_heap_drop(base);
	assert_false(gosan_heap_find(base + 5, &start, &size, NULL));
}

static void the_living_hide_the_dead(void **state)
{
	uintptr_t start;

	(void)state;
	gosan_heap_born(base, 64, 0);
	gosan_heap_dies(g, base, 5);
	assert_true(gosan_heap_find(base + 20, &start, NULL, NULL));
	assert_int_equal(gosan_heap_size(base), 0);
	gosan_heap_born(base + 16, 32, 0);
	assert_true(gosan_heap_find(base + 20, &start, NULL, NULL));
	assert_int_equal(start, base + 16);
}

static void a_dead_block_is_marked_until_it_is_born_again(void **state)
{
	(void)state;
	gosan_heap_born(base, 40, 0);
	gosan_shadow_access(g, base + 8, 8, GOSAN_WRITE, 0x10);
	assert_int_equal(gosan_heap_dies(g, base, 5), 40);
	assert_int_equal(n_found, 0);
	gosan_shadow_access(g, base + 39, 1, 0, 0x20);
	assert_int_equal(n_found, 1);
	assert_true(last.ordered);
	gosan_heap_born(base, 40, 0);
	gosan_shadow_access(other, base, 40, GOSAN_WRITE, 0x30);
	assert_int_equal(n_found, 1);
	gosan_heap_dies(g, base, 6); /* the other's write is not ordered with it */
	assert_true(n_found > 1);
	assert_true(last.flags & GOSAN_FREE);
}

static void a_large_block_is_marked_when_somebody_comes(void **state)
{
	const size_t size = 64 << 20;
	uintptr_t big = base + ((uintptr_t)1 << 32);

	(void)state;
	gosan_heap_born(big, size, 0);
	gosan_shadow_access(g, big + 100, 8, GOSAN_WRITE, 0x10);
	gosan_heap_dies(g, big, 77);
	assert_int_equal(n_found, 0);
	gosan_shadow_access(g, big + size / 2 + 3, 2, 0, 0x20);
	assert_int_equal(n_found, 1);
	assert_int_equal(last.old_place, 77);
	gosan_shadow_access(other, big + size - 1, 1, 0, 0x21);
	assert_int_equal(n_found, 2);
	assert_false(last.ordered);
	/* Part of it is used for something new. */
	gosan_access_forget(big + 8192, 12288 + 100);
	gosan_shadow_access(other, big + 8192, 12288 + 100, GOSAN_WRITE, 0x22);
	assert_int_equal(n_found, 2);
	gosan_shadow_access(other, big + 8192 + 12288 + 100, 4, GOSAN_WRITE, 0x23);
	assert_int_equal(n_found, 3);
	gosan_access_forget(big, size);
	gosan_shadow_access(other, big + size / 4, 4, GOSAN_WRITE, 0x24);
	assert_int_equal(n_found, 3);
}

static void many_blocks(void **state)
{
	uintptr_t start;

	(void)state;
	for (uintptr_t i = 0; i < 50000; i++)
		gosan_heap_born(base + 48 * i, 40, (uint32_t)i);
	for (uintptr_t i = 0; i < 50000; i++)
		assert_int_equal(gosan_heap_size(base + 48 * i), 40);
	assert_true(gosan_heap_find(base + 48 * 33333 + 39, &start, NULL, NULL));
	assert_int_equal(start, base + 48 * 33333);
	for (uintptr_t i = 0; i < 50000; i++)
		gosan_heap_drop(base + 48 * i);
	assert_false(gosan_heap_find(base + 48 * 33333, &start, NULL, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_block_is_found_by_any_address, setup),
		cmocka_unit_test_setup(the_living_hide_the_dead, setup),
		cmocka_unit_test_setup(a_dead_block_is_marked_until_it_is_born_again, setup),
		cmocka_unit_test_setup(a_large_block_is_marked_when_somebody_comes, setup),
		cmocka_unit_test_setup(many_blocks, setup),
	};

	if (gosan_engine_init() || gosan_access_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
