/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

static go_mutex static_mu;
static go_cond static_cond = GO_COND(&static_mu);

struct box {
	go_mutex mu;
	go_cond filled, emptied;
	int items, got;
	bool done;
};

static void put(struct box *b, int n, go_waitgroup *wg)
{
	for (int i = 0; i < n; i++) {
		go_mutex_lock(&b->mu);
		while (b->items == 3)
			go_cond_wait(&b->emptied);
		b->items++;
		go_cond_signal(&b->filled);
		go_mutex_unlock(&b->mu);
	}
	go_waitgroup_done(wg);
}

static void get(struct box *b, go_waitgroup *wg)
{
	go_defer(go_waitgroup_done, wg);
	go_mutex_lock(&b->mu);
	go_defer(go_mutex_unlock, &b->mu);
	for (;;) {
		while (b->items == 0 && !b->done)
			go_cond_wait(&b->filled);
		if (b->items == 0)
			return;
		b->items--;
		b->got++;
		go_cond_signal(&b->emptied);
	}
}

static void bounded_buffer(void)
{
	int before = go_procs();
	for (int procs = 1; procs <= 8; procs *= 2) {
		struct box b = {.filled = GO_COND(&b.mu), .emptied = GO_COND(&b.mu)};
		go_waitgroup putters = {0}, getters = {0};
		go_set_procs(procs);
		go_waitgroup_add(&putters, 8);
		go_waitgroup_add(&getters, 8);
		for (int i = 0; i < 8; i++) {
			go(put, &b, 500, &putters);
			go(get, &b, &getters);
		}
		go_waitgroup_wait(&putters);
		go_mutex_lock(&b.mu);
		b.done = true;
		go_cond_broadcast(&b.filled);
		go_mutex_unlock(&b.mu);
		go_waitgroup_wait(&getters);
		check_int(b.got, 8 * 500);
	}
	go_set_procs(before);
}

static void wait_turn(go_chan(int) order, go_chan(int) queued, int i)
{
	go_mutex_lock(&static_mu);
	go_send(queued, i);
	go_cond_wait(&static_cond);
	go_send(order, i);
	go_mutex_unlock(&static_mu);
}

static void signals_wake_in_order(void)
{
	go_chan(int) order = go_make(int, 0), queued = go_make(int, 0);
	for (int i = 0; i < 5; i++) {
		go(wait_turn, order, queued, i);
		go_recv(queued);
		go_mutex_lock(&static_mu); /* it is queued once it let go of the mutex */
		go_mutex_unlock(&static_mu);
	}
	for (int i = 0; i < 5; i++) {
		go_cond_signal(&static_cond);
		check_int(go_recv(order), i);
	}
	go_cond_signal(&static_cond); /* nobody: no effect */
	go_chan_free(order);
	go_chan_free(queued);
}

static void without_mutex(void)
{
	go_mutex mu = {0};
	go_cond c = GO_COND(&mu);
	go_cond_wait(&c);
}

static void lost(void)
{
	go_mutex mu = {0};
	go_cond c = GO_COND(&mu);
	go_cond_signal(&c);
	go_mutex_lock(&mu);
	go_cond_wait(&c);
}

static void misuse(void **state)
{
	(void)state;
	expect_exit(without_mutex, 2, "fatal error: sync: unlock of unlocked mutex");
	expect_exit(lost, 2, "all goroutines are asleep - deadlock!");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(bounded_buffer),
		child_test(signals_wake_in_order),
		cmocka_unit_test(misuse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
