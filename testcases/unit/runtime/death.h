/* SPDX-License-Identifier: Apache-2.0
 *
 * death.h: tests of what ends the process. A case runs in a fresh copy of the test program, because the
 * runtime of this one is already up with its threads.
 */
#ifndef DEATH_H
#define DEATH_H

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

struct death {
	const char *name;
	void (*run)(void);
};

/* First thing in main(): never returns when this process is such a copy. */
static inline void death_main(const struct death *cases, size_t n)
{
	const char *name = getenv("GO_TEST_DEATH");
	for (size_t i = 0; name != NULL && i < n; i++) {
		if (strcmp(cases[i].name, name) == 0) {
			alarm(20);
			cases[i].run();
			_exit(99);
		}
	}
}

/* Runs the case; its standard error goes to `out`. Its wait status. */
static inline int death_run(const char *name, char *out, size_t size)
{
	char command[256];
	size_t used = 0, got;
	snprintf(command, sizeof(command), "GO_TEST_DEATH=%s exec /proc/%d/exe 2>&1 >/dev/null", name, getpid());
	FILE *f = popen(command, "r");
	assert_non_null(f);
	while (used + 1 < size && (got = fread(out + used, 1, size - 1 - used, f)) > 0)
		used += got;
	out[used] = '\0';
	return pclose(f);
}

/* The case ends with the status, and says the text. */
static inline void expect_death(const char *name, int exit_status, const char *text)
{
	static char out[1 << 16];
	int status = death_run(name, out, sizeof(out));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != exit_status || strstr(out, text) == NULL)
		fail_msg("%s: wait status %#x, wanted exit %d with \"%s\"; it said:\n%s", name, (unsigned)status,
			 exit_status, text, out);
}

#endif
