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

#define ENV_MAX 2048

/* Of the tool's exit statuses, those that don't concern a process that was only preloaded. */
#define NOTHING_STATUS 77
#define TIMEOUT_STATUS 124

extern char **environ;

/* Found once, at start. */
static char tool[PATH_MAX];
static bool have_tool;
static const char *no_names = "the tool 'gosan' is not beside the library";

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
		print("  %s: %s by goroutine %lu%s%s\n", p->role, p->op, (unsigned long)g->id,
		      g->name[0] ? " " : "", g->name);
	else
		print("  %s: %s by thread %u%s%s\n", p->role, p->op, g->tid, g->name[0] ? " " : "", g->name);
	for (size_t i = 0; i < n; i++)
		print_frame(i, pcs[i]);
}

/* What stands for a placeholder ("pc:0x12}...", see finding.h): addresses are what there is without debug
 * information, those of code as addr2line wants them. */
static int name_of(char *buf, size_t size, const char *word, const struct gosan_finding *f)
{
	uintptr_t addr = strtoull(word + strcspn(word, ":}") + 1, NULL, 16);
	const struct gosan_module *m;

	if (strncmp(word, "obj}", 4) == 0)
		return snprintf(buf, size, "%s 0x%lx",
				f->obj ? gosan_finding_kind_name(f->obj->kind) : "memory at",
				(unsigned long)(f->obj ? f->obj->addr : f->addr));
	m = gosan_module_find(addr);
	if (!m || strncmp(word, "var:", 4) == 0)
		return snprintf(buf, size, "0x%lx", (unsigned long)addr);
	word = strrchr(m->path, '/');
	return snprintf(buf, size, "%s+0x%lx", word ? word + 1 : m->path, (unsigned long)(addr - m->base));
}

static void print_text(const char *head, const char *text, const struct gosan_finding *f)
{
	char line[GOSAN_TEXT_MAX * 2];
	size_t n = 0;

	while (*text && n < sizeof(line) - 1) {
		const char *end = *text == '{' ? strchr(text, '}') : NULL;

		if (!end) {
			line[n++] = *text++;
			continue;
		}
		n += (size_t)name_of(line + n, sizeof(line) - n, text + 1, f);
		text = end + 1;
	}
	line[n < sizeof(line) ? n : sizeof(line) - 1] = 0;
	if (n)
		print("%s%s\n", head, line);
}

void gosan_report_finding(const struct gosan_finding *f)
{
	char head[64];

	snprintf(head, sizeof(head), "==================\ngosan: error[GS%03d]: %s: ", f->code,
		 gosan_finding_kind(f->code));
	print_text(head, f->title, f);
	for (size_t i = 0; i < f->n_parts; i++)
		print_part(&f->parts[i]);
	print_text("  why: ", f->why, f);
	print_text("  help: ", f->help, f);
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

/* The tool has nowhere to read from. */
void gosan_report_alone(void)
{
	have_tool = false;
	no_names = "no directory for temporary files can be written: set TMPDIR";
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

/* The tool says by its status whether findings are left after suppressions, or why there is no report: that must not
 * look like a clean run. When it cannot be asked, all that were emitted count. The program's own failure is never
 * hidden, and a process in which there was nothing to see is none; one whose accesses went elsewhere is. */
int gosan_report_render(const char *dir, int status)
{
	bool found = gosan_counters->findings > 0;

	if (have_tool) {
		int rc = run_tool(dir);

		if (rc > 0 && (rc != NOTHING_STATUS || gosan_awake_own_runtime()) && rc != TIMEOUT_STATUS)
			return status ? status : rc;
		if (rc >= 0)
			found = false;
	} else if (found || !gosan_options.quiet) {
		print("gosan: %lu finding%s, %lu events, %lu lost (no names: %s)\n", gosan_counters->findings,
		      gosan_counters->findings == 1 ? "" : "s", gosan_counters->events, gosan_counters->lost,
		      no_names);
	}
	return found && status == 0 ? gosan_options.exitcode : status;
}
