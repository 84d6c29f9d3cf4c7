/* SPDX-License-Identifier: Apache-2.0
 *
 * recording.c: from the folder that processes recorded in to the one file that was asked for.
 *
 * Everything is read first and the folder removed last, so that nothing is lost by a disk that is full. A process that
 * outlives the run goes on in files that have no name any more.
 */
#include "recording.h"

#include "options.h"
#include "tool.h"
#include "trace.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* One file was asked for: processes record in the folder beside it. */
static bool is_packed(const char *path)
{
	size_t n = strlen(path);

	return n > 6 && strcmp(path + n - 6, ".gosan") == 0;
}

static void folder_of(const char *path, char *ret, size_t size)
{
	snprintf(ret, size, is_packed(path) ? "%s.d" : "%s", path);
}

/* Whoever outlives the run goes on recording. Nothing is lost where it fails: damage would go unnoticed. */
static void seal(const char *folder)
{
	char err[TOOL_ERROR_MAX];
	struct trace_list l;
	struct trace *t;

	if (trace_list_read(&l, folder, err, sizeof err) != 0)
		return;
	for (size_t i = 0; i < l.n; i++) {
		if (trace_open(&t, l.path[i], err, sizeof err) != 0)
			continue;
		bool over = kill(trace_info(t)->pid, 0) != 0 && errno == ESRCH;
		trace_close(t);
		if (over)
			trace_seal(l.path[i]);
	}
	trace_list_free(&l);
}

/* The last of the images that pid had is the one without an end. */
void recording_killed(pid_t pid, int status)
{
	char folder[TOOL_PATH_MAX], meta[TOOL_PATH_MAX + 32], err[TOOL_ERROR_MAX];
	struct trace_list l;
	struct trace *t;

	if (!gosan_options.trace || !*gosan_options.trace)
		return;
	folder_of(gosan_options.trace, folder, sizeof folder);
	if (trace_list_read(&l, folder, err, sizeof err) != 0)
		return;
	for (size_t i = 0; i < l.n; i++) {
		if (trace_open(&t, l.path[i], err, sizeof err) != 0)
			continue;
		bool his = trace_info(t)->pid == pid && !trace_info(t)->ended;
		trace_close(t);
		snprintf(meta, sizeof meta, "%s/meta", l.path[i]);
		FILE *f = his ? fopen(meta, "ae") : NULL;
		if (f) {
			fprintf(f, "killed %d\n", status);
			fclose(f);
		}
	}
	trace_list_free(&l);
}

int recording_finish(int status)
{
	const char *path = gosan_options.trace;
	char folder[TOOL_PATH_MAX], err[TOOL_ERROR_MAX];
	struct stat st;

	if (!path || !*path)
		return status;
	folder_of(path, folder, sizeof folder);
	if (is_packed(path) && stat(folder, &st) == 0) {
		if (trace_pack(folder, path, err, sizeof err) == 0)
			trace_folder_remove(folder);
		else
			tool_error("the recording stays in %s: %s", folder, err);
	}
	if (!is_packed(path))
		seal(folder);
	if (!gosan_options.quiet)
		fprintf(stderr, "gosan: recorded in %s: gosan report %s\n", path, path);
	return status;
}
