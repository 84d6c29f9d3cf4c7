/* SPDX-License-Identifier: Apache-2.0
 *
 * preload.c: the life of the detector in a process: one constructor that brings everything up in the order
 * of need, the fork handlers, and the time limit.
 *
 * Hooks may be called before the constructor ran (other libraries' constructors, the dynamic linker): they
 * forward until gosan_front_on is set, which is the last thing that the constructor does.
 */
#include "front.h"
#include "inplace.h"
#include "intercept.h"
#include "noise.h"
#include "pthread.h"
#include "session.h"

#include "../collect.h"
#include "../depot.h"
#include "../finding.h"
#include "../mem.h"
#include "../module.h"
#include "../options.h"
#include "../reap.h"
#include "../recorder.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define USAGE_STATUS    64
#define INTERNAL_STATUS 70
#define TIMEOUT_STATUS  124

bool gosan_front_on;
__thread int gosan_front_depth __attribute__((tls_model("initial-exec")));

/* Past stdio, whose streams are the program's. Only for what must be said before or without a report. */
static void say(const char *text)
{
	(void)!syscall(SYS_write, STDERR_FILENO, text, strlen(text));
}

static void print_help(void)
{
	static char text[8192];

	gosan_options_help(text, sizeof(text));
	say("GOSAN_OPTIONS=key=value:key=value...\n");
	say(text);
}

/* A setting that is not understood ends the program before it began: a run with other settings than were
 * asked for would be taken for the one that was. */
static void read_options(void)
{
	const char *text = getenv("GOSAN_OPTIONS");
	char err[256];

	if (text && gosan_options_parse(text, err, sizeof(err)) != 0) {
		say("gosan: GOSAN_OPTIONS: ");
		say(err);
		say("\n");
		gosan_exit_now(USAGE_STATUS);
	}
	if (gosan_options.help)
		print_help();
}

/* The runtime reads its seed when it starts, which is after this. */
static void pass_seed(void)
{
	char text[16];

	gosan_noise_init(gosan_options.seed);
	if (gosan_options.seed == 0)
		return;
	snprintf(text, sizeof(text), "%d", gosan_options.seed);
	setenv("GO_SEED", text, 1);
}

/* Running on without a detector would end in a clean verdict that is none. */
static void internal_error(const char *what)
{
	say("gosan: cannot start: no memory for ");
	say(what);
	say("\n");
	gosan_exit_now(INTERNAL_STATUS);
}

/* ---- the time limit ---- */

/* Under the gate everything that a test run starts has the limit, its drivers (make, ctest, shells) included, which
 * rightly run for long: those show nothing to check, or wait for children. */
static bool is_driver(void)
{
	if (!getenv("GOSAN_GATE") || gosan_awake_any())
		return false;
	return gosan_counters->threads < 2 ||
	       syscall(SYS_waitid, P_ALL, 0L, NULL, WEXITED | WNOHANG | WNOWAIT, NULL) == 0;
}

/* The main program's descriptors, locks and threads may be in any state: judge, dump, go. */
static void *watchdog(void *unused)
{
	struct timespec left = {gosan_options.timeout, 0};

	(void)unused;
	gosan_ignore++;
	while (nanosleep(&left, &left) != 0)
		;
	for (left.tv_sec = 1; is_driver();)
		nanosleep(&left, NULL);
	gosan_exit_now(gosan_exit_finish(GOSAN_END_TIMEOUT, TIMEOUT_STATUS));
	return NULL;
}

/* Preloaded alone, a shell or a wrapper around the test is left alone: only what is watched is stopped. */
static void start_watchdog(void)
{
	sigset_t all, before;

	static bool started;

	if (started || gosan_options.timeout <= 0 || !(gosan_awake_any() || getenv("GOSAN_OUT")))
		return;
	started = true;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	if (gosan_pthread_hidden(watchdog, NULL) != 0)
		say("gosan: cannot start the thread for timeout: there is no time limit\n");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void gosan_preload_watch(void)
{
	start_watchdog();
}

/* ---- fork ---- */

/* Hooks of this thread are off between prepare and parent or child: they would wait for locks that it holds. */
void gosan_preload_forking(void)
{
	gosan_pthread_forking();
	gosan_ignore++;
	gosan_collect_fork(true);
	gosan_inplace_fork(true);
	gosan_unwind_fork(true);
	gosan_session_fork_prepare();
}

static void fork_parent(void)
{
	gosan_session_fork_parent();
	gosan_unwind_fork(false);
	gosan_inplace_fork(false);
	gosan_collect_fork(false);
	gosan_ignore--;
}

static void fork_child(void)
{
	gosan_unwind_fork_child();
	gosan_session_fork_child();
	gosan_pthread_forked();
	gosan_sem_forked();
	gosan_module_forked();
	gosan_tsan_mutex_forked();
	gosan_inplace_fork(false);
	gosan_ignore--;
}

void gosan_preload_forked(bool in_child)
{
	int saved = errno;

	if (in_child)
		fork_child();
	else
		fork_parent();
	errno = saved;
}

/* No handler runs: locks of ours may be held by threads that the child does not have. It may call what is safe in
 * a signal handler only, so there is nothing to watch. */
GOSAN_EXPORT pid_t _Fork(void)
{
	pid_t child = GOSAN_REAL(_Fork)();

	if (child == 0)
		gosan_front_on = gosan_inplace = false;
	return child;
}

/* ---- up ---- */

/* For whoever wonders whether the program is watched at all. */
static void print_settings(void)
{
	size_t n, used = 0;
	const struct gosan_module *m;
	char line[PATH_MAX + 64];

	if (gosan_options.verbosity < 1)
		return;
	m = gosan_module_list(&n);
	for (size_t i = 0; i < n; i++)
		used += m[i].instrumented;
	snprintf(line, sizeof(line), "gosan: goroutine runtime: %s; %zu of %zu modules instrumented\n",
		 gosan_front_attached ? "attached" : "none", used, n);
	say(line);
	if (getenv("TSAN_OPTIONS"))
		say("gosan: TSAN_OPTIONS: not for gosan, ignored; see GOSAN_OPTIONS=help=1\n");
	for (size_t i = 0; i < n && gosan_options.verbosity > 1; i++) {
		snprintf(line, sizeof(line), "gosan:   %s%s\n", m[i].path,
			 m[i].instrumented ? " (instrumented)" : "");
		say(line);
	}
}

/* Memory first, then the files (so that a failure can be told), then whoever sends events; the exit handler
 * before the program's own, so that it runs after them. */
static void bring_up(int argc, char **argv)
{
	read_options();
	pass_seed();
	gosan_recorder_init(argc, argv);
	gosan_engine_clock = GOSAN_REAL(clock_gettime);
	gosan_mem_set = GOSAN_REAL(memset);
	if (gosan_engine_init() != 0)
		internal_error("the engine");
	if (gosan_module_init() != 0)
		internal_error("the table of modules");
	gosan_recorder_modules();
	if (gosan_access_init() != 0)
		internal_error("the shadow memory");
	gosan_reap_on = true;
	gosan_session_init(argc, argv);
	gosan_pthread_init();
	gosan_hang_init();
	gosan_awake_init();
	pthread_atfork(gosan_preload_forking, fork_parent, fork_child);
	gosan_exit_init();
	if (gosan_awake_any())
		gosan_signal_init();
	start_watchdog();
	print_settings();
}

__attribute__((constructor)) static void start(int argc, char **argv)
{
	gosan_ignore++;
	gosan_takeover(argv);
	bring_up(argc, argv);
	gosan_ignore--;
	gosan_front_on = true;
}
