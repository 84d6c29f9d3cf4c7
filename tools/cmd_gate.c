/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_gate.c: a whole test run (ctest, make check, a shell script) under the detector: one report, one verdict, one
 * exit status for CI.
 */
#include "gate.h"
#include "gaterun.h"
#include "pipeline.h"
#include "prepare.h"
#include "raw.h"
#include "source.h"
#include "recording.h"
#include "tool.h"
#include "verdict.h"

/* As for run: the first word that is no option is the command. */
static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct gaterun *g = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = g;
		return 0;
	case ARGP_KEY_ARGS:
		g->command = state->argv + state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which command? usage: gosan gate [OPTION...] [--] COMMAND [ARG...]");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* Streams that could not be read are the tool's own failure, unless there is something worse to tell. */
static int show(struct report *r, struct gaterun *g)
{
	int status = pipeline_show(r, &g->settings);

	return r->verdict == VERDICT_BLIND && r->gate->n_unreadable && status == TOOL_MISSING
		       ? TOOL_UNREADABLE
		       : status;
}

int cmd_gate(int argc, char **argv)
{
	struct gaterun g = {.runs = 1};
	const struct argp_child children[] = {{&gaterun_argp, 0, NULL, 0}, {0}};
	const struct argp argp = {
		NULL,
		parse,
		"[--] COMMAND [ARG...]",
		"Run COMMAND with all processes that it starts under the detector, report once "
		"at the end, and exit with 66 when something was found.",
		children,
		NULL,
		NULL};
	const struct argp_option *const tables[] = {settings_argp.options, gaterun_argp.options, NULL};
	int status = prepare_begin("gate", &g.settings, tables, argv);

	if (status >= 0)
		return status;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &g);
	status = prepare_settings(&g.settings);
	if (status)
		return status;
	struct report *r = raw_report_new();
	status = gaterun_run(&g, r);
	if (!status)
		status = show(r, &g);
	source_forget();
	raw_report_free(r);
	return recording_finish(status);
}
