/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_baseline.c: keep the file of known findings:
 *
 *	gosan baseline update FILE REPORT.json...                  from reports of --format=json
 *	gosan baseline update FILE [OPTION...] -- COMMAND [ARG...]  by a run under the gate
 *	gosan baseline stale  FILE (the same)                      entries that were not seen
 *
 * An update takes away what was not seen, so it wants a whole run: a command that failed, or a run that could not
 * check anything, changes nothing. --keep only adds.
 */
#include "baseline.h"
#include "gaterun.h"
#include "pipeline.h"
#include "prepare.h"
#include "raw.h"
#include "source.h"
#include "tool.h"
#include "verdict.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct job {
	struct gaterun run; /* with a command, or */
	char **reports;     /* files, "-" is standard input; NULL ends */
	const char *file;
	bool update, keep;
	struct baseline b;
	struct report *r; /* its arena holds everything */
	size_t added;
};

enum { KEEP = 0x300 };
static const struct argp_option options[] = {
	{"keep", KEEP, NULL, 0, "update: keep entries that were not seen", 3},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct job *job = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &job->run;
		return 0;
	case KEEP:
		job->keep = true;
		return 0;
	case ARGP_KEY_ARGS:
		job->reports = state->argv + state->next;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* --- What was seen ---------------------------------------------------------------------------------------- */

static void see(struct job *job, const char *fingerprint, const char *code, const char *title)
{
	struct baseline_entry *e = baseline_find(&job->b, fingerprint);

	if (e) {
		e->hits++;
		return;
	}
	if (!job->update)
		return;
	baseline_add(&job->b, fingerprint, code, title);
	job->added++;
	printf("+ %s %s %s\n", fingerprint, code, title);
}

static const char *member(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

/* A member that is no string, or a fingerprint that is none, would make a baseline that cannot be read. */
static int see_all(struct job *job, const char *path, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *f = json_array_get(list, i);
		const char *fingerprint = member(f, "fingerprint"), *code = member(f, "code");

		if (strlen(fingerprint) != 32 || strspn(fingerprint, "0123456789abcdef") != 32 ||
		    strncmp(code, "GS", 2) != 0 || strspn(code + 2, "0123456789") != strlen(code) - 2) {
			tool_error("%s: finding %zu has no fingerprint and code: is this a report of "
				   "--format=json?",
				   path, i + 1);
			return TOOL_UNREADABLE;
		}
		see(job, fingerprint, code, member(f, "title"));
	}
	return 0;
}

/* Known ones are in a list of their own when the report was made with a baseline. */
static int see_report(struct job *job, const char *path)
{
	json_error_t error;
	json_t *o = strcmp(path, "-") == 0 ? json_loadf(stdin, 0, &error) : json_load_file(path, 0, &error);
	int status = TOOL_UNREADABLE;

	if (!o)
		tool_error("%s:%d: %s: a report of --format=json is needed", path, error.line, error.text);
	else if (strcmp(member(o, "schema"), "gosan/1") != 0)
		tool_error("%s: not a report of gosan (schema gosan/1): make it with --format=json:FILE",
			   path);
	else if (strcmp(member(o, "verdict"), "blind") == 0 && !job->keep) {
		tool_error("%s: that run checked nothing or not all, so it cannot tell what is gone%s", path,
			   job->update ? ": --keep only adds" : "");
		status = TOOL_MISSING;
	} else {
		status = see_all(job, path, json_object_get(o, "findings"));
		if (!status)
			status = see_all(job, path, json_object_get(o, "baselined"));
	}
	json_decref(o);
	return status;
}

/* A failed command may have left tests out. The findings themselves are not shown: they are about to be known. */
static int see_run(struct job *job)
{
	/* The run must show what the baseline would hide. */
	gosan_options.baseline = "";
	int status = prepare_settings(&job->run.settings);

	if (!status)
		status = gaterun_run(&job->run, job->r);
	if (status)
		return status;
	fprintf(stderr, "%s\n", verdict_line(job->r));
	if (job->r->exit_status != 0 && !job->keep) {
		tool_error("the command failed with status %d, so it cannot tell what is gone%s",
			   job->r->exit_status, job->update ? ": --keep only adds" : "");
		return job->r->exit_status;
	}
	if (job->r->verdict == VERDICT_BLIND && !job->keep) {
		tool_error("%s is unchanged", job->file);
		return TOOL_MISSING;
	}
	for (size_t i = 0; i < job->r->n_findings; i++) {
		const struct finding *f = job->r->findings[i];

		if (!f->suppressed && !f->folded)
			see(job, f->fingerprint, f->code, f->title);
	}
	return 0;
}

/* --- What follows ----------------------------------------------------------------------------------------- */

/* As in the file, with where it stands, for editors. */
static int list_stale(const struct job *job)
{
	size_t n = 0;

	for (size_t i = 0; i < job->b.n; i++) {
		const struct baseline_entry *e = &job->b.entries[i];

		if (e->hits)
			continue;
		printf("%s:%u: %s %s %s\n", job->file, e->line, e->fingerprint, e->code, e->title);
		n++;
	}
	printf("%zu of %zu entries are stale%s\n", n, job->b.n,
	       n ? ": gosan baseline update removes them" : "");
	return n ? TOOL_FINDINGS : TOOL_OK;
}

static int write_update(struct job *job)
{
	char err[TOOL_ERROR_MAX];
	size_t kept = 0, removed = 0;

	for (size_t i = 0; i < job->b.n; i++) {
		const struct baseline_entry *e = &job->b.entries[i];

		if (e->hits || job->keep) {
			job->b.entries[kept++] = *e;
			continue;
		}
		printf("- %s %s %s\n", e->fingerprint, e->code, e->title);
		removed++;
	}
	job->b.n = kept;
	if (baseline_write(&job->b, err, sizeof err) != 0) {
		tool_error("%s", err);
		return TOOL_USAGE;
	}
	printf("%s: %zu entries, %zu added, %zu removed\n", job->file, kept, job->added, removed);
	return TOOL_OK;
}

static int work(struct job *job)
{
	char err[TOOL_ERROR_MAX];
	int error = baseline_read(&job->b, job->r->arena, job->file, err, sizeof err), status = 0;

	if (error && !(error == -ENOENT && job->update)) {
		tool_error("%s", err);
		return error == -EBADMSG ? TOOL_UNREADABLE : TOOL_USAGE;
	}
	if (job->run.command)
		status = see_run(job);
	for (size_t i = 0; !job->run.command && !status && job->reports[i]; i++)
		status = see_report(job, job->reports[i]);
	if (status)
		return status;
	return job->update ? write_update(job) : list_stale(job);
}

static int usage(const char *what)
{
	tool_error("baseline: %s: usage: gosan baseline update|stale FILE REPORT.json... | [OPTION...] -- "
		   "COMMAND "
		   "[ARG...]",
		   what);
	return TOOL_USAGE;
}

/* "--" before the end separates a command from our own words. */
static char **split(int *argc, char **argv)
{
	for (int i = 0; i < *argc; i++)
		if (strcmp(argv[i], "--") == 0) {
			*argc = i;
			argv[i] = NULL;
			return argv + i + 1;
		}
	return NULL;
}

int cmd_baseline(int argc, char **argv)
{
	struct job job = {.run = {.runs = 1}};
	const struct argp_child children[] = {{&gaterun_argp, 0, NULL, 0}, {0}};
	const struct argp argp = {
		options,
		parse,
		"update|stale FILE REPORT.json...\nupdate|stale FILE -- COMMAND [ARG...]",
		"Bring the baseline up to date with what a run finds (update), or list its entries "
		"that the run did not show (stale, status 66).",
		children,
		NULL,
		NULL};
	const struct argp_option *const tables[] = {settings_argp.options, gaterun_argp.options, options,
						    NULL};
	bool asks = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0);

	if (argc < 2)
		return usage("update or stale?");
	job.update = strcmp(argv[1], "update") == 0;
	if (!asks && !job.update && strcmp(argv[1], "stale") != 0)
		return usage("unknown word: update or stale?");
	if (!asks && (argc < 3 || *argv[2] == '-'))
		return usage("which FILE?");
	char **words = asks ? argv : argv + 2;
	int n = asks ? argc : argc - 2;
	job.file = words[0];
	job.run.command = split(&n, words);
	words[0] = argv[0];
	int status = prepare_begin("baseline", &job.run.settings, tables, words);
	if (status >= 0)
		return status;
	argp_parse(&argp, n, words, ARGP_IN_ORDER, NULL, &job);
	if (job.run.command ? !job.run.command[0] || job.reports : !job.reports)
		return usage(job.run.command ? "either reports or a command"
					     : "from what? reports or -- COMMAND");
	job.r = raw_report_new();
	status = work(&job);
	source_forget();
	raw_report_free(job.r);
	return status;
}
