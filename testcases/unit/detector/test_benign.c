/* SPDX-License-Identifier: Apache-2.0
 * test_benign.c: declared ranges are found by each of their bytes, and die with their memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "benign.h"

#define BASE UINT64_C(0x10000000)

static void every_byte_and_no_other(void **state)
{
	(void)state;
	assert_false(gosan_benign_has(BASE));
	assert_int_equal(gosan_benign_add(BASE + 8, 4), 0);
	assert_int_equal(gosan_benign_add(BASE, 0), 0);
	for (uintptr_t a = BASE; a < BASE + 32; a++)
		assert_int_equal(gosan_benign_has(a), a >= BASE + 8 && a < BASE + 12);
	gosan_benign_forget(BASE, 8);
	gosan_benign_forget(BASE + 12, 100);
	assert_true(gosan_benign_has(BASE + 8));
	gosan_benign_forget(BASE + 11, 1);
	assert_false(gosan_benign_has(BASE + 8));
}

static void across_pages(void **state)
{
	(void)state;
	assert_int_equal(gosan_benign_add(BASE + 4090, 10000), 0);
	assert_true(gosan_benign_has(BASE + 4090));
	assert_true(gosan_benign_has(BASE + 3 * 4096));
	assert_false(gosan_benign_has(BASE + 14090));
	gosan_benign_forget(BASE + 2 * 4096, 1);
	assert_false(gosan_benign_has(BASE + 4090));
}

/* More pages than the table has lists, in one step. */
static void many_in_one_block(void **state)
{
	const size_t n = 5000;

	(void)state;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(gosan_benign_add(BASE + i * 4096 + 16, 8), 0);
	gosan_benign_forget(BASE + 4096, (n - 2) * 4096);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(gosan_benign_has(BASE + i * 4096 + 16), i == 0 || i == n - 1);
	gosan_benign_forget(BASE, n * 4096);
	assert_false(gosan_benign_has(BASE + 16));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_and_no_other),
		cmocka_unit_test(across_pages),
		cmocka_unit_test(many_in_one_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
