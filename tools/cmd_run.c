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
#include "prepare.h"
#include "recording.h"
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
	/* Killed by us when its time was over is no status of its own. */
	if (l.status > 128 && !l.killed)
		recording_killed(l.pid, l.status);
	int status = pipeline_run(
		&(struct pipeline){
			.dir = dir, .main_pid = l.pid, .exit_status = l.status, .timed_out = l.killed},
		&run->settings);
	return prepare_hand_on(dir, status, l.status);
}

/* Everything that can be refused is refused before the program runs: it may have effects that nobody
 * wants twice. */
static int run_program(struct run *run)
{
	char path[TOOL_PATH_MAX], preload[PREPARE_PRELOAD_MAX], dir[TOOL_PATH_MAX];
	int status = check_program(run->command[0], path, sizeof path);

	/* This one makes the files of the reports: after what refuses the program, which leaves no trace. */
	if (!status)
		status = prepare_settings(&run->settings);
	if (!status)
		status = prepare_preload(preload, sizeof preload);
	if (!status)
		status = prepare_dir(dir, sizeof dir);
	if (status)
		return status;
	status = run_in(dir, run, path, preload);
	tmpdir_remove(dir);
	return recording_finish(status);
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
	int status = prepare_begin("run", &run.settings, tables, argv);

	if (status >= 0)
		return status;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &run);
	return run_program(&run);
}
