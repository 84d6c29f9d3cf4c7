/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_report.c: the report of a recording. Each process is replayed into a stream, and the streams go the way of those of
 * a live run: so the findings, their fingerprints and all formats are the same.
 */
#include "debugfile.h"
#include "pipeline.h"
#include "prepare.h"
#include "replay.h"
#include "tmpdir.h"
#include "tool.h"
#include "trace.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

struct asked {
	struct settings settings;
	const char *path;
};

/* Unlike run, options may come after the recording: nothing behind it is a program's. */
static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct asked *a = state->input;

	if (key == ARGP_KEY_INIT)
		state->child_inputs[0] = &a->settings;
	return prepare_recording(key, arg, state, &a->path);
}

/* A process whose recording cannot be read does not keep the others from being told. 0, or the exit status when none
 * can. */
static int replay_all(const struct trace_list *l, const char *dir)
{
	size_t good = 0;

	for (size_t i = 0; i < l->n; i++) {
		char err[TOOL_ERROR_MAX] = "", out[TOOL_PATH_MAX + 32];

		snprintf(out, sizeof out, "%s/%06zu", dir, i);
		if (replay_process(l->path[i], out, err, sizeof err) == 0)
			good++;
		else
			tool_error("%s", err);
	}
	return good ? 0 : TOOL_UNREADABLE;
}

/* False: none of them, and it was said why. */
static bool any_readable(const struct trace_list *l)
{
	char err[TOOL_ERROR_MAX];
	struct trace *t;

	for (size_t i = 0; i < l->n; i++)
		if (trace_open(&t, l->path[i], err, sizeof err) == 0) {
			trace_close(t);
			return true;
		}
	for (size_t i = 0; i < l->n; i++)
		if (trace_open(&t, l->path[i], err, sizeof err) != 0)
			tool_error("%s", err);
	return false;
}

/* What a program leaves that was preloaded without the tool and killed after its first finding: nobody was left to report
 * it. No recording has such names. */
static bool has_streams(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	bool found = false;

	while (d && !found && (e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name);

		found = n > 4 && strcmp(e->d_name + n - 4, ".raw") == 0;
	}
	if (d)
		closedir(d);
	return found;
}

static int report_streams(struct asked *a)
{
	int status = prepare_settings(&a->settings);

	return status ? status
		      : pipeline_run(&(struct pipeline){.dir = a->path, .exit_status = -1}, &a->settings);
}

/* The recording before the files of reports: a wrong path, or a damaged one, leaves no empty report behind. */
static int report(struct asked *a)
{
	struct trace_list l;
	char err[TOOL_ERROR_MAX], dir[TOOL_PATH_MAX];
	int status;

	if (has_streams(a->path))
		return report_streams(a);
	if (trace_list_read(&l, a->path, err, sizeof err) != 0) {
		tool_error("%s", err);
		return TOOL_UNREADABLE;
	}
	if (!any_readable(&l)) {
		trace_list_free(&l);
		return TOOL_UNREADABLE;
	}
	debugfile_allow_servers();
	status = prepare_settings(&a->settings);
	if (!status)
		status = prepare_dir(dir, sizeof dir);
	if (!status) {
		status = replay_all(&l, dir);
		if (!status)
			status =
				pipeline_run(&(struct pipeline){.dir = dir, .exit_status = -1}, &a->settings);
		tmpdir_remove(dir);
		if (debugfile_trouble())
			tool_error("debuginfod: %s", debugfile_trouble());
	}
	trace_list_free(&l);
	return status;
}

int cmd_report(int argc, char **argv)
{
	struct asked a = {.path = NULL};
	const struct argp_child children[] = {{&settings_argp, 0, NULL, 0}, {0}};
	const struct argp argp = {
		NULL,
		parse,
		"TRACE",
		"Report what a recording shows: the findings that the run reported, or would have "
		"reported had it not been killed, and then what everybody was doing.",
		children,
		NULL,
		NULL};
	const struct argp_option *const tables[] = {settings_argp.options, NULL};
	int status = prepare_begin("report", &a.settings, tables, argv);

	if (status >= 0)
		return status;
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	return report(&a);
}
