/* SPDX-License-Identifier: Apache-2.0 */
#include "death.h"

static void takes_the_ready_case(void **state)
{
	(void)state;
	enum { A, B, C };
	int v = 0;
	bool ok = false;
	go_chan(int) a = go_make(int, 1), b = go_make(int, 1), nil = NULL;
	go_send(b, 7);
	assert_int_equal(go_select([A] = GO_RECV(a, &v), [C] = GO_RECV(nil), [B] = GO_RECV_OK(b, &v, &ok)), B);
	assert_int_equal(v, 7);
	assert_true(ok);
	assert_int_equal(go_select(GO_RECV(b, &v), GO_SEND(a, 5)), 1);
	assert_int_equal(go_recv(a), 5);
	assert_int_equal(go_select_default(GO_RECV(a, &v), GO_RECV(nil)), -1);
	assert_int_equal(go_select_default(), -1);
	go_close(a);
	v = 9;
	assert_int_equal(go_select(GO_RECV_OK(a, &v, &ok)), 0);
	assert_false(ok);
	assert_int_equal(v, 0);
	go_chan_free(a);
	go_chan_free(b);
}

static void choice_is_uniform(void **state)
{
	(void)state;
	enum { CASES = 4, ROUNDS = 8000 };
	int hits[CASES] = {0};
	go_chan(int) c[CASES];
	for (int i = 0; i < CASES; i++)
		c[i] = go_make(int, 1);
	for (int r = 0; r < ROUNDS; r++) {
		for (int i = 0; i < CASES; i++)
			(void)go_select_default(GO_SEND(c[i], r));
		hits[go_select(GO_RECV(c[0]), GO_RECV(c[1]), GO_RECV(c[2]), GO_RECV(c[3]))]++;
	}
	for (int i = 0; i < CASES; i++) {
		/* 2000 expected, standard deviation 39 */
		assert_in_range(hits[i], 1700, 2300);
		go_chan_free(c[i]);
	}
}

static void after_fires_and_yields(void **state)
{
	(void)state;
	go_chan(int) never = go_make(int, 0);
	int64_t start = go_now();
	assert_int_equal(go_select(GO_RECV(never), GO_AFTER(20 * GO_MS), GO_AFTER(10 * GO_SEC)), 1);
	assert_true(go_now() - start >= 20 * GO_MS);
	assert_int_equal(go_select(GO_AFTER(0), GO_RECV(never)), 0);
	assert_int_equal(go_select(GO_AFTER(GO_MS)), 0);
	go_chan_free(never);
}

static void sender(go_chan(int) ch, int n)
{
	for (int i = 1; i <= n; i++)
		go_send(ch, i);
}

static void exchange(go_chan(int) in, go_chan(int) out, int n, go_chan(int64_t) result)
{
	int64_t sum = 0;
	for (int sent = 0, got = 0; sent < n || got < n;) {
		int v;
		switch (go_select(GO_SEND(sent < n ? out : NULL, sent + 1), GO_RECV(got < n ? in : NULL, &v))) {
		case 0:
			sent++;
			break;
		case 1:
			sum += v;
			got++;
			break;
		}
	}
	go_send(result, sum);
}

/* Selects against selects, in both directions at once, with the cases in opposite orders. */
static void select_meets_select(void **state)
{
	(void)state;
	enum { ROUNDS = 5000 };
	int before = go_procs();
	for (int procs = 1; procs <= 8; procs *= 2) {
		go_set_procs(procs);
		for (size_t cap = 0; cap < 2; cap++) {
			go_chan(int) x = go_make(int, cap), y = go_make(int, cap);
			go_chan(int64_t) result = go_make(int64_t, 2);
			go(exchange, x, y, ROUNDS, result);
			go(exchange, y, x, ROUNDS, result);
			int64_t sum = go_recv(result) + go_recv(result);
			assert_int_equal(sum, (int64_t)ROUNDS * (ROUNDS + 1));
			go_chan_free(x);
			go_chan_free(y);
			go_chan_free(result);
		}
	}
	go_set_procs(before);
}

static void fan_in_many_cases(void **state)
{
	(void)state;
	enum { PER = 200, CASES = 10 };
	go_chan(int) c[CASES];
	int64_t sum = 0;
	for (int i = 0; i < CASES; i++) {
		c[i] = go_make(int, 0);
		go(sender, c[i], PER);
	}
	for (int i = 0; i < PER * CASES; i++) {
		int v = 0;
		go_select(GO_RECV(c[0], &v), GO_RECV(c[1], &v), GO_RECV(c[2], &v), GO_RECV(c[3], &v),
			  GO_RECV(c[4], &v), GO_RECV(c[5], &v), GO_RECV(c[6], &v), GO_RECV(c[7], &v),
			  GO_RECV(c[8], &v), GO_RECV(c[9], &v));
		sum += v;
	}
	assert_int_equal(sum, CASES * PER * (PER + 1) / 2);
	for (int i = 0; i < CASES; i++)
		go_chan_free(c[i]);
}

static void same_channel_twice(void **state)
{
	(void)state;
	go_chan(int) ch = go_make(int, 0);
	int v = 0, w = 0;
	go(sender, ch, 2);
	go_yield();
	go_select(GO_RECV(ch, &v), GO_RECV(ch, &w));
	assert_int_equal(v + w, 1);
	go_select(GO_RECV(ch, &v), GO_RECV(ch, &w), GO_SEND(ch, 9));
	assert_true(v == 2 || w == 2);
	go_chan_free(ch);
}

static void receiver(go_chan(int) ch, go_chan(int) quit, int *got)
{
	while (go_select(GO_RECV(quit), GO_RECV(ch)) == 1)
		++*got;
	go_send(quit, 0);
}

/* A timer, a sender and a close compete for the same select again and again. */
static void timer_against_channel(void **state)
{
	(void)state;
	go_chan(int) ch = go_make(int, 0), quit = go_make(int, 0);
	int got = 0, sent = 0;
	go(receiver, ch, quit, &got);
	for (int i = 0; i < 300; i++)
		sent += go_select(GO_SEND(ch, i), GO_AFTER(i % 7 * GO_US)) == 0;
	go_send(quit, 0);
	go_recv(quit);
	assert_int_equal(got, sent);
	go_chan_free(ch);
	go_chan_free(quit);
}

static void no_cases(void)
{
	go_select();
}

static void only_nil(void)
{
	go_chan(int) nil = NULL;
	go_select(GO_RECV(nil), GO_SEND(nil, 1));
}

static void send_closed(void)
{
	go_chan(int) ch = go_make(int, 0);
	go_close(ch);
	go_select(GO_SEND(ch, 1), GO_AFTER(GO_SEC));
}

static void close_it(go_chan(int) ch)
{
	go_sleep(GO_MS);
	go_close(ch);
}

static void send_parked_closed(void)
{
	go_chan(int) ch = go_make(int, 0);
	go(close_it, ch);
	go_select(GO_SEND(ch, 1), GO_AFTER(GO_SEC));
}

static void misuse(void **state)
{
	(void)state;
	expect_death("no_cases", 2, "all goroutines are asleep - deadlock!");
	expect_death("only_nil", 2, "all goroutines are asleep - deadlock!");
	expect_death("send_closed", 2, "panic: send on closed channel");
	expect_death("send_parked_closed", 2, "panic: send on closed channel");
}

int main(void)
{
	const struct death deaths[] = {
		{"no_cases", no_cases},
		{"only_nil", only_nil},
		{"send_closed", send_closed},
		{"send_parked_closed", send_parked_closed},
	};
	death_main(deaths, sizeof(deaths) / sizeof(deaths[0]));
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_ready_case),
		cmocka_unit_test(choice_is_uniform),
		cmocka_unit_test(after_fires_and_yields),
		cmocka_unit_test(select_meets_select),
		cmocka_unit_test(fan_in_many_cases),
		cmocka_unit_test(same_channel_twice),
		cmocka_unit_test(timer_against_channel),
		cmocka_unit_test(misuse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
