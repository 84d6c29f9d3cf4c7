// SPDX-License-Identifier: Apache-2.0
/* The same module under cmocka. */
#include "visits.h"

#include <goroutine.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void one_of_two(void **state)
{
	go_waitgroup all = {0};

	(void)state;
	go_waitgroup_go(&all, visits_note, 1L);
	go_waitgroup_go(&all, visits_note, 2L);
	go_waitgroup_wait(&all);
	assert_in_range(visits_last(), 1, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(one_of_two)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
