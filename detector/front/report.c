/* SPDX-License-Identifier: Apache-2.0
 *
 * report.c: a process that was preloaded without the tool around it. At the end it has the tool render its
 * stream, as a child process; without the tool it prints what it has itself, each finding at once.
 */
#include "front.h"

#include "../depot.h"
#include "../finding_hook.h"
#include "../module.h"
#include "../options.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENV_MAX         2048
#define FINDINGS_STATUS 66

extern char **environ;

/* Found once, at start. */
static char tool[PATH_MAX];
static bool have_tool;

/* One line to standard error, past stdio: a lock of the program's stream may be held. */
static void print(const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 1)
		n = (int)sizeof(line) - 1;
	if (n > 0)
		(void)!syscall(SYS_write, STDERR_FILENO, line, n);
}

/* Module and offset are what addr2line wants. */
static void print_frame(size_t i, uintptr_t pc)
{
	const struct gosan_module *m = gosan_module_find(pc);
	const char *name = m ? m->path : "?", *slash = strrchr(name, '/');

	print("    #%zu %s+0x%lx\n", i, slash ? slash + 1 : name, (unsigned long)(pc - (m ? m->base : 0)));
}

static void print_part(const struct gosan_part *p)
{
	static const struct gosan_g nobody = {.id = 0};
	const struct gosan_g *g = p->g ? p->g : &nobody;
	size_t n;
	const uintptr_t *pcs = gosan_depot_get(p->stack, &n);

	if (g->id)
		print("  %s: %s by goroutine %lu %s\n", p->role, p->op, (unsigned long)g->id, g->name);
	else
		print("  %s: %s by thread %u %s\n", p->role, p->op, g->tid, g->name);
	for (size_t i = 0; i < n; i++)
		print_frame(i, pcs[i]);
}

/* Texts keep their placeholders: offsets are what there is without debug information. */
void gosan_report_finding(const struct gosan_finding *f)
{
	print("==================\ngosan: error[GS%03d]: %s: %s\n", f->code, gosan_finding_kind(f->code),
	      f->title);
	for (size_t i = 0; i < f->n_parts; i++)
		print_part(&f->parts[i]);
	if (f->why[0])
		print("  why: %s\n", f->why);
	if (f->help[0])
		print("  help: %s\n", f->help);
	print("SUMMARY: gosan: %s\n", gosan_finding_kind(f->code));
}

/* The tool is in bin/ beside the library's directory, or beside that one's parent: <prefix>/lib/libgosan.so in
 * a build tree, <prefix>/lib/x86_64-linux-gnu/libgosan.so where a distribution installs. */
static bool find_tool(void)
{
	char self[PATH_MAX], *slash;
	Dl_info info;

	if (!dladdr((void *)gosan_report_init, &info) || !realpath(info.dli_fname, self))
		return false;
	for (int up = 0; up < 3; up++) {
		slash = strrchr(self, '/');
		if (!slash)
			return false;
		*slash = 0;
		if (snprintf(tool, sizeof(tool), "%s/bin/gosan", self) < (int)sizeof(tool) &&
		    access(tool, X_OK) == 0)
			return true;
	}
	return false;
}

/* At start: the program may change its directory, and LD_PRELOAD may be relative. */
void gosan_report_init(void)
{
	have_tool = find_tool();
}

bool gosan_report_prints_itself(void)
{
	return !have_tool;
}

/* The tool must not be watched itself. */
static void clean_environment(char **ret)
{
	size_t n = 0;

	for (char **e = environ; e && *e && n < ENV_MAX - 1; e++)
		if (strncmp(*e, "LD_PRELOAD=", 11) != 0 && strncmp(*e, "GOSAN_OUT=", 10) != 0)
			ret[n++] = *e;
	ret[n] = NULL;
}

/* The exit status, or negative errno when it is not to be had. */
static int wait_for(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno; /* another thread of the program waited for any child */
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}

/* The tool's exit status, or negative errno. SIGCHLD is the program's: its handler must not run for us. */
static int run_tool(const char *dir)
{
	static char *env[ENV_MAX];
	char *argv[] = {tool, (char[]){"render-raw"}, (char *)(uintptr_t)dir, NULL};
	posix_spawnattr_t attr;
	sigset_t none, child_only, before;
	pid_t child;
	int rc;

	clean_environment(env);
	sigemptyset(&none);
	sigemptyset(&child_only);
	sigaddset(&child_only, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &child_only, &before);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	rc = -posix_spawn(&child, tool, NULL, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	if (rc == 0)
		rc = wait_for(child);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* The tool says by its status whether findings are left after suppressions; when it cannot be asked, all that
 * were emitted count. The program's own failure is never hidden. */
int gosan_report_render(const char *dir, int status)
{
	bool found = gosan_counters->findings > 0;

	if (have_tool) {
		int rc = run_tool(dir);

		if (rc >= 0)
			found = rc != 0 && (rc == FINDINGS_STATUS || rc == gosan_options.exitcode);
	} else if (found || !gosan_options.quiet) {
		print("gosan: %lu finding%s, %lu events, %lu lost (no names: the tool 'gosan' is not beside "
		      "the "
		      "library)\n",
		      gosan_counters->findings, gosan_counters->findings == 1 ? "" : "s",
		      gosan_counters->events, gosan_counters->lost);
	}
	return found && status == 0 ? gosan_options.exitcode : status;
}
