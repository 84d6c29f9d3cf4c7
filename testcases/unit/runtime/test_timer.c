/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"
#include "internal.h"

#include <stdatomic.h>

static void sleeps_long_enough(void)
{
	for (int64_t ns = 1; ns < 20 * GO_MS; ns *= 7) {
		int64_t start = go_now();
		go_sleep(ns);
		check(go_now() - start >= ns);
	}
	go_sleep(0);
	go_sleep(-1);
}

static void sleep_then_send(int64_t ns, go_chan(int64_t) out)
{
	int64_t start = go_now();
	go_sleep(ns);
	check(go_now() - start >= ns);
	go_send(out, ns);
}

/* Started in the opposite order of their ends, on one processor. Which of two that are due at once runs first is
 * nobody's promise; that timers fire in order is checked below, on the heap. */
static void all_wake(void)
{
	go_chan(int64_t) out = go_make(int64_t, 32);
	int64_t sum = 0;
	go_set_procs(1);
	for (int64_t i = 32; i > 0; i--)
		go(sleep_then_send, i * GO_MS, out);
	for (int i = 0; i < 32; i++)
		sum += go_recv(out);
	check_int(sum, 32 * 33 / 2 * GO_MS);
	check_int(go_len(out), 0);
}

static void sleep_some(int i, go_waitgroup *wg)
{
	go_sleep((i * 7919) % 20 * GO_MS);
	go_waitgroup_done(wg);
}

static void many_sleepers(void)
{
	enum { N = 10000 };
	for (int procs = 1; procs <= 4; procs *= 2) {
		go_waitgroup wg = {0};
		go_set_procs(procs);
		go_waitgroup_add(&wg, N);
		for (int i = 0; i < N; i++)
			go(sleep_some, i, &wg);
		go_waitgroup_wait(&wg);
		while (go_count() > 1)
			go_sleep(GO_US);
	}
}

/* ---- the heap ---- */

static int64_t fired[1000];
static _Atomic int n_fired;

static void record(void *arg)
{
	struct go__timer *t = arg;
	fired[atomic_load(&n_fired)] = t->when;
	atomic_fetch_add(&n_fired, 1);
}

/* A third is stopped again; the rest fires in the order of time, all by one poller. */
static void heap_keeps_order(void)
{
	static struct go__timer timers[1000];
	int64_t base = go_now() + 100 * GO_MS;
	int stopped = 0;
	check_int(go_id(), 1); /* starts the runtime: go__timer_start leaves that to its callers */
	for (int i = 0; i < 1000; i++)
		go__timer_start(&timers[i], base + (i * 7919) % 1000 * GO_US, record, &timers[i]);
	for (int i = 0; i < 1000; i += 3) {
		check(go__timer_stop(&timers[i]));
		check(!go__timer_stop(&timers[i]));
		stopped++;
	}
	while (atomic_load(&n_fired) < 1000 - stopped)
		go_sleep(GO_MS);
	go_sleep(5 * GO_MS);
	check_int(n_fired, 1000 - stopped);
	for (int i = 1; i < n_fired; i++)
		check(fired[i - 1] <= fired[i]);
}

/* ---- what programs see ---- */

static void after_delivers_the_time(void)
{
	int64_t start = go_now();
	go_chan(int64_t) ch = go_after(3 * GO_MS);
	int64_t at = go_recv(ch);
	check(at - start >= 3 * GO_MS);
	check_int(go_select(GO_RECV(ch), GO_AFTER(5 * GO_MS)), 1);
	go_chan_free(ch);
	go_chan_free(go_after(GO_SEC)); /* stops it */
	go_chan_free(go_after(0));
}

static void a_later_timer_does_not_delay(void)
{
	go_chan(int64_t) late = go_after(10 * GO_SEC);
	int64_t start = go_now();
	go_sleep(GO_MS);
	check(go_now() - start < GO_SEC);
	go_chan_free(late);
}

static void ticker_ticks_and_stops(void)
{
	int64_t start = go_now();
	go_ticker *t = go_ticker_new(2 * GO_MS);
	for (int i = 0; i < 5; i++)
		go_recv(go_ticker_chan(t));
	check(go_now() - start >= 10 * GO_MS);
	go_ticker_stop(t);
	go_select_default(GO_RECV(go_ticker_chan(t)));
	check_int(go_select(GO_RECV(go_ticker_chan(t)), GO_AFTER(10 * GO_MS)), 1);
	check(go_tick(0) == NULL);
}

/* Nobody receives for several periods: one tick waits, the missed ones are gone. */
static void ticker_drops_missed_ticks(void)
{
	go_ticker *t = go_ticker_new(GO_MS);
	go_sleep(20 * GO_MS);
	int64_t first = go_recv(go_ticker_chan(t)), second = go_recv(go_ticker_chan(t));
	check(second - first > 0);
	check(go_len(go_ticker_chan(t)) <= 1);
	go_ticker_stop(t);
}

static void timer_stops_and_resets(void)
{
	go_timer *t = go_timer_new(GO_SEC);
	check(go_timer_stop(t));
	check(!go_timer_stop(t));
	check(!go_timer_reset(t, GO_MS));
	go_recv(go_timer_chan(t));
	check(!go_timer_reset(t, GO_MS));
	go_sleep(5 * GO_MS);
	check(!go_timer_reset(t, GO_SEC)); /* fired, and the old value is dropped */
	check_int(go_select(GO_RECV(go_timer_chan(t)), GO_AFTER(5 * GO_MS)), 1);
	check(go_timer_reset(t, GO_SEC));
	check(go_timer_stop(t));
}

static void send_one(void *arg)
{
	go_chan(int) ch = arg;
	go_send(ch, 1);
}

static void after_func_runs_in_a_goroutine(void)
{
	go_chan(int) ch = go_make(int, 0);
	go_timer *t = go_after_func(GO_MS, send_one, (void *)ch);
	check_int(go_recv(ch), 1);
	check(!go_timer_stop(t));
	go_timer_reset(t, GO_MS);
	check_int(go_recv(ch), 1);
	t = go_after_func(GO_SEC, send_one, (void *)ch);
	check(go_timer_stop(t));
}

/* A goroutine that never lets go must still see its deadline. */
static void deadline_under_load(int procs)
{
	go_set_procs(procs);
	go_context *ctx = go_with_timeout(go_background(), 5 * GO_MS);
	while (go_err(ctx) == 0)
		;
	check_int(go_err(ctx), -ETIMEDOUT);
	go_context_free(ctx);
}

static void deadline_reaches_a_hog(void)
{
	deadline_under_load(1);
	go_sleep(GO_MS);
	deadline_under_load(1);
	deadline_under_load(4);
}

static void one_ticker_is_no_deadlock(void)
{
	go_ticker *t = go_ticker_new(GO_MS);
	check_int(go_select(GO_RECV(go_make(int, 0)), GO_AFTER(30 * GO_MS)), 1);
	go_ticker_stop(t);
	go_recv(go_make(int, 0));
}

static void standstill_after_the_last_timer(void **state)
{
	(void)state;
	expect_exit(one_ticker_is_no_deadlock, 2, "all goroutines are asleep - deadlock!");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(sleeps_long_enough),      child_test(all_wake),
		child_test(many_sleepers),           child_test(heap_keeps_order),
		child_test(after_delivers_the_time), child_test(a_later_timer_does_not_delay),
		child_test(ticker_ticks_and_stops),  child_test(ticker_drops_missed_ticks),
		child_test(timer_stops_and_resets),  child_test(after_func_runs_in_a_goroutine),
		child_test(deadline_reaches_a_hog),  cmocka_unit_test(standstill_after_the_last_timer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
