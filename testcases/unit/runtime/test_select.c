/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

#include "chan.h"

static void takes_the_ready_case(void)
{
	enum { A, B, C };
	int v = 0;
	bool ok = false;
	go_chan(int) a = go_make(int, 1), b = go_make(int, 1), nil = NULL;
	go_send(b, 7);
	check_int(go_select([A] = GO_RECV(a, &v), [C] = GO_RECV(nil), [B] = GO_RECV_OK(b, &v, &ok)), B);
	check_int(v, 7);
	check(ok);
	check_int(go_select(GO_RECV(b, &v), GO_SEND(a, 5)), 1);
	check_int(go_recv(a), 5);
	check_int(go_select_default(GO_RECV(a, &v), GO_RECV(nil)), -1);
	check_int(go_select_default(), -1);
	go_close(a);
	v = 9;
	check_int(go_select(GO_RECV_OK(a, &v, &ok)), 0);
	check(!ok);
	check_int(v, 0);
	go_chan_free(a);
	go_chan_free(b);
}

static void choice_is_uniform(void)
{
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
		check(hits[i] >= 1700 && hits[i] <= 2300);
		go_chan_free(c[i]);
	}
}

static void after_fires_and_yields(void)
{
	go_chan(int) never = go_make(int, 0);
	int64_t start = go_now();
	check_int(go_select(GO_RECV(never), GO_AFTER(20 * GO_MS), GO_AFTER(10 * GO_SEC)), 1);
	check(go_now() - start >= 20 * GO_MS);
	check_int(go_select(GO_AFTER(0), GO_RECV(never)), 0);
	check_int(go_select(GO_AFTER(GO_MS)), 0);
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
		switch (go_select(GO_SEND(sent < n ? out : NULL, sent + 1),
				  GO_RECV(got < n ? in : NULL, &v))) {
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
static void select_meets_select(void)
{
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
			check_int(sum, (int64_t)ROUNDS * (ROUNDS + 1));
			go_chan_free(x);
			go_chan_free(y);
			go_chan_free(result);
		}
	}
	go_set_procs(before);
}

static void fan_in_many_cases(void)
{
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
	check_int(sum, CASES * PER * (PER + 1) / 2);
	for (int i = 0; i < CASES; i++)
		go_chan_free(c[i]);
}

/* More locks than fit into the thread's own list, and the time's among them. */
static void many_cases_and_a_time(void)
{
	enum { CASES = 12, ROUNDS = 200 };
	go_chan(int) c[CASES];
	int64_t sum = 0;
	int timeouts = 0;
	for (int i = 0; i < CASES; i++) {
		c[i] = go_make(int, 0);
		go(sender, c[i], ROUNDS);
	}
	for (int got = 0, v; got < ROUNDS * CASES; got++) {
		int i = go_select(GO_RECV(c[0], &v), GO_RECV(c[1], &v), GO_RECV(c[2], &v), GO_RECV(c[3], &v),
				  GO_RECV(c[4], &v), GO_RECV(c[5], &v), GO_RECV(c[6], &v), GO_RECV(c[7], &v),
				  GO_RECV(c[8], &v), GO_RECV(c[9], &v), GO_RECV(c[10], &v),
				  GO_RECV(c[11], &v), GO_AFTER(got % 5 * GO_US));
		if (i == CASES) {
			timeouts++;
			got--;
		} else {
			sum += v;
		}
		check(timeouts < 1000000);
	}
	check_int(sum, CASES * ROUNDS * (ROUNDS + 1) / 2);
	check_int(go_select(GO_RECV(c[0]), GO_RECV(c[1]), GO_RECV(c[2]), GO_RECV(c[3]), GO_RECV(c[4]),
			    GO_RECV(c[5]), GO_RECV(c[6]), GO_RECV(c[7]), GO_RECV(c[8]), GO_RECV(c[9]),
			    GO_AFTER(GO_MS)),
		  10);
	for (int i = 0; i < CASES; i++)
		go_chan_free(c[i]);
}

static void close_soon(go_chan(int) ch)
{
	go_sleep(GO_MS);
	go_close(ch);
}

static void close_and_for_ever(void)
{
	int v = 5;
	bool ok = true;
	go_chan(int) ch = go_make(int, 0);
	go(close_soon, ch);
	check_int(go_select(GO_AFTER(INT64_MAX), GO_RECV_OK(ch, &v, &ok)), 1);
	check(!ok);
	check_int(v, 0);
	go_chan_free(ch);
}

static void same_channel_twice(void)
{
	go_chan(int) ch = go_make(int, 0);
	int v = 0, w = 0;
	go(sender, ch, 2);
	go_yield();
	go_select(GO_RECV(ch, &v), GO_RECV(ch, &w));
	check_int(v + w, 1);
	go_select(GO_RECV(ch, &v), GO_RECV(ch, &w), GO_SEND(ch, 9));
	check(v == 2 || w == 2);
	go_chan_free(ch);
}

static void receiver(go_chan(int) ch, go_chan(int) quit, int *got)
{
	while (go_select(GO_RECV(quit), GO_RECV(ch)) == 1)
		++*got;
	go_send(quit, 0);
}

/* A timer, a sender and a close compete for the same select again and again. */
static void timer_against_channel(void)
{
	go_chan(int) ch = go_make(int, 0), quit = go_make(int, 0);
	int got = 0, sent = 0;
	go(receiver, ch, quit, &got);
	for (int i = 0; i < 300; i++)
		sent += go_select(GO_SEND(ch, i), GO_AFTER(i % 7 * GO_US)) == 0;
	go_send(quit, 0);
	go_recv(quit);
	check_int(got, sent);
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
	expect_exit(no_cases, 2, "all goroutines are asleep - deadlock!");
	expect_exit(only_nil, 2, "all goroutines are asleep - deadlock!");
	expect_exit(send_closed, 2, "panic: send on closed channel");
	expect_exit(send_parked_closed, 2, "panic: send on closed channel");
}

static void wait_for_close(go_chan(int) closing, go_chan(int) other, go_waitgroup *wg)
{
	bool ok = true;
	int i = go_select(GO_RECV_OK(closing, NULL, &ok), GO_RECV(other));
	check(i == 0 && !ok);
	go_waitgroup_done(wg);
}

static void receive_until_close(go_chan(int) closing, go_waitgroup *wg)
{
	check(!go_recv_ok(closing, NULL));
	go_waitgroup_done(wg);
}

/* A select that a close wakes must not reach for the neighbours that it had in the queue: a receiver before it may
 * be gone. A queue that is in order afterwards shows that nobody did. */
static void a_close_wakes_all_kinds(void)
{
	enum { N = 20 };
	go_chan(int) closing = go_make(int, 0), other = go_make(int, 0);
	const struct go_chan_of *inside = (const void *)closing, *beside = (const void *)other;
	go_waitgroup wg = {0};
	go_set_procs(1);
	go_waitgroup_add(&wg, N);
	for (int i = 0; i < N; i++)
		if (i % 2 == 0)
			go(wait_for_close, closing, other, &wg);
		else
			go(receive_until_close, closing, &wg);
	for (int i = 0; i < 100; i++)
		go_yield(); /* each of them waits */
	check(inside->recvq.first != NULL && beside->recvq.first != NULL);
	go_close(closing);
	go_waitgroup_wait(&wg);
	check(inside->recvq.first == NULL && inside->recvq.last == NULL);
	check(beside->recvq.first == NULL && beside->recvq.last == NULL);
	go_chan_free(closing);
	go_chan_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(takes_the_ready_case),    child_test(choice_is_uniform),
		child_test(after_fires_and_yields),  child_test(select_meets_select),
		child_test(fan_in_many_cases),       child_test(many_cases_and_a_time),
		child_test(close_and_for_ever),      child_test(same_channel_twice),
		child_test(timer_against_channel),   cmocka_unit_test(misuse),
		child_test(a_close_wakes_all_kinds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
