/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

#include <dlfcn.h>
#include <fenv.h>
#include <pthread.h>
#include <stdatomic.h>

static void bounce(go_chan(int) in, go_chan(int) out, int rounds)
{
	for (int i = 0; i < rounds; i++)
		go_send(out, go_recv(in) + 1);
}

static void ping_pong(void)
{
	enum { ROUNDS = 20000 };
	for (int procs = 1; procs <= 8; procs *= 2) {
		go_chan(int) there = go_make(int, 0), back = go_make(int, 0);
		go_set_procs(procs);
		go(bounce, there, back, ROUNDS);
		for (int i = 0; i < ROUNDS; i++) {
			go_send(there, i);
			check_int(go_recv(back), i + 1);
		}
		go_chan_free(there);
		go_chan_free(back);
	}
}

static void count_up(_Atomic long *n, go_waitgroup *wg)
{
	atomic_fetch_add(n, 1);
	go_waitgroup_done(wg);
}

static void hold(go_chan(go_unit) gate, go_waitgroup *wg)
{
	go_unit u;
	go_recv_ok(gate, &u);
	go_waitgroup_done(wg);
}

static void many_goroutines(void)
{
	enum { N = 10000 };
	for (int procs = 1; procs <= 8; procs *= 8) {
		go_chan(go_unit) gate = go_make(go_unit, 0);
		go_waitgroup wg = {0}, held = {0};
		_Atomic long n = 0;
		go_set_procs(procs);
		go_waitgroup_add(&wg, N);
		go_waitgroup_add(&held, N);
		for (int i = 0; i < N; i++) {
			go(count_up, &n, &wg);
			go(hold, gate, &held);
		}
		go_waitgroup_wait(&wg);
		check_int(n, N);
		check(go_count() > N);
		go_close(gate);
		go_waitgroup_wait(&held);
		go_chan_free(gate);
	}
}

static void append(int *order, int *n, int value)
{
	order[(*n)++] = value;
}

/* One processor: a readied goroutine runs next, the others keep their order; who yields queues last. */
static void order_on_one_processor(void)
{
	int order[8], n = 0;
	go_set_procs(1);
	go_yield();
	for (int i = 0; i < 4; i++)
		go(append, order, &n, i);
	check_int(n, 0);
	while (n < 4)
		go_yield();
	int seen = 0;
	for (int i = 0; i < 4; i++)
		seen |= 1 << order[i];
	check_int(seen, 15);
}

static void starve(go_chan(int) in, go_chan(int) out)
{
	for (int v; go_recv_ok(in, &v);)
		go_send(out, v);
}

static void set_flag(_Atomic bool *flag)
{
	atomic_store(flag, true);
}

/* Two goroutines that always wake each other must not keep a third from running. */
static void a_pair_starves_nobody(void)
{
	go_chan(int) a = go_make(int, 0), b = go_make(int, 0);
	_Atomic bool ran = false;
	go_set_procs(1);
	go(starve, a, b);
	go(set_flag, &ran);
	long rounds = 0;
	for (; !atomic_load(&ran) && rounds < 1000000; rounds++) {
		go_send(a, 1);
		go_recv(b);
	}
	check(ran);
	check(rounds < 1000);
	go_close(a);
}

static void spin_until(_Atomic bool *flag)
{
	while (!atomic_load(flag))
		;
}

/* The readied goroutine lies in the runnext of a processor whose goroutine computes: another takes it. */
static void idle_processors_help(void)
{
	_Atomic bool flag = false;
	go_set_procs(2);
	go_sleep(5 * GO_MS);
	go(set_flag, &flag);
	spin_until(&flag);
}

/* Nobody has slept, waited or come by the scheduler before: there is no other thread yet. */
static void the_first_runs_beside_a_computation(void)
{
	_Atomic bool flag = false;
	go_set_procs(2);
	go(set_flag, &flag);
	spin_until(&flag);
}

static void receive_and_set(go_chan(int) ch, _Atomic bool *parking, _Atomic bool *flag)
{
	atomic_store(parking, true);
	check_int(go_recv(ch), 1);
	atomic_store(flag, true);
}

/* Both sides of a pipeline work at once: a receiver that a send woke runs while the sender goes on. On one processor
 * up to there, so that it is the sender who wakes it. */
static void sender_and_receiver_run_at_once(void)
{
	_Atomic bool parking = false, flag = false;
	go_chan(int) ch = go_make(int, 4);
	go_set_procs(1);
	go(receive_and_set, ch, &parking, &flag);
	while (!atomic_load(&parking))
		go_yield();
	go_set_procs(2);
	go_send(ch, 1);
	spin_until(&flag);
}

static void change_procs(void)
{
	go_waitgroup wg = {0};
	_Atomic long n = 0;
	for (int i = 0; i < 40; i++) {
		go_set_procs(i % 5 + 1);
		check_int(go_procs(), i % 5 + 1);
		go_waitgroup_add(&wg, 50);
		for (int k = 0; k < 50; k++)
			go(count_up, &n, &wg);
		go_waitgroup_wait(&wg);
	}
	check_int(n, 40 * 50);
	go_set_procs(0);
	check_int(go_procs(), 5);
}

static void keep_errno(int value, go_waitgroup *wg)
{
	for (int i = 0; i < 200; i++) {
		errno = value;
		go_yield();
		check_int(errno, value);
		if (i % 50 == 0)
			go_sleep(GO_US);
		check_int(errno, value);
	}
	go_waitgroup_done(wg);
}

static void errno_is_the_goroutines(void)
{
	go_waitgroup wg = {0};
	go_set_procs(4);
	go_waitgroup_add(&wg, 20);
	for (int i = 0; i < 20; i++)
		go(keep_errno, i + 1, &wg);
	go_waitgroup_wait(&wg);
}

static int (*set_round)(int), (*get_round)(void);

static void round_up(go_waitgroup *wg)
{
	set_round(FE_UPWARD);
	for (int i = 0; i < 100; i++) {
		go_yield();
		check_int(get_round(), FE_UPWARD);
	}
	set_round(FE_TONEAREST);
	go_waitgroup_done(wg);
}

static void rounding_mode_is_the_goroutines(void)
{
	go_waitgroup wg = {0};
	void *libm = dlopen("libm.so.6", RTLD_NOW);
	*(void **)&set_round = dlsym(libm, "fesetround");
	*(void **)&get_round = dlsym(libm, "fegetround");
	check(set_round != NULL && get_round != NULL);
	go_waitgroup_add(&wg, 2);
	go(round_up, &wg);
	go(round_up, &wg);
	for (int i = 0; i < 100; i++) {
		go_yield();
		check_int(get_round(), FE_TONEAREST);
	}
	go_waitgroup_wait(&wg);
}

static intptr_t wait_for(void *arg)
{
	_Atomic bool *flag = arg;
	while (!atomic_load(flag))
		usleep(100);
	return 42;
}

static void block(_Atomic bool *flag, go_waitgroup *wg)
{
	check_int(go_blocking(wait_for, flag), 42);
	go_waitgroup_done(wg);
}

/* More blocked threads than processors, and the goroutine that frees them still runs. */
static void blocking_gives_the_processor_away(void)
{
	_Atomic bool flag = false;
	go_waitgroup wg = {0};
	go_set_procs(1);
	go_waitgroup_add(&wg, 8);
	for (int i = 0; i < 8; i++)
		go(block, &flag, &wg);
	for (int i = 0; i < 20; i++)
		go_yield();
	atomic_store(&flag, true);
	go_waitgroup_wait(&wg);
}

static intptr_t send_inside(void *arg)
{
	go_chan(int) ch = arg;
	for (int i = 0; i < 10; i++)
		go_send(ch, i);
	return 0;
}

static void block_and_send(go_chan(int) ch)
{
	go_blocking(send_inside, (void *)ch);
	go_send(ch, 99);
}

static void blocking_may_use_the_runtime(void)
{
	go_chan(int) ch = go_make(int, 0);
	go(block_and_send, ch);
	for (int i = 0; i < 10; i++)
		check_int(go_recv(ch), i);
	check_int(go_recv(ch), 99);
}

/* ---- foreign threads ---- */

struct shared {
	go_mutex mu;
	go_chan(int) ch;
	long n;
};

static void *thread_works(void *arg)
{
	struct shared *s = arg;
	for (int i = 0; i < 500; i++) {
		go_mutex_lock(&s->mu);
		s->n++;
		go_mutex_unlock(&s->mu);
	}
	go_send(s->ch, (int)(go_id() > 1));
	return NULL;
}

static void add_500(struct shared *s, go_waitgroup *wg)
{
	for (int i = 0; i < 500; i++) {
		go_mutex_lock(&s->mu);
		s->n++;
		go_mutex_unlock(&s->mu);
	}
	go_waitgroup_done(wg);
}

static void threads_may_call_in(void)
{
	struct shared s = {.ch = go_make(int, 0)};
	pthread_t threads[4];
	go_waitgroup wg = {0};
	for (int i = 0; i < 4; i++) {
		check(pthread_create(&threads[i], NULL, thread_works, &s) == 0);
		go_waitgroup_add(&wg, 1);
		go(add_500, &s, &wg);
	}
	for (int i = 0; i < 4; i++)
		check_int(go_recv(s.ch), 1);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	go_waitgroup_wait(&wg);
	check_int(s.n, 4000);
	while (go_count() > 1)
		go_sleep(GO_US);
}

static void *thread_sends_later(void *arg)
{
	usleep(300000);
	go_send((go_chan(int))arg, 7);
	return NULL;
}

/* Everything sleeps, but a thread that the runtime has never seen will end it. */
static void a_stranger_may_end_a_standstill(void)
{
	go_chan(int) ch = go_make(int, 0);
	pthread_t thread;
	check(pthread_create(&thread, NULL, thread_sends_later, (void *)ch) == 0);
	check_int(go_recv(ch), 7);
	pthread_join(thread, NULL);
}

static void *thread_starts_runtime(void *arg)
{
	go_chan(int) ch = go_make(int, 1);
	check(go_id() != 1);
	go_send(ch, 5);
	return (void *)ch;
	(void)arg;
}

static void first_call_by_a_thread(void)
{
	pthread_t thread;
	void *result;
	check(pthread_create(&thread, NULL, thread_starts_runtime, NULL) == 0);
	pthread_join(thread, &result);
	go_chan(int) ch = result;
	check_int(go_recv(ch), 5);
	check_int(go_id(), 1);
	go(bounce, ch, ch, 0);
	go_sleep(GO_MS);
}

/* ---- ends ---- */

static void receive(go_chan(int) ch)
{
	go_recv(ch);
}

static void main_waits_for_ever(void)
{
	go_chan(int) ch = go_make(int, 0);
	go_set_procs(1);
	go(receive, ch);
	go_yield();
	go_set_name("the waiter");
	go_recv(go_make(int, 0));
}

static void thread_waits_for_ever(void)
{
	pthread_t thread;
	check(pthread_create(&thread, NULL, (void *(*)(void *))(void (*)(void))receive, go_make(int, 0)) ==
	      0);
	go_recv(go_make(int, 0));
}

static void main_exits(void)
{
	go_exit();
}

static void print_and_deadlock(go_chan(int) ch)
{
	fprintf(stderr, "still here\n");
	go_recv(ch);
}

static void main_exits_before_others(void)
{
	go(print_and_deadlock, go_make(int, 0));
	go_exit();
}

static void panic_in_goroutine(void)
{
	go_panic("boom %d", 42);
}

static void panics(void)
{
	go(panic_in_goroutine);
	go_recv(go_make(int, 0));
}

static void park_in_handler(void)
{
	go_recv(go_make(int, 0));
}

static void panic_with_bad_exit_handler(void)
{
	atexit(park_in_handler);
	go_panic("first");
}

static void dead_ends(void **state)
{
	(void)state;
	expect_exit(main_waits_for_ever, 2, "all goroutines are asleep - deadlock!");
	assert_non_null(strstr(child_output, "goroutine 1 [chan receive] the waiter:"));
	assert_non_null(strstr(child_output, "goroutine 2 [chan receive]:"));
	assert_non_null(strstr(child_output, "created by goroutine 1 at "));
	expect_exit(thread_waits_for_ever, 2, "all goroutines are asleep - deadlock!");
	expect_exit(main_exits, 2, "no goroutines (main called runtime.Goexit) - deadlock!");
	expect_exit(main_exits_before_others, 2, "still here");
	expect_exit(panics, 2, "panic: boom 42\n\ngoroutine 2 [running]:");
	expect_exit(panic_with_bad_exit_handler, 2, "panic: first");
}

static void return_while_others_run(void)
{
	static _Atomic bool never;
	go_set_procs(2);
	go(spin_until, &never);
	go(receive, go_make(int, 0));
	go_yield();
}

static void fork_in_goroutine(go_chan(int) out)
{
	pid_t pid = fork();
	if (pid == 0) {
		check_int(go_count(), 1);
		go_chan(int) ch = go_make(int, 0);
		go(bounce, ch, ch, 0);
		go_sleep(GO_MS);
		check_int(go_select(GO_RECV(ch), GO_AFTER(GO_MS)), 1);
		_exit(3);
	}
	int status = 0;
	check(waitpid(pid, &status, 0) == pid);
	go_send(out, WEXITSTATUS(status));
}

static void fork_keeps_one_goroutine(void)
{
	go_chan(int) out = go_make(int, 0);
	go(receive, go_make(int, 0));
	go_sleep(GO_MS);
	go(fork_in_goroutine, out);
	check_int(go_recv(out), 3);
}

static void names_and_ids(void)
{
	check_int(go_id(), 1);
	check_int(go_count(), 1);
	go_set_name("%s-%d", "a name that is much longer than fits", 1);
	go_dump(STDERR_FILENO);
}

static void bounce_until(go_chan(int) in, go_chan(int) out, _Atomic bool *stop)
{
	go_range(v, in) {
		if (atomic_load(stop))
			break;
		go_send(out, v);
	}
	go_close(out);
}

/* Never comes by the scheduler until the goroutine that it started has run. */
static void hog(_Atomic bool *flag, _Atomic bool *stop)
{
	go(set_flag, flag);
	while (!atomic_load(flag))
		;
	atomic_store(stop, true);
}

/* Both processors have work for ever, one of them in a computation with somebody queued behind it: the poller
 * takes that one to the other. A lost one hangs the test. */
static void nobody_waits_behind_a_computation(void)
{
	_Atomic bool flag = false, stop = false;
	go_chan(int) there = go_make(int, 0), back = go_make(int, 0);
	go_set_procs(2);
	go(bounce_until, there, back, &stop);
	go(hog, &flag, &stop);
	int n = 0;
	do
		go_send(there, n++);
	while (go_recv_ok(back, NULL));
	check(atomic_load(&flag) && n > 0);
}

static void flip(_Atomic bool *stop, go_waitgroup *wg)
{
	for (int i = 0; !atomic_load(stop); i++) {
		go_set_procs(1 + i % 4);
		go_yield();
	}
	go_waitgroup_done(wg);
}

/* A processor that is retired for a moment only may have work in its queues: it must not be given up with it,
 * which the runtime itself asserts. */
static void processors_come_and_go_during_hand_offs(void)
{
	enum { ROUNDS = 30000 };
	_Atomic bool stop = false;
	go_chan(int) there = go_make(int, 0), back = go_make(int, 0);
	go_waitgroup wg = {0};
	go_waitgroup_add(&wg, 2);
	go(flip, &stop, &wg);
	go(flip, &stop, &wg);
	go(bounce, there, back, ROUNDS);
	for (int i = 0; i < ROUNDS; i++) {
		go_send(there, i);
		check_int(go_recv(back), i + 1);
	}
	atomic_store(&stop, true);
	go_waitgroup_wait(&wg);
}

static void sleep_often(int n, int64_t until, go_waitgroup *wg)
{
	for (int i = 0; i < n && go_now() < until; i++)
		go_sleep((1 + i % 7) * GO_US);
	go_waitgroup_done(wg);
}

/* Each wake-up makes the poller a worker, and appoints a thread that is just lying down: it must not keep the
 * token of that, or its next sleep ends at once and without a processor. */
static void the_poller_is_appointed_while_it_lies_down(void)
{
	enum { SLEEPERS = 6, TIMES = 3000 };
	for (int procs = 1; procs <= 4; procs *= 2) {
		go_waitgroup wg = {0};
		go_set_procs(procs);
		go_waitgroup_add(&wg, SLEEPERS);
		for (int i = 0; i < SLEEPERS; i++)
			go(sleep_often, TIMES, go_now() + GO_SEC,
			   &wg); /* a busy machine wakes nobody in time */
		go_waitgroup_wait(&wg);
	}
}

static intptr_t wait_for_child(void *arg)
{
	int status = 0;
	pid_t pid = (pid_t)(intptr_t)arg;
	return waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : -1;
}

static intptr_t wait_for_end(void *arg)
{
	char c;
	return read((int)(intptr_t)arg, &c, 1);
}

static void block_for_good(int fd, go_waitgroup *wg)
{
	check_int(go_blocking(wait_for_end, (void *)(intptr_t)fd), 0);
	go_waitgroup_done(wg);
}

/* A thread of the runtime is starting whenever this forks: what it holds in libc or in a sanitizer at that moment
 * would stay held in the child, which starts threads too. */
static void fork_while_threads_start(void)
{
	enum { FORKS = 12 };
	int fds[2];
	go_waitgroup wg = {0};
	check_int(pipe(fds), 0);
	go_set_procs(4);
	for (int i = 0; i < FORKS; i++) {
		go_waitgroup_add(&wg, 3);
		for (int k = 0; k < 3; k++)
			go(block_for_good, fds[0], &wg); /* so the next needs a thread of its own */
		pid_t pid = fork();
		if (pid == 0) {
			go_chan(int) ch = go_make(int, 0);
			go(bounce, ch, ch, 0);
			go(bounce, ch, ch, 0);
			check_int(go_select(GO_RECV(ch), GO_AFTER(GO_US)), 1);
			_exit(3);
		}
		check_int(go_blocking(wait_for_child, (void *)(intptr_t)pid), 3);
	}
	close(fds[1]);
	go_waitgroup_wait(&wg);
}

static void wait_for_ever(go_chan(int) ch)
{
	go_recv(ch);
}

static void dump_many(void)
{
	go_chan(int) ch = go_make(int, 0);
	go_set_procs(1);
	for (int i = 0; i < 20; i++)
		go(wait_for_ever, ch);
	for (int i = 0; i < 100; i++)
		go_yield(); /* each of them has parked */
	go_dump(STDERR_FILENO);
}

static void dump_names(void **state)
{
	(void)state;
	expect_exit(names_and_ids, 0, "goroutine 1 [running] a name that is much longer than:");
	expect_exit(dump_many, 0, "goroutine 20 [chan receive]:\ngoroutine 21 [chan receive]:\n");
	const char *once = strstr(child_output, "wait_for_ever(");
	assert_non_null(once);
	assert_null(strstr(once + 1, "wait_for_ever("));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(ping_pong),
		child_test(many_goroutines),
		child_test(order_on_one_processor),
		child_test(a_pair_starves_nobody),
		child_test(idle_processors_help),
		child_test(the_first_runs_beside_a_computation),
		child_test(sender_and_receiver_run_at_once),
		child_test(nobody_waits_behind_a_computation),
		child_test(processors_come_and_go_during_hand_offs),
		child_test(change_procs),
		child_test(errno_is_the_goroutines),
		child_test(rounding_mode_is_the_goroutines),
		child_test(blocking_gives_the_processor_away),
		child_test(blocking_may_use_the_runtime),
		child_test(threads_may_call_in),
		child_test(a_stranger_may_end_a_standstill),
		child_test(first_call_by_a_thread),
		child_test(return_while_others_run),
		child_test(the_poller_is_appointed_while_it_lies_down),
		child_test(fork_keeps_one_goroutine),
		child_test(fork_while_threads_start),
		cmocka_unit_test(dead_ends),
		cmocka_unit_test(dump_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
