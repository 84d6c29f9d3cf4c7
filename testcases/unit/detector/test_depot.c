/* SPDX-License-Identifier: Apache-2.0
 * test_depot.c: stacks by id, and the caller's stack. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <errno.h>
#include <pthread.h>
#include <cmocka.h>

#include "access.h"
#include "depot.h"
#include "options.h"
#include "mem.h"

static void one_id_per_stack(void **state)
{
	uintptr_t a[] = {1, 2, 3}, b[] = {1, 2, 4};
	uint32_t id = gosan_depot_put(a, 3);
	size_t n;

	(void)state;
	assert_int_not_equal(id, 0);
	assert_int_equal(gosan_depot_put(a, 3), id);
	assert_int_not_equal(gosan_depot_put(b, 3), id);
	assert_int_not_equal(gosan_depot_put(a, 2), id);
	const uintptr_t *pcs = gosan_depot_get(id, &n);

	assert_int_equal(n, 3);
	assert_memory_equal(pcs, a, sizeof a);
}

static void no_stack(void **state)
{
	size_t n = 7;

	(void)state;
	assert_int_equal(gosan_depot_put(NULL, 0), 0);
	assert_null(gosan_depot_get(0, &n));
	assert_int_equal(n, 0);
	assert_null(gosan_depot_get(UINT32_MAX, &n));
	assert_null(gosan_depot_get(60000000, &n));
}

static void long_stacks_are_cut(void **state)
{
	uintptr_t pcs[GOSAN_STACK_MAX + 10];
	size_t n;

	(void)state;
	for (size_t i = 0; i < GOSAN_STACK_MAX + 10; i++)
		pcs[i] = i + 100;
	const uintptr_t *got = gosan_depot_get(gosan_depot_put(pcs, GOSAN_STACK_MAX + 10), &n);

	assert_int_equal(n, GOSAN_STACK_MAX);
	assert_int_equal(got[0], 100);
}

static void *put_many(void *arg)
{
	uint32_t *ids = arg;

	for (uintptr_t i = 0; i < 5000; i++) {
		uintptr_t pcs[] = {i, i * 3, 77};

		ids[i] = gosan_depot_put(pcs, 3);
	}
	return NULL;
}

static void threads_agree(void **state)
{
	static uint32_t ids[4][5000];
	pthread_t t[4];
	size_t n;

	(void)state;
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, put_many, ids[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	for (size_t i = 0; i < 5000; i++) {
		assert_int_not_equal(ids[0][i], 0);
		for (int k = 1; k < 4; k++)
			assert_int_equal(ids[k][i], ids[0][i]);
		assert_int_equal(gosan_depot_get(ids[0][i], &n)[1], i * 3);
	}
}

static void exhausted_memory_is_counted(void **state)
{
	uintptr_t pcs[GOSAN_STACK_MAX] = {0};
	uint64_t lost = gosan_counters->stacks_lost;

	(void)state;
	gosan_options.memory_limit_mb = 1;
	for (uintptr_t i = 0; i < 100000; i++) {
		pcs[0] = 0xabc000 + i;
		if (!gosan_depot_put(pcs, GOSAN_STACK_MAX))
			break;
	}
	gosan_options.memory_limit_mb = 0;
	assert_true(gosan_counters->stacks_lost > lost);
	assert_int_not_equal(gosan_depot_put(pcs, GOSAN_STACK_MAX), 0);
}

/* The compiler must neither inline these nor turn their calls into jumps. */
static __attribute__((noinline)) uint32_t inner(void)
{
	uint32_t id = gosan_unwind_here();

	__asm__ volatile("" ::: "memory");
	return id;
}

static __attribute__((noinline)) uint32_t outer(void)
{
	uint32_t id = inner();

	__asm__ volatile("" ::: "memory");
	return id;
}

static void the_callers_stack(void **state)
{
	size_t n, at_inner = 0, at_outer = 0;

	(void)state;
	assert_int_equal(gosan_unwind_here(), 0);
	gosan_unwind_init();
	errno = 42;
	const uintptr_t *pcs = gosan_depot_get(outer(), &n);

	assert_int_equal(errno, 42);
	assert_true(n >= 3);
	for (size_t i = n; i-- > 0;) {
		if (pcs[i] > (uintptr_t)inner && pcs[i] < (uintptr_t)inner + 256)
			at_inner = i + 1;
		if (pcs[i] > (uintptr_t)outer && pcs[i] < (uintptr_t)outer + 256)
			at_outer = i + 1;
	}
	assert_true(at_inner > 0 && at_outer > 0);
	assert_int_equal(gosan_ignore, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_id_per_stack),
		cmocka_unit_test(no_stack),
		cmocka_unit_test(long_stacks_are_cut),
		cmocka_unit_test(threads_agree),
		cmocka_unit_test(exhausted_memory_is_counted),
		cmocka_unit_test(the_callers_stack),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
