/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

static void slow_add(int *n, int k)
{
	go_sleep(2 * GO_MS);
	*n += k;
}

static void do_and_look(go_once *once, int *n, int k, go_chan(int) seen)
{
	go_once_do(once, slow_add, n, k);
	go_send(seen, *n);
}

static void runs_once_and_all_see_it(void)
{
	go_once once = {0};
	go_chan(int) seen = go_make(int, 0);
	int n = 0, first = 0;
	for (int i = 1; i <= 50; i++)
		go(do_and_look, &once, &n, i, seen);
	for (int i = 1; i <= 50; i++) {
		int v = go_recv(seen);
		first = first ? first : v;
		check_int(v, first);
	}
	check(first >= 1 && first <= 50);
	go_chan_free(seen);
}

static void leave(int *n)
{
	++*n;
	go_exit();
}

static void do_leave(go_once *once, int *n)
{
	go_once_do(once, leave, n);
}

static void exit_counts_as_done(void)
{
	go_once once = {0};
	int n = 0;
	go_waitgroup wg = {0};
	for (int i = 0; i < 10; i++)
		go_waitgroup_go(&wg, do_leave, &once, &n);
	go_waitgroup_wait(&wg);
	check_int(n, 1);
}

static void again(go_once *once)
{
	go_once_do(once, again, once);
}

static void recursive(void)
{
	go_once once = {0};
	again(&once);
}

static void recursion_waits_for_ever(void **state)
{
	(void)state;
	expect_exit(recursive, 2, "all goroutines are asleep - deadlock!");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(runs_once_and_all_see_it),
		child_test(exit_counts_as_done),
		cmocka_unit_test(recursion_waits_for_ever),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
