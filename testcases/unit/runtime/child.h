/* SPDX-License-Identifier: Apache-2.0
 *
 * child.h: each test of the runtime in a process of its own, whose main goroutine it is.
 *
 * cmocka keeps its state in thread-local variables, and goroutines, main's too, move between threads; so
 * cmocka stays in a parent that never calls the runtime. A test is a function of no arguments that checks
 * with check() and check_int(), or ends as a panic does.
 */
#ifndef CHILD_H
#define CHILD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "goroutine.h"

#define CHILD_SECONDS 60

#define check(cond)          check_that((cond), #cond, __FILE__, __LINE__)
#define check_int(got, want) check_equal((int64_t)(got), (int64_t)(want), #got, __FILE__, __LINE__)

static inline void check_that(bool cond, const char *text, const char *file, int line)
{
	if (cond)
		return;
	fprintf(stderr, "%s:%d: not true: %s\n", file, line, text);
	_exit(1);
}

static inline void check_equal(int64_t got, int64_t want, const char *text, const char *file, int line)
{
	if (got == want)
		return;
	fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", file, line, text, (long long)got, (long long)want);
	_exit(1);
}

/* Runs body; what it writes to standard error goes to `out`. Its wait status. */
static inline int child_run(void (*body)(void), char *out, size_t size)
{
	int fds[2], status = 0;
	size_t used = 0;
	ssize_t got;
	fflush(NULL);
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(CHILD_SECONDS);
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		body();
		exit(0);
	}
	close(fds[1]);
	while (used + 1 < size && (got = read(fds[0], out + used, size - 1 - used)) > 0)
		used += (size_t)got;
	out[used] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static char child_output[1 << 18];

/* The body ends with the status, and says the text. */
static inline void expect_exit(void (*body)(void), int exit_status, const char *text)
{
	int status = child_run(body, child_output, sizeof(child_output));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != exit_status || strstr(child_output, text) == NULL)
		fail_msg("wait status %#x, wanted exit %d with \"%s\"; it said:\n%s", (unsigned)status,
			 exit_status, text, child_output);
}

static inline void in_child(void **state)
{
	expect_exit((void (*)(void))(uintptr_t)*state, 0, "");
}

/* An element of a struct CMUnitTest[]. */
#define child_test(body) \
	{ \
		.name = #body, .test_func = in_child, .initial_state = (void *)(uintptr_t)(body) \
	}

#endif
