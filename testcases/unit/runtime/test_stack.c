/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"
#include "scheduler.h"

#include <glob.h>
#include <netdb.h>
#include <regex.h>
#include <signal.h>

static void use_most(go_waitgroup *wg)
{
	volatile char room[200 << 10];
	for (size_t i = 0; i < sizeof(room); i += 4096)
		room[i] = (char)i;
	go_yield();
	for (size_t i = 0; i < sizeof(room); i += 4096)
		check(room[i] == (char)i);
	go_waitgroup_done(wg);
}

static void has_200_kilobytes(void)
{
	go_waitgroup wg = {0};
	for (int round = 0; round < 3; round++) {
		go_waitgroup_add(&wg, 20);
		for (int i = 0; i < 20; i++)
			go(use_most, &wg);
		go_waitgroup_wait(&wg);
	}
}

static void use_900_kilobytes(go_chan(int) out)
{
	volatile char room[900 << 10];
	int sum = 0;
	for (size_t i = 0; i < sizeof(room); i += 4096)
		room[i] = 1;
	go_yield();
	for (size_t i = 0; i < sizeof(room); i += 4096)
		sum += room[i];
	go_send(out, sum);
}

static void size_by_the_environment(void)
{
	setenv("GO_STACK", "1m", 1);
	go_chan(int) out = go_make(int, 0);
	go(use_900_kilobytes, out);
	check_int(go_recv(out), 900 / 4);
	check_int(go__stack_size(), 1 << 20);
}

static int by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* What libc keeps on the stack: the digits of a number, tables of a pattern, names of files, records of a host. */
static void call_deep(go_chan(bool) out)
{
	enum { DIGITS = 4000, N = 20000 };
	static int numbers[N];
	static char text[2 * DIGITS];
	struct addrinfo *host = NULL, hints = {.ai_flags = AI_NUMERICHOST};
	glob_t files;
	regex_t pattern;
	check_int(snprintf(text, sizeof(text), "%.*Lf", DIGITS, 1.0L / 3), DIGITS + 2);
	check_int(regcomp(&pattern, "^(0\\.3+)[0-9]*$", REG_EXTENDED | REG_NOSUB), 0);
	check_int(regexec(&pattern, text, 0, NULL, 0), 0);
	regfree(&pattern);
	for (int i = 0; i < N; i++)
		numbers[i] = i * 7919 % N;
	qsort(numbers, N, sizeof(int), by_value);
	check_int(numbers[N - 1], N - 1);
	check_int(glob("/pr*/self/sta*", 0, NULL, &files), 0);
	globfree(&files);
	check_int(getaddrinfo("127.0.0.1", "80", &hints, &host), 0);
	freeaddrinfo(host);
	go_send(out, true);
}

static void libc_calls_fit(void)
{
	go_chan(bool) out = go_make(bool, 0);
	go(call_deep, out);
	check(go_recv(out));
}

static void slots_are_reused_last_first(void)
{
	void *a = go__stack_get(NULL), *b = go__stack_get(NULL);
	check(a != NULL && b != NULL && a != b);
	go__stack_put(NULL, a);
	go__stack_put(NULL, b);
	check(go__stack_get(NULL) == b);
	check(go__stack_get(NULL) == a);
}

/* Far above the watermark, with the guards still in place. */
static void many_slots(void)
{
	enum { N = 2000 };
	static char *slots[N];
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < N; i++) {
			slots[i] = go__stack_get(NULL);
			check(slots[i] != NULL);
			slots[i][go__stack_guard()] = 1;
			slots[i][go__stack_size() - 1] = 1;
		}
		for (int i = 0; i < N; i++)
			go__stack_put(NULL, slots[i]);
	}
}

/* What a whole period left untouched loses its pages, but for some that stay warm; what was taken meanwhile
 * does not. */
static void a_burst_is_given_back(void)
{
	enum { N = 2000 };
	static char *slots[N];
	int zeroed = 0;
	many_slots();
	go__stack_trim(GO_SEC);
	check(go__stack_trim_in(GO_SEC) > 0);
	go__stack_trim(2 * GO_SEC);
	check_int(go__stack_trim_in(2 * GO_SEC), -1);
	for (int i = 0; i < N; i++) {
		slots[i] = go__stack_get(NULL);
		zeroed += slots[i][go__stack_size() - 1] == 0;
		slots[i][go__stack_size() - 1] = 1;
	}
	check(zeroed >= N - 64 && zeroed < N);
	for (int i = 0; i < N; i++)
		go__stack_put(NULL, slots[i]);
	go__stack_trim(3 * GO_SEC);
	check(go__stack_trim_in(3 * GO_SEC) > 0); /* they were needed */
	char *last = go__stack_get(NULL);
	check_int(last[go__stack_size() - 1], 1);
}

static void touch_guard(void)
{
	volatile char *slot = go__stack_get(NULL);
	signal(SIGSEGV, SIG_DFL);
	slot[go__stack_guard() - 1] = 1;
}

static void touch_guard_after_reuse(void)
{
	many_slots();
	touch_guard();
}

static int __attribute__((noinline)) deeper(int n)
{
	volatile char frame[500];
	frame[0] = (char)n;
	return n == 0 ? 0 : deeper(n + 1) + frame[0];
}

static void recurse(void)
{
	go_set_name("digger");
	deeper(1);
}

static void overflow(void)
{
	go(recurse);
	go_recv(go_make(int, 0));
}

static void overflow_after_reuse(void)
{
	go_waitgroup wg = {0};
	for (int i = 0; i < 1000; i++)
		go_waitgroup_go(&wg, go_yield);
	go_waitgroup_wait(&wg);
	overflow();
}

static void null_pointer(void)
{
	volatile uintptr_t nowhere = 8;
	signal(SIGSEGV, SIG_DFL); /* cmocka has its own */
	go_yield();
	*(volatile int *)nowhere = 1;
}

static void own_handler(int sig)
{
	(void)sig;
	_exit(9);
}

static void null_pointer_with_handler(void)
{
	volatile uintptr_t nowhere = 8;
	signal(SIGSEGV, own_handler);
	go_yield();
	*(volatile int *)nowhere = 1;
}

static void faults(void **state)
{
	int status = child_run(touch_guard, child_output, sizeof(child_output));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	status = child_run(touch_guard_after_reuse, child_output, sizeof(child_output));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	(void)state;
}

static void overflow_is_named(void **state)
{
	(void)state;
	expect_exit(overflow, 2, "goroutine 2 (digger): stack overflow");
	assert_non_null(strstr(child_output, "created by goroutine 1 at "));
	expect_exit(overflow_after_reuse, 2, "(digger): stack overflow");
}

static void other_faults_pass(void **state)
{
	int status = child_run(null_pointer, child_output, sizeof(child_output));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	expect_exit(null_pointer_with_handler, 9, "");
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(has_200_kilobytes),
		child_test(size_by_the_environment),
		child_test(libc_calls_fit),
		child_test(slots_are_reused_last_first),
		child_test(many_slots),
		child_test(a_burst_is_given_back),
		cmocka_unit_test(faults),
		cmocka_unit_test(overflow_is_named),
		cmocka_unit_test(other_faults_pass),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
