/* SPDX-License-Identifier: Apache-2.0
 *
 * gaterun.c: the command with our library in its environment, a directory for each repetition, and a sweep every
 * second meanwhile.
 *
 * The command is not looked at as "gosan run" looks at its program: a script, a static driver or one that is linked
 * with a sanitizer may well start programs that can be watched. What cannot is named at the end.
 */
#include "gaterun.h"

#include "gate.h"
#include "launch.h"
#include "pipeline.h"
#include "prepare.h"
#include "raw.h"
#include "sweep.h"
#include "target.h"
#include "tmpdir.h"
#include "tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS = 0x200 };

static const struct argp_option options[] = {
	{"runs", RUNS, "N", 0, "run the command N times and count in how many each finding is seen", 2},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct gaterun *g = state->input;
	char *end;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &g->settings;
		return 0;
	case RUNS:
		errno = 0;
		unsigned long n = strtoul(arg, &end, 10);
		if (errno || *end || end == arg || *arg == '-' || n < 1 || n > GATERUN_MAX)
			argp_error(state, "--runs: '%s' is not a number from 1 to %d", arg, GATERUN_MAX);
		g->runs = (unsigned)n;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {{&settings_argp, 0, NULL, 0}, {0}};
const struct argp gaterun_argp = {.options = options, .parser = parse, .children = children};

static void tick(void *arg)
{
	sweep_ended(arg);
}

/* A repetition is worth it when it has another schedule. */
static const char *options_of(const struct gaterun *g, const struct report *r, unsigned run)
{
	unsigned seed = gate_seed_of(run);

	if (!seed)
		return g->settings.for_program;
	return arena_printf(r->arena, "%s%sseed=%u", g->settings.for_program,
			    *g->settings.for_program ? ":" : "", seed);
}

/* One repetition. 0 with the command's status, or the exit status of the tool. */
static int run_once(struct gaterun *g, struct report *r, unsigned run, const char *path, const char *preload,
		    int *ret_status)
{
	char dir[TOOL_PATH_MAX];
	int status = prepare_dir(dir, sizeof dir);

	if (status)
		return status;
	struct sweep s = {.r = r, .dir = dir, .run = run};
	struct launch l = {.path = path,
			   .argv = g->command,
			   .preload = preload,
			   .out = dir,
			   .options = options_of(g, r, run),
			   .gate = true,
			   .tick = tick,
			   .arg = &s};
	int error = launch_run(&l);
	if (error) {
		tool_error("%s: cannot be run: %s", path, strerror(-error));
		tmpdir_remove(dir);
		return TOOL_USAGE;
	}
	sweep_rest(&s);
	tmpdir_remove(dir);
	*ret_status = l.status;
	return 0;
}

/* A command that was interrupted is not run again. Its first failure is the status of all. */
int gaterun_run(struct gaterun *g, struct report *r)
{
	char path[TOOL_PATH_MAX], preload[PREPARE_PRELOAD_MAX], err[TOOL_ERROR_MAX];
	int first = 0, own = 0;

	if (target_find(g->command[0], path, sizeof path, err, sizeof err) != 0) {
		tool_error("%s", err);
		return TOOL_USAGE;
	}
	int status = prepare_preload(preload, sizeof preload);
	if (!status && (status = pipeline_lists(r, err, sizeof err)) != 0)
		tool_error("%s", err);
	gate_begin(r);
	for (unsigned i = 1; !status && i <= g->runs && first < 128; i++) {
		status = run_once(g, r, i, path, preload, &own);
		r->gate->runs = i;
		first = first ? first : own;
	}
	if (status)
		return status;
	pipeline_judge(r);
	gate_decide(r, path, g->command, first);
	return 0;
}
