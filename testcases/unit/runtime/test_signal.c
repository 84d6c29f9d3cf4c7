/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

#include <signal.h>

static void signals_arrive(void)
{
	go_chan(int) ch = go_make(int, 4);
	check_int(go_notify(ch, SIGUSR1, SIGUSR2, 0), 0);
	for (int i = 0; i < 20; i++) {
		int sig = i % 2 ? SIGUSR1 : SIGUSR2;
		kill(getpid(), sig);
		check_int(go_recv(ch), sig);
	}
}

static void to_all_that_listen(void)
{
	go_chan(int) a = go_make(int, 1), b = go_make(int, 1), other = go_make(int, 1);
	check_int(go_notify(a, SIGUSR1, 0), 0);
	check_int(go_notify(b, SIGUSR1, SIGHUP, 0), 0);
	check_int(go_notify(other, SIGUSR2, 0), 0);
	kill(getpid(), SIGUSR1);
	check_int(go_recv(a), SIGUSR1);
	check_int(go_recv(b), SIGUSR1);
	check_int(go_len(other), 0);
	kill(getpid(), SIGHUP);
	check_int(go_recv(b), SIGHUP);
	go_chan_free(b);
	kill(getpid(), SIGUSR1);
	check_int(go_recv(a), SIGUSR1);
}

/* Nobody receives: the handler neither blocks nor loses count of itself. */
static void a_full_channel_drops(void)
{
	go_chan(int) ch = go_make(int, 1), quick = go_make(int, 64);
	go_notify(ch, SIGUSR1, 0);
	go_notify(quick, SIGUSR2, 0);
	for (int i = 0; i < 100; i++)
		kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR2);
	check_int(go_recv(quick), SIGUSR2);
	check_int(go_recv(ch), SIGUSR1);
}

static void bad_numbers(void)
{
	go_chan(int) ch = go_make(int, 1);
	check_int(go_notify(ch, SIGKILL, 0), -EINVAL);
	check_int(go_notify(ch, 1000, 0), -EINVAL);
	check_int(go_notify(NULL, SIGUSR1, 0), -EINVAL);
}

static void wait_with_notify(void)
{
	go_chan(int) ch = go_make(int, 1);
	go_notify(ch, SIGALRM, 0);
	alarm(1);
	check_int(go_recv(ch), SIGALRM); /* a standstill, but no deadlock */
}

static void receive(go_chan(int) ch)
{
	go_recv(ch);
}

static void quit_while_waiting(void)
{
	go_set_procs(1);
	go(receive, go_make(int, 0));
	go_yield();
	kill(getpid(), SIGQUIT);
	go_sleep(10 * GO_SEC);
}

static void quit_while_computing(void)
{
	go_set_procs(1);
	go(receive, go_make(int, 0));
	go_yield();
	kill(getpid(), SIGQUIT);
	for (;;)
		;
}

static void quit_prints_all(void **state)
{
	(void)state;
	expect_exit(quit_while_waiting, 2, "SIGQUIT: quit");
	assert_non_null(strstr(child_output, "goroutine 1 ["));
	assert_non_null(strstr(child_output, "goroutine 2 [chan receive]:"));
	expect_exit(quit_while_computing, 2, "goroutine 2 [chan receive]:");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(signals_arrive), child_test(to_all_that_listen), child_test(a_full_channel_drops),
		child_test(bad_numbers),    child_test(wait_with_notify),   cmocka_unit_test(quit_prints_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
