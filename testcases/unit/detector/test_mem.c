/* SPDX-License-Identifier: Apache-2.0
 * test_mem.c: the detector's own memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <pthread.h>
#include <cmocka.h>

#include "mem.h"
#include "options.h"

static const size_t sizes[] = {0, 1, 15, 16, 17, 144, 1024, 1025, 2048, 2049, 65536, 65537, 300000};
#define SIZES (sizeof sizes / sizeof *sizes)

static int is_zero(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return 0;
	return 1;
}

static void zeroed_and_aligned_also_on_reuse(void **state)
{
	(void)state;
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < SIZES; i++) {
			unsigned char *p = gosan_mem_alloc(sizes[i]);

			assert_non_null(p);
			assert_int_equal((uintptr_t)p % 16, 0);
			assert_true(is_zero(p, sizes[i]));
			memset(p, 0xa5, sizes[i]);
			gosan_mem_free(p, sizes[i]);
		}
}

static void blocks_do_not_overlap(void **state)
{
	enum { N = 2000 };
	static unsigned char *p[N];

	(void)state;
	for (size_t i = 0; i < N; i++) {
		p[i] = gosan_mem_alloc(sizes[i % SIZES]);
		memset(p[i], (int)(i & 0xff), sizes[i % SIZES]);
	}
	for (size_t i = 0; i < N; i++) {
		for (size_t b = 0; b < sizes[i % SIZES]; b++)
			assert_int_equal(p[i][b], i & 0xff);
		gosan_mem_free(p[i], sizes[i % SIZES]);
	}
}

static void freed_memory_is_used_again(void **state)
{
	(void)state;
	gosan_mem_free(gosan_mem_alloc(144), 144);
	size_t before = gosan_mem_used();

	for (int i = 0; i < 100000; i++)
		gosan_mem_free(gosan_mem_alloc(i % 2 ? 144 : 70000), i % 2 ? 144 : 70000);
	assert_int_equal(gosan_mem_used(), before);
}

static void the_limit_holds(void **state)
{
	void *p[64] = {NULL};
	size_t n = 0;

	(void)state;
	gosan_options.memory_limit_mb = (int)(gosan_mem_used() >> 20) + 8;
	while (n < 64 && (p[n] = gosan_mem_alloc(1 << 20)))
		n++;
	assert_in_range(n, 1, 8);
	while (gosan_mem_alloc(64)) /* small blocks end as well */
		;
	gosan_options.memory_limit_mb = 0;
	for (size_t i = 0; i < n; i++)
		gosan_mem_free(p[i], 1 << 20);
	assert_non_null(gosan_mem_alloc(64));
	assert_null(gosan_mem_alloc(SIZE_MAX - 5));
}

static void sparse_tables_cost_nothing(void **state)
{
	size_t before = gosan_mem_used(), bytes = (size_t)1 << 36;
	char *p = gosan_mem_map(bytes);

	(void)state;
	assert_non_null(p);
	assert_int_equal(p[bytes - 1], 0);
	p[bytes / 2] = 1;
	assert_int_equal(gosan_mem_used(), before);
	gosan_mem_unmap(p, bytes);
	gosan_mem_unmap(NULL, bytes);
	gosan_mem_free(NULL, 16);
}

static void *churn(void *arg)
{
	uintptr_t tag = (uintptr_t)arg;

	for (int i = 0; i < 20000; i++) {
		uintptr_t *p = gosan_mem_alloc(48), *q = gosan_mem_alloc(48);

		*p = tag;
		*q = ~tag;
		if (*p != tag || p[1] || q[5])
			return (void *)1;
		gosan_mem_free(p, 48);
		gosan_mem_free(q, 48);
	}
	return NULL;
}

static void threads_share_it(void **state)
{
	pthread_t t[4];
	void *bad;

	(void)state;
	for (uintptr_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, churn, (void *)(i + 1)), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &bad);
		assert_null(bad);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zeroed_and_aligned_also_on_reuse), cmocka_unit_test(blocks_do_not_overlap),
		cmocka_unit_test(freed_memory_is_used_again),       cmocka_unit_test(the_limit_holds),
		cmocka_unit_test(sparse_tables_cost_nothing),       cmocka_unit_test(threads_share_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
