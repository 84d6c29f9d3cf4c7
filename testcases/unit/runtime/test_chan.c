/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

#define N 2000

static void send_range(go_chan(int) ch, int from, int to)
{
	for (int i = from; i < to; i++)
		go_send(ch, i);
}

static void unbuffered_passes_each_value_in_order(void)
{
	go_chan(int) ch = go_make(int, 0);
	check_int(go_cap(ch), 0);
	go(send_range, ch, 0, N);
	for (int i = 0; i < N; i++)
		check_int(go_recv(ch), i);
	go_chan_free(ch);
}

static void buffered_keeps_order_and_counts(void)
{
	go_chan(int) ch = go_make(int, 3);
	go_send(ch, 1);
	go_send(ch, 2);
	check_int(go_len(ch), 2);
	check_int(go_cap(ch), 3);
	check_int(go_recv(ch), 1);
	go_send(ch, 3);
	go_send(ch, 4);
	check_int(go_len(ch), 3);
	for (int i = 2; i <= 4; i++)
		check_int(go_recv(ch), i);
	go(send_range, ch, 0, N);
	for (int i = 0; i < N; i++)
		check_int(go_recv(ch), i);
	check_int(go_len(ch), 0);
	go_chan_free(ch);
}

static void closed_drains_then_gives_zero(void)
{
	int v = 9;
	go_chan(int) ch = go_make(int, 2);
	go_send(ch, 5);
	go_close(ch);
	check(go_recv_ok(ch, &v));
	check_int(v, 5);
	check(!go_recv_ok(ch, &v));
	check_int(v, 0);
	check(!go_recv_ok(ch, NULL));
	check_int(go_recv(ch), 0);
	go_chan_free(ch);
}

static void receive_until_closed(go_chan(int) ch, go_chan(int) result)
{
	int sum = 0;
	go_range(v, ch)
		sum += v;
	go_send(result, sum);
}

static void close_wakes_every_receiver(void)
{
	go_chan(int) ch = go_make(int, 0), result = go_make(int, 0);
	for (int i = 0; i < 20; i++)
		go(receive_until_closed, ch, result);
	go_yield();
	send_range(ch, 0, 100);
	go_close(ch);
	int sum = 0;
	for (int i = 0; i < 20; i++)
		sum += go_recv(result);
	check_int(sum, 100 * 99 / 2);
	go_chan_free(ch);
	go_chan_free(result);
}

static void range_breaks_and_continues(void)
{
	int sum = 0;
	go_chan(int) ch = go_make(int, 10);
	send_range(ch, 0, 10);
	go_range(v, ch) {
		if (v == 2)
			continue;
		if (v == 5)
			break;
		sum += v;
	}
	check_int(sum, 0 + 1 + 3 + 4);
	check_int(go_len(ch), 4);
	go_chan_free(ch);
}

struct big {
	char bytes[1000];
	int n;
};

static void send_big(go_chan(struct big) ch)
{
	struct big b = {.n = 77};
	memset(b.bytes, 'x', sizeof(b.bytes));
	go_send(ch, b);
}

static void elements_of_any_size(void)
{
	for (size_t cap = 0; cap < 2; cap++) {
		go_chan(struct big) big = go_make(struct big, cap);
		go_chan(char) small = go_make(char, cap + 1);
		go_chan(go_unit) none = go_make(go_unit, cap + 1);
		go_chan(const char *) text = go_make(const char *, cap + 1);
		go(send_big, big);
		struct big b = go_recv(big);
		check_int(b.n, 77);
		check_int(b.bytes[999], 'x');
		go_send(small, 'c');
		check_int(go_recv(small), 'c');
		go_send(none, GO_UNIT);
		check_int(go_len(none), 1);
		go_recv(none);
		check_int(go_len(none), 0);
		go_send(text, "abc");
		check(strcmp(go_recv(text), "abc") == 0);
		go_chan_free(big);
		go_chan_free(small);
		go_chan_free(none);
		go_chan_free(text);
	}
}

static void record(go_chan(int) gate, go_chan(int) order, int i)
{
	go_recv(gate);
	go_send(order, i);
}

static void waiters_are_served_first_in_first_out(void)
{
	go_chan(int) gate = go_make(int, 0), order = go_make(int, 0);
	for (int i = 0; i < 5; i++) {
		go(record, gate, order, i);
		go_sleep(5 * GO_MS); /* each is parked before the next comes; only the order depends on it */
	}
	for (int i = 0; i < 5; i++) {
		go_send(gate, 0);
		check_int(go_recv(order), i);
	}
	go_chan_free(gate);
	go_chan_free(order);
}

static void produce(go_chan(int) ch, int n, go_waitgroup *wg)
{
	go_defer(go_waitgroup_done, wg);
	for (int i = 1; i <= n; i++)
		go_send(ch, i);
}

static void consume(go_chan(int) ch, go_chan(int64_t) sums)
{
	int64_t sum = 0;
	go_range(v, ch)
		sum += v;
	go_send(sums, sum);
}

static void many_to_many(size_t cap)
{
	go_chan(int) ch = go_make(int, cap);
	go_chan(int64_t) sums = go_make(int64_t, 0);
	go_waitgroup wg = {0};
	int64_t sum = 0;
	for (int i = 0; i < 8; i++) {
		go_waitgroup_add(&wg, 1);
		go(produce, ch, N, &wg);
		go(consume, ch, sums);
	}
	go_waitgroup_wait(&wg);
	go_close(ch);
	for (int i = 0; i < 8; i++)
		sum += go_recv(sums);
	check_int(sum, 8L * N * (N + 1) / 2);
	go_chan_free(ch);
	go_chan_free(sums);
}

static void nothing_lost_nothing_twice(void)
{
	int before = go_procs();
	for (int procs = 1; procs <= 8; procs *= 2) {
		go_set_procs(procs);
		many_to_many(0);
		many_to_many(1);
		many_to_many(64);
	}
	go_set_procs(before);
}

static void send_closed(void)
{
	go_chan(int) ch = go_make(int, 1);
	go_close(ch);
	go_send(ch, 1);
}

static void close_later(go_chan(int) ch)
{
	go_sleep(GO_MS);
	go_close(ch);
}

static void send_parked_closed(void)
{
	go_chan(int) ch = go_make(int, 0);
	go(close_later, ch);
	go_send(ch, 1);
}

static void close_closed(void)
{
	go_chan(int) ch = go_make(int, 1);
	go_close(ch);
	go_close(ch);
}

static void close_nil(void)
{
	go_chan(int) ch = NULL;
	go_close(ch);
}

static void recv_nil(void)
{
	go_chan(int) ch = NULL;
	go_recv(ch);
}

static void recv_alone(void)
{
	go_recv(go_make(int, 0));
}

static void misuse_panics_as_in_go(void **state)
{
	(void)state;
	expect_exit(send_closed, 2, "panic: send on closed channel");
	expect_exit(send_parked_closed, 2, "panic: send on closed channel");
	expect_exit(close_closed, 2, "panic: close of closed channel");
	expect_exit(close_nil, 2, "panic: close of nil channel");
	expect_exit(recv_nil, 2, "all goroutines are asleep - deadlock!");
	expect_exit(recv_alone, 2, "all goroutines are asleep - deadlock!");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(unbuffered_passes_each_value_in_order),
		child_test(buffered_keeps_order_and_counts),
		child_test(closed_drains_then_gives_zero),
		child_test(close_wakes_every_receiver),
		child_test(range_breaks_and_continues),
		child_test(elements_of_any_size),
		child_test(waiters_are_served_first_in_first_out),
		child_test(nothing_lost_nothing_twice),
		cmocka_unit_test(misuse_panics_as_in_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
