/* SPDX-License-Identifier: Apache-2.0
 * pipeline.c: the order matters: suppressions may name fingerprints, and folding must not hide a finding
 * behind a suppressed one.
 *
 * The same chain serves gosan run and a process that was preloaded without it. Settings are read before,
 * because a mistake in them must be told before a program runs, and again completed here, where the
 * report's arena exists.
 */
#include "pipeline.h"

#include "baseline.h"
#include "fingerprint.h"
#include "raw.h"
#include "resolve.h"
#include "source.h"
#include "suppress.h"
#include "tool.h"
#include "verdict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Names before fingerprints, fingerprints before suppressions (which may name them), folding after: a
 * suppressed finding must not stand for one that isn't. A finding that is both suppressed and in the baseline is
 * suppressed. The verdict counts what is left. */
void pipeline_judge(struct report *r)
{
	resolve_report(r);
	for (size_t i = 0; i < r->n_findings; i++)
		fingerprint_finding(r->arena, r->findings[i]);
	suppress_findings(r);
	baseline_findings(r);
	fold_findings(r);
}

/* Whoever sends all reports to files still wants to see on the terminal how it ended. */
static void last_word(const struct report *r, const struct settings *s)
{
	bool said = gosan_options.quiet && r->verdict == VERDICT_CLEAN;

	for (size_t i = 0; i < s->n_formats; i++)
		said |= !*s->formats[i].file;
	if (!said)
		fprintf(stderr, "%s\n", verdict_line(r));
}

/* The library was told to load and didn't say a word. */
static int not_loaded(const struct pipeline *in)
{
	tool_error("the program ran, but libgosan.so was not loaded into it, so nothing was checked");
	return in->exit_status > 0 ? in->exit_status : TOOL_MISSING;
}

int pipeline_lists(struct report *r, char *err, size_t err_size)
{
	if (gosan_options.suppressions && *gosan_options.suppressions &&
	    suppress_read(r, gosan_options.suppressions, err, err_size) != 0)
		return TOOL_USAGE;
	return baseline_load(r, err, err_size);
}

int pipeline_show(struct report *r, struct settings *s)
{
	char err[TOOL_ERROR_MAX];

	if (settings_finish(s, r->arena, err, sizeof err) != 0) {
		tool_error("%s", err);
		return TOOL_USAGE;
	}
	if (render_all(r, s->formats, s->n_formats, err, sizeof err) != 0) {
		tool_error("cannot write the report: %s", err);
		return TOOL_INTERNAL;
	}
	last_word(r, s);
	return verdict_exit(r);
}

/* A stream that cannot be read is an error of its own status, also when the program failed: a report
 * that is missing must not look like a report that is clean. */
static int report(const struct pipeline *in, struct settings *s, struct report *r)
{
	char err[TOOL_ERROR_MAX];
	int error = raw_read_dir(r, in->dir, err, sizeof err);

	if (error == -ENODATA && in->exit_status >= 0)
		return not_loaded(in);
	if (error) {
		tool_error("%s", err);
		return TOOL_UNREADABLE;
	}
	error = pipeline_lists(r, err, sizeof err);
	if (error) {
		tool_error("%s", err);
		return error;
	}
	pipeline_judge(r);
	verdict_decide(r, in->main_pid, in->exit_status, in->timed_out);
	return pipeline_show(r, s);
}

/* One report, one arena. */
int pipeline_run(const struct pipeline *in, struct settings *s)
{
	struct report *r = raw_report_new();
	int status = report(in, s, r);

	source_forget();
	raw_report_free(r);
	return status;
}
