/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

static void work(_Atomic int *done, go_waitgroup *wg)
{
	++*done;
	go_waitgroup_done(wg);
}

static void waits_for_all(void)
{
	int before = go_procs();
	for (int procs = 1; procs <= 8; procs *= 2) {
		go_waitgroup wg = {0};
		_Atomic int done = 0;
		go_set_procs(procs);
		go_waitgroup_wait(&wg); /* nothing to wait for */
		for (int round = 1; round <= 3; round++) {
			go_waitgroup_add(&wg, 1000);
			for (int i = 0; i < 1000; i++)
				go(work, &done, &wg);
			go_waitgroup_wait(&wg);
			check_int(done, 1000 * round);
		}
	}
	go_set_procs(before);
}

static void wait_and_report(go_waitgroup *wg, _Atomic int *done, go_chan(int) seen)
{
	go_waitgroup_wait(wg);
	go_send(seen, *done);
}

static void wakes_every_waiter(void)
{
	go_waitgroup wg = {0};
	_Atomic int done = 0;
	go_chan(int) seen = go_make(int, 0);
	go_waitgroup_add(&wg, 1);
	for (int i = 0; i < 10; i++)
		go(wait_and_report, &wg, &done, seen);
	go_sleep(2 * GO_MS);
	go(work, &done, &wg);
	for (int i = 0; i < 10; i++)
		check_int(go_recv(seen), 1);
	go_chan_free(seen);
}

static void add_and_maybe_exit(_Atomic int *sum, int n, bool leave)
{
	*sum += n;
	if (leave)
		go_exit();
	*sum += n;
}

static void go_counts_by_itself(void)
{
	go_waitgroup wg = {0};
	_Atomic int sum = 0;
	for (int i = 0; i < 100; i++)
		go_waitgroup_go(&wg, add_and_maybe_exit, &sum, 1, i % 2 == 0);
	go_waitgroup_wait(&wg);
	check_int(sum, 150);
}

static void negative(void)
{
	go_waitgroup wg = {0};
	go_waitgroup_add(&wg, 1);
	go_waitgroup_add(&wg, -2);
}

static void wait_in_vain(void)
{
	go_waitgroup wg = {0};
	go_waitgroup_add(&wg, 1);
	go_waitgroup_wait(&wg);
}

static void wait_only(go_waitgroup *wg)
{
	go_waitgroup_wait(wg);
}

/* With one processor, the waiter cannot run between the done and the next add. */
static void reused(void)
{
	go_waitgroup wg = {0};
	go_set_procs(1);
	go_waitgroup_add(&wg, 1);
	go(wait_only, &wg);
	go_sleep(GO_MS);
	go_waitgroup_done(&wg);
	go_waitgroup_add(&wg, 1);
	go_sleep(GO_SEC);
}

static void misuse(void **state)
{
	(void)state;
	expect_exit(negative, 2, "panic: sync: negative WaitGroup counter");
	expect_exit(wait_in_vain, 2, "all goroutines are asleep - deadlock!");
	expect_exit(reused, 2, "panic: sync: WaitGroup is reused before previous Wait has returned");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(waits_for_all),
		child_test(wakes_every_waiter),
		child_test(go_counts_by_itself),
		cmocka_unit_test(misuse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
