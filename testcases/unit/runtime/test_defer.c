/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

struct log {
	int n, at[16];
};

static void note(struct log *log, int what)
{
	log->at[log->n++] = what;
}

static void assert_log(const struct log *log, int n, const int *want)
{
	check_int(log->n, n);
	for (int i = 0; i < n; i++)
		check_int(log->at[i], want[i]);
}

static void scopes(struct log *log)
{
	go_defer(note, log, 1);
	for (int i = 10; i < 12; i++) {
		go_defer(note, log, i);
		note(log, 0);
	}
	go_defer(note, log, 2);
	note(log, 3);
}

static void runs_at_the_end_of_the_scope(void)
{
	struct log log = {0};
	scopes(&log);
	assert_log(&log, 7, (const int[]){0, 10, 0, 11, 3, 2, 1});
}

static void evaluates_now(void)
{
	struct log log = {0};
	{
		int i = 1;
		go_defer(note, &log, i);
		i = 2;
		note(&log, i);
	}
	assert_log(&log, 2, (const int[]){2, 1});
}

static void inner(struct log *log)
{
	go_defer(note, log, 2);
	go_exit();
}

static void outer(struct log *log, go_chan(int) done)
{
	go_defer_close(done);
	go_defer(note, log, 1);
	inner(log);
	note(log, 99);
}

static void exit_runs_them_innermost_first(void)
{
	struct log log = {0};
	go_chan(int) done = go_make(int, 0);
	go(outer, &log, done);
	check(!go_recv_ok(done, NULL));
	assert_log(&log, 2, (const int[]){2, 1});
	go_chan_free(done);
}

static void exits_too(struct log *log)
{
	note(log, 5);
	go_exit();
}

static void exit_in_defer(struct log *log, go_waitgroup *wg)
{
	go_defer(go_waitgroup_done, wg);
	go_defer(exits_too, log);
	note(log, 4);
}

static void a_deferred_call_may_exit(void)
{
	struct log log = {0};
	go_waitgroup wg = {0};
	go_waitgroup_add(&wg, 1);
	go(exit_in_defer, &log, &wg);
	go_waitgroup_wait(&wg);
	assert_log(&log, 2, (const int[]){4, 5});
}

static jmp_buf env;

static void jump(struct log *log)
{
	go_defer(note, log, 9);
	longjmp(env, 1);
}

static void scope_around_jump(struct log *log)
{
	go_defer(note, log, 1);
	if (setjmp(env) == 0)
		jump(log);
	note(log, 2);
}

static void longjmp_drops_what_it_leaves(void)
{
	struct log log = {0};
	scope_around_jump(&log);
	assert_log(&log, 2, (const int[]){2, 1});
}

static void say(const char *text)
{
	fprintf(stderr, "%s", text);
}

static void main_exits(void)
{
	go_defer(say, "deferred\n");
	go_exit();
}

static void main_may_exit(void **state)
{
	(void)state;
	expect_exit(main_exits, 2, "deferred\n");
	expect_exit(main_exits, 2, "no goroutines (main called runtime.Goexit) - deadlock!");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(runs_at_the_end_of_the_scope),   child_test(evaluates_now),
		child_test(exit_runs_them_innermost_first), child_test(a_deferred_call_may_exit),
		child_test(longjmp_drops_what_it_leaves),   cmocka_unit_test(main_may_exit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
