/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_run.c: run a program under the detector, report, and exit as the verdict says.
 *
 * The program gets our library by LD_PRELOAD and a private directory by GOSAN_OUT, in which the library of
 * each process of the run, children included, leaves its stream. The directory is removed at the end in
 * every case; the report is all that stays.
 */
#include "launch.h"
#include "pipeline.h"
#include "suppress.h"
#include "raw.h"
#include "target.h"
#include "tmpdir.h"
#include "tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct run {
	struct settings settings;
	char **command; /* program and arguments */
};

/* ARGP_IN_ORDER: the first word that is no option is the program, and all after it is the program's. */
static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run *run = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &run->settings;
		return 0;
	case ARGP_KEY_ARGS:
		run->command = state->argv + state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which program? usage: gosan run [OPTION...] [--] PROGRAM [ARG...]");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* A mistake in the suppressions should not cost a long run. */
static int check_suppressions(void)
{
	char err[TOOL_ERROR_MAX];
	struct report *r;
	int error = 0;

	if (!gosan_options.suppressions || !*gosan_options.suppressions)
		return 0;
	r = raw_report_new();
	error = suppress_read(r, gosan_options.suppressions, err, sizeof err);
	raw_report_free(r);
	if (error)
		tool_error("%s", err);
	return error ? TOOL_USAGE : 0;
}

/* Nor should a format or a file that a report cannot be written to. */
static int check_reports(const struct run *run)
{
	struct settings s = run->settings;
	struct report *r = raw_report_new();
	char err[TOOL_ERROR_MAX];
	int error = settings_finish(&s, r->arena, err, sizeof err);

	if (!error)
		error = render_check(s.formats, s.n_formats, err, sizeof err);
	raw_report_free(r);
	if (error)
		tool_error("%s", err);
	return error ? TOOL_USAGE : 0;
}

/* Before anything is made or started: a refusal leaves no trace. */
static int check_program(const char *name, char *path, size_t size)
{
	char err[TOOL_ERROR_MAX];

	if (target_find(name, path, size, err, sizeof err) != 0) {
		tool_error("%s", err);
		return TOOL_USAGE;
	}
	if (target_check(path, err, sizeof err) != 0) {
		tool_error("%s", err);
		return TOOL_MISSING;
	}
	return 0;
}

/* The program's own failure to start is the user's mistake (64), not a verdict. */
static int run_in(const char *dir, struct run *run, const char *path, const char *preload)
{
	struct launch l = {.path = path,
			   .argv = run->command,
			   .preload = preload,
			   .out = dir,
			   .options = run->settings.for_program,
			   .timeout = gosan_options.timeout};
	int error = launch_run(&l);

	if (error) {
		tool_error("%s: cannot be run: %s", path, strerror(-error));
		return TOOL_USAGE;
	}
	return pipeline_run(
		&(struct pipeline){
			.dir = dir, .main_pid = l.pid, .exit_status = l.status, .timed_out = l.killed},
		&run->settings);
}

/* Half an installation: the tool without the library it preloads. The shims stand for ThreadSanitizer's shared
 * runtimes (detector/shim/). They are preloaded always, not only when this program needs them: it may start or
 * dlopen something that does. */
static int find_preload(char *ret, size_t size)
{
	static const char *const names[] = {"libgosan.so", "gosan/libgosan_tsan2.so",
					    "gosan/libgosan_tsan0.so", "gosan/libgosan_clang_tsan.so"};
	char path[TOOL_PATH_MAX];
	size_t n = 0;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (where_library(names[i], path, sizeof path) != 0) {
			tool_error("%s is missing: install or build all of gosan", path);
			return TOOL_MISSING;
		}
		n += (size_t)snprintf(ret + n, size - n, "%s%s", i ? ":" : "", path);
	}
	return 0;
}

/* Everything that can be refused is refused before the program runs: it may have effects that nobody
 * wants twice. */
static int run_program(struct run *run)
{
	char path[TOOL_PATH_MAX], preload[4 * TOOL_PATH_MAX + 4], dir[TOOL_PATH_MAX];
	int status = check_suppressions();

	if (!status)
		status = check_program(run->command[0], path, sizeof path);
	if (status)
		return status;
	status = check_reports(run);
	if (status)
		return status;
	status = find_preload(preload, sizeof preload);
	if (status)
		return status;
	int error = tmpdir_make(dir, sizeof dir, "gosan");
	if (error) {
		tool_error("%s: %s: set TMPDIR to a directory that can be written", dir, strerror(-error));
		return TOOL_INTERNAL;
	}
	status = run_in(dir, run, path, preload);
	tmpdir_remove(dir);
	return status;
}

static void print_settings(void)
{
	static char text[16384];

	gosan_options_help(text, sizeof text);
	fputs(text, stdout);
}

int cmd_run(int argc, char **argv)
{
	struct run run = {.command = NULL};
	const struct argp_child children[] = {{&settings_argp, 0, NULL, 0}, {0}};
	const struct argp argp = {
		NULL,
		parse,
		"[--] PROGRAM [ARG...]",
		"Run PROGRAM under the detector, report what was found, and exit with 66 when "
		"something was.",
		children,
		NULL,
		NULL};
	/* The tables that the check for misspelt options looks through; the same that argp gets. */
	const struct argp_option *const tables[] = {settings_argp.options, NULL};
	const char *unknown, *meant = NULL;
	char err[TOOL_ERROR_MAX];

	int error = settings_begin(&run.settings, err, sizeof err);

	if (error) {
		tool_error("%s", err);
		return error == -ENOTSUP ? TOOL_MISSING : TOOL_USAGE;
	}
	if (run.settings.help) {
		print_settings();
		return TOOL_OK;
	}
	if ((unknown = settings_unknown(tables, argv, &meant)) != NULL) {
		tool_error("run: unknown option '%s'%s%s%s", unknown,
			   meant ? ": did you mean '--" : ": see gosan run --help", meant ? meant : "",
			   meant ? "'?" : "");
		return TOOL_USAGE;
	}
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &run);
	return run_program(&run);
}
