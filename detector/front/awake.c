/* SPDX-License-Identifier: Apache-2.0
 *
 * awake.c: does the detector see what it claims to see? A verdict without this list would be a guess.
 *
 * Each interposed function that matters is looked up as the program's calls are bound: by the global scope.
 * When that finds another definition than ours, the program brings its own, and what went through it was
 * not seen.
 */
#include "front.h"

#include "../finding.h"
#include "../module.h"

#include "../../runtime/probe.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

/* A function that must be ours, and what is not seen when it is not. */
struct live {
	const char *symbol, *lost;
	bool ours;
};

static struct live live[] = {
	{"__tsan_read4", "memory accesses: the program brings its own ThreadSanitizer", false},
	{"malloc", "heap blocks: malloc is not libc's", false},
	{"free", "freed memory: free is not libc's", false},
	{"memcpy", "memory copied by libc: memcpy is not libc's", false},
	{"pthread_mutex_lock", "pthread mutexes: pthread_mutex_lock is not libc's", false},
	{"pthread_create", "threads: pthread_create is not libc's", false},
};
#define N_LIVE (sizeof(live) / sizeof(live[0]))

/* What the runtime answered at start; -ENOENT: there was none. */
static int attach_rc;

static bool is_ours(const char *symbol)
{
	const char *p = dlsym(RTLD_DEFAULT, symbol);

	return p >= __ehdr_start && p < _end;
}

/* After all libraries are loaded, before the program's first instruction. */
void gosan_awake_init(void)
{
	for (size_t i = 0; i < N_LIVE; i++)
		live[i].ours = is_ours(live[i].symbol);
	attach_rc = gosan_front_attach();
}

/* A goroutine runtime, a second thread or one instrumented module is enough; without them there is only libc to
 * watch. */
bool gosan_awake_any(void)
{
	return gosan_front_attached || gosan_pthread_used || gosan_module_any_instrumented();
}

bool gosan_awake_own_runtime(void)
{
	size_t n;
	const struct gosan_module *m = gosan_module_list(&n);

	for (size_t i = 0; i < n; i++)
		if (m[i].own_tsan)
			return true;
	return false;
}

/* What the user switched off is said too: a report may be read by somebody else. */
static void say_checks_off(void (*say)(const char *))
{
	static const char *const checks[] = {"race",    "deadlock", "leak",    "waitgroup",
					     "channel", "lock",     "resource"};
	char text[64];

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (gosan_check_on(checks[i]))
			continue;
		snprintf(text, sizeof(text), "%s: switched off", checks[i]);
		say(text);
	}
}

/* By the last part of its path: the line has to be read, not clicked. */
static void say_module(const struct gosan_module *m, void *arg)
{
	void (**say)(const char *) = arg;
	const char *slash = strrchr(m->path, '/');
	char text[300];

	if (m->own_tsan)
		return; /* said already */
	snprintf(text, sizeof(text), "memory accesses in %s: no instrumentation",
		 slash ? slash + 1 : m->path);
	(*say)(text);
}

/* A static runtime, or a shared one that could not be kept out (takeover.c). The first thing that a reader must know. */
static void say_own_runtime(void (*say)(const char *))
{
	size_t n;
	const struct gosan_module *m = gosan_module_list(&n);
	char text[300];

	for (size_t i = 0; i < n; i++) {
		const char *slash = strrchr(m[i].path, '/'), *name = slash ? slash + 1 : m[i].path;

		if (!m[i].own_tsan)
			continue;
		if (m[i].kind == GOSAN_MODULE_PROGRAM)
			snprintf(text, sizeof(text),
				 "memory accesses in %s: ThreadSanitizer's runtime is linked into it: link "
				 "it with "
				 "'gosan cc'",
				 name);
		else
			snprintf(text, sizeof(text), "memory accesses: %s is loaded: use 'gosan run'", name);
		say(text);
	}
}

/* A Go program switches goroutines by itself, and its locks and channels are its own: of all that, nothing is seen. What
 * is left, threads and locks of C, is checked. Accesses of one goroutine come from several threads and would look like
 * races, so none is reported (gosan_module_go). */
static bool say_go(void (*say)(const char *))
{
	size_t n;
	const struct gosan_module *m = gosan_module_list(&n);
	char text[400];

	for (size_t i = 0; i < n; i++) {
		const char *slash = strrchr(m[i].path, '/');

		if (!m[i].go)
			continue;
		snprintf(text, sizeof(text),
			 "goroutines and data races: %s is Go, whose scheduler this version does not follow",
			 slash ? slash + 1 : m[i].path);
		say(text);
		return true;
	}
	return false;
}

/* By its file's name: a library that was loaded with RTLD_LOCAL is in no scope that could be searched. */
static bool runtime_came_later(void)
{
	size_t n;
	const struct gosan_module *m = gosan_module_list(&n);

	for (size_t i = 0; i < n; i++)
		if (strstr(m[i].path, "/libgoroutine"))
			return true;
	return false;
}

static void say_runtime(void (*say)(const char *))
{
	if (attach_rc == -ENOENT && runtime_came_later())
		say("goroutines: the runtime was loaded after the start of the program");
	else if (attach_rc == -ENOENT)
		say("goroutines: no goroutine runtime in this process");
	else if (attach_rc == -EBUSY)
		say("goroutines: the runtime ran before gosan was loaded");
	else if (attach_rc != 0)
		say("goroutines: the runtime is of another version than gosan");
}

void gosan_awake_not_checked(void (*say)(const char *text))
{
	say_own_runtime(say);
	for (size_t i = 0; i < N_LIVE; i++)
		if (!live[i].ours)
			say(live[i].lost);
	if (!say_go(say))
		say_runtime(say);
	gosan_module_uninstrumented(say_module, &say);
	say_checks_off(say);
}
