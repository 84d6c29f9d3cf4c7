/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_export.c: gosan export --format=std|chrome TRACE: a recording for other tools. The table of formats is here;
 * each format is a function over one process.
 */
#include "export.h"
#include "prepare.h"
#include "tool.h"
#include "tracewords.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct format {
	const char *name;
	int (*run)(struct export_job *x, char *err, size_t err_size);
} formats[] = {
	{"std", export_std},
	{"chrome", export_chrome},
};

struct job {
	const char *path;            /* of the recording */
	const char *file;            /* to write; NULL: standard output */
	const char *locations;       /* to write; NULL: nobody asked */
	const struct format *format; /* always one */
	long pid;                    /* 0: there is only one */
};

#define OUTPUT_BUFFER ((size_t)1 << 18)

enum { FORMAT = 0x100, LOCATIONS, PROCESS };
static const struct argp_option options[] = {
	{"format", FORMAT, "std|chrome", 0, "std: the text format of RAPID; chrome: JSON for Perfetto", 0},
	{"output", 'o', "FILE", 0, "write there instead of standard output", 0},
	{"locations", LOCATIONS, "FILE", 0, "std: write what the numbers of locations stand for", 0},
	{"process", PROCESS, "PID", 0, "which process, when the recording has several", 0},
	{0},
};

/* argp_error ends the tool; the NULL is for the compiler. */
static const struct format *find_format(struct argp_state *state, const char *name)
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	argp_error(state, "--format: '%s' is neither std nor chrome", name);
	return NULL;
}

/* Both the format and the recording are needed, and neither has a default. */
static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct job *job = state->input;
	char *end;

	switch (key) {
	case FORMAT:
		job->format = find_format(state, arg);
		return 0;
	case 'o':
		job->file = arg;
		return 0;
	case LOCATIONS:
		job->locations = arg;
		return 0;
	case PROCESS:
		job->pid = strtol(arg, &end, 10);
		if (*end || job->pid <= 0)
			argp_error(state, "--process: '%s' is no number of a process", arg);
		return 0;
	case ARGP_KEY_END:
		if (!job->format)
			argp_error(state, "usage: gosan export --format=std|chrome TRACE");
	}
	return prepare_recording(key, arg, state, &job->path);
}

/* The process that was asked for, opened. An exec gives one process several recordings: the last that did something
 * is meant. 0, or the exit status. */
static int open_process(const struct job *job, const struct trace_list *l, struct export_job *x)
{
	char err[TOOL_ERROR_MAX] = "";
	size_t fits = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct trace *t;

		if (trace_open(&t, l->path[i], err, sizeof err) != 0)
			continue;
		bool wanted = job->pid ? trace_info(t)->pid == job->pid : !trace_info(t)->by_exec;
		if (!wanted) {
			trace_close(t);
			continue;
		}
		fits += !x->t || trace_info(t)->pid != trace_info(x->t)->pid;
		if (x->t)
			trace_close(x->t);
		x->t = t;
		x->process = l->path[i];
	}
	if (!x->t)
		tool_error("export: %s", *err ? err : "no such process in this recording");
	else if (fits > 1)
		tool_error("export: %zu processes in this recording: choose one by --process=PID; gosan dump "
			   "names "
			   "them",
			   fits);
	return !x->t ? TOOL_UNREADABLE : fits > 1 ? TOOL_USAGE : 0;
}

/* A file that can't be made is told before the recording is read. */
static FILE *open_output(const char *path)
{
	FILE *f = fopen(path, "we");

	if (!f)
		tool_error("export: %s: %s", path, strerror(errno));
	return f;
}

/* A full disk shows when the last bytes go out. Standard output stays open: it is not ours. */
static bool close_output(FILE *f, const char *path)
{
	bool good = fflush(f) == 0 && !ferror(f);

	if (!good)
		tool_error("export: %s: cannot be written", path ? path : "standard output");
	if (f != stdout)
		good &= fclose(f) == 0;
	return good;
}

/* The file of locations is written after the events, but opened before: a mistake in its name costs no run. */
static int write_export(const struct job *job, struct export_job *x)
{
	char err[TOOL_ERROR_MAX];
	bool good = true;

	x->out = job->file ? open_output(job->file) : stdout;
	x->locations = x->out && job->locations ? open_output(job->locations) : NULL;
	if (!x->out || (job->locations && !x->locations))
		return TOOL_USAGE;
	setvbuf(x->out, NULL, _IOFBF, OUTPUT_BUFFER);
	int error = job->format->run(x, err, sizeof err);
	good = close_output(x->out, job->file);
	if (x->locations)
		good &= close_output(x->locations, job->locations);
	tracewords_loss(x->t, stderr, "gosan: export: ");
	if (error) {
		tool_error("export: %s", err);
		return TOOL_UNREADABLE;
	}
	return good ? TOOL_OK : TOOL_INTERNAL;
}

int cmd_export(int argc, char **argv)
{
	struct job job = {0};
	const struct argp argp = {
		options, parse,
		"TRACE", "Write a recording (gosan run --trace=TRACE) in the format of another tool.",
		NULL,    NULL,
		NULL};
	const struct argp_option *const tables[] = {options, NULL};
	struct export_job x = {0};
	struct trace_list list;
	char err[TOOL_ERROR_MAX];
	int status = prepare_words("export", tables, argv);

	if (status >= 0)
		return status;
	argp_parse(&argp, argc, argv, 0, NULL, &job);
	if (trace_list_read(&list, job.path, err, sizeof err) != 0) {
		tool_error("export: %s", err);
		return TOOL_UNREADABLE;
	}
	x.a = arena_new();
	status = open_process(&job, &list, &x);
	if (!status)
		status = write_export(&job, &x);
	if (x.t)
		trace_close(x.t);
	arena_free(x.a);
	trace_list_free(&list);
	return status;
}
