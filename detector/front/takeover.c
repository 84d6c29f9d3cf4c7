/* SPDX-License-Identifier: Apache-2.0
 *
 * takeover.c: a program that was linked with a shared ThreadSanitizer runtime, preloaded without the tool.
 *
 * The tool preloads shims that keep the runtime out (detector/shim/). A bare LD_PRELOAD=libgosan.so has none of
 * them, so by now the runtime is loaded, and two detectors in one process ruin each other's verdict. The program's
 * own code has not run yet: start it again, with the shims. The process id stays.
 */
#include "front.h"
#include "intercept.h"

#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "PID": this process was started again already. It must not go round in a circle. */
#define GUARD "GOSAN_TAKEOVER"

/* In the directory gosan/ beside libgosan.so; the same files as in tools/cmd_run.c. */
static const char *const shims[] = {"libgosan_tsan2.so", "libgosan_tsan0.so", "libgosan_clang_tsan.so"};
#define N_SHIMS (sizeof(shims) / sizeof(shims[0]))

extern const char __ehdr_start[] __attribute__((visibility("hidden")));

struct search {
	bool runtime;
	char dir[2048]; /* where we lie, with the slash; "" when not found */
};

/* By file names, which a distribution does not change: whoever renames a runtime gets two detectors, and a verdict that
 * says so. Our own entry is found by the address of our header. */
static int look(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct search *s = arg;
	const char *path = info->dlpi_name, *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	(void)size;
	s->runtime |= strncmp(name, "libtsan.so", 10) == 0 || strncmp(name, "libclang_rt.tsan", 16) == 0;
	if (slash && info->dlpi_addr == (uintptr_t)__ehdr_start &&
	    (size_t)(slash + 1 - path) < sizeof(s->dir)) {
		memcpy(s->dir, path, (size_t)(slash + 1 - path));
		s->dir[slash + 1 - path] = '\0';
	}
	return 0;
}

/* LD_PRELOAD with the shims behind what is there, in `list`. False: they are not all installed. */
static bool extend(const char *dir, char *list, size_t size)
{
	const char *old = getenv("LD_PRELOAD");
	int n = snprintf(list, size, "%s", old ? old : "");

	for (size_t i = 0; i < N_SHIMS; i++) {
		int start = n + 1;

		if (n < 0 || (size_t)start >= size)
			return false;
		n += snprintf(list + n, size - (size_t)n, ":%sgosan/%s", dir, shims[i]);
		if ((size_t)n >= size || access(list + start, R_OK) != 0)
			return false;
	}
	return true;
}

/* Returns when there is nothing to take over, or when it can't be done; awake.c says so then. */
void gosan_takeover(char **argv)
{
	struct search s = {false, ""};
	char list[8192], me[16], exe[4096];
	const char *guard = getenv(GUARD);
	ssize_t n;

	dl_iterate_phdr(look, &s);
	snprintf(me, sizeof(me), "%d", (int)getpid());
	if (!s.runtime || !s.dir[0] || (guard && strcmp(guard, me) == 0) ||
	    !extend(s.dir, list, sizeof(list)))
		return;
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n < 0)
		return;
	exe[n] = '\0';
	setenv("LD_PRELOAD", list, 1);
	setenv(GUARD, me, 1);
	GOSAN_REAL(execv)(exe, argv);
}
