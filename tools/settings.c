/* SPDX-License-Identifier: Apache-2.0
 *
 * settings.c: one option, one setting of options.def. Each option is checked here, where the message can
 * name it, and handed on to the library in text form.
 *
 * Three readers want the same setting: this process (gosan_options), the library in the program
 * (GOSAN_OPTIONS, as text), and the renderers (struct settings). One switch per option fills all of them.
 */
#include "settings.h"

#include "tool.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Above every character, so that no option gets a short form by accident. */
enum key {
	FORMAT = 0x100,
	TRACE,
	CHECKS,
	NO_CHECKS,
	SUPPRESSIONS,
	BASELINE,
	EXIT_CODE,
	TIMEOUT,
	SEED,
	HALT,
	QUIET,
	SOURCE_ROOT
};

/* The text of --help, the manual and completion all follow this table; test_pages.c compares the
 * manual. */
static const struct argp_option options[] = {
	{"format", FORMAT, "FORMAT[:FILE]", 0,
	 "text, json, sarif, junit, github, html; repeatable; default text, standard error; FILE -: standard "
	 "output",
	 1},
	/* With blanks: glibc's argp writes past its buffer when a word is wider than the column. */
	{"checks", CHECKS, "LIST", 0,
	 "only these, with commas: race, deadlock, leak, waitgroup, channel, lock, resource", 1},
	{"no-checks", NO_CHECKS, "LIST", 0, "all but these", 1},
	{"suppressions", SUPPRESSIONS, "FILE", 0, "findings not to report, in ThreadSanitizer's format", 1},
	{"baseline", BASELINE, "FILE", 0, "known findings, which don't count: see gosan baseline", 1},
	{"exit-code", EXIT_CODE, "N", 0,
	 "exit status when there are findings and the program's own is 0 (66)", 1},
	{"timeout", TIMEOUT, "SECONDS", 0, "stop a hung program and say who waits for whom", 1},
	{"seed", SEED, "N", 0, "seed of the scheduler's choices", 1},
	{"halt-on-error", HALT, NULL, 0, "end the program at the first finding", 1},
	{"quiet", QUIET, NULL, 0, "say nothing when there is nothing to report", 1},
	{"source-root", SOURCE_ROOT, "DIR", 0, "show file names relative to DIR", 1},
	{"trace", TRACE, "PATH", 0, "keep a recording for gosan report: a directory, or one file PATH.gosan",
	 1},
	{0},
};

/* The names of analyzers, and "all". */
static const char *const checks[] = {"all",     "race", "deadlock", "leak", "waitgroup",
				     "channel", "lock", "resource", NULL};

/* Append to the program's GOSAN_OPTIONS; later keys win there. */
static void pass_on(struct settings *s, const char *key, const char *value)
{
	size_t n = strlen(s->for_program);

	snprintf(s->for_program + n, sizeof s->for_program - n, "%s%s=%s", n ? ":" : "", key, value);
}

/* argp_error exits with the usage status and names the command. */
static int whole_number(struct argp_state *state, const char *option, const char *arg, long low, long high)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(arg, &end, 10);
	if (errno || end == arg || *end || v < low || v > high)
		argp_error(state, "--%s: '%s' is not a number from %ld to %ld", option, arg, low, high);
	return (int)v;
}

/* A misspelt check would silently check nothing. */
static void check_list(struct argp_state *state, const char *option, const char *list)
{
	if (!list[strspn(list, ",")])
		argp_error(state, "--%s: no check is named", option);
	for (const char *at = list; *at; at += strspn(at, ",")) {
		char word[32];
		size_t n = strcspn(at, ",");
		bool known = false;

		snprintf(word, sizeof word, "%.*s", (int)n, at);
		for (size_t i = 0; checks[i]; i++)
			known |= strcmp(word, checks[i]) == 0;
		const char *near = known ? NULL : gosan_options_suggest(word, checks);
		if (!known && near)
			argp_error(state, "--%s: unknown check '%s': did you mean '%s'?", option, word, near);
		else if (!known)
			argp_error(state,
				   "--%s: unknown check '%s': there are race, deadlock, leak, waitgroup, "
				   "channel, lock, resource",
				   option, word);
		at += n;
	}
}

/* Programs change their directory, so its whole path; in the text of settings a colon would end it. */
static void trace(struct argp_state *state, struct settings *s, const char *arg)
{
	char *path, *cwd = *arg == '/' ? NULL : get_current_dir_name();

	if (!*arg || strchr(arg, ':') || (*arg != '/' && !cwd))
		argp_error(state, "--trace: '%s' is not a path that can be recorded in", arg);
	if (asprintf(&path, "%s%s%s", cwd ? cwd : "", cwd ? "/" : "", arg) < 0)
		return;
	free(cwd);
	gosan_options.trace = path;
	pass_on(s, "trace", path);
}

/* What both sides must know goes to gosan_options here and into the text for the library. */
static error_t parse_numbers(int key, char *arg, struct argp_state *state)
{
	struct settings *s = state->input;

	switch (key) {
	case EXIT_CODE:
		gosan_options.exitcode = whole_number(state, "exit-code", arg, 0, 255);
		pass_on(s, "exitcode", arg);
		return 0;
	case TIMEOUT:
		gosan_options.timeout = whole_number(state, "timeout", arg, 1, INT_MAX / 1000);
		pass_on(s, "timeout", arg);
		return 0;
	case SEED:
		gosan_options.seed = whole_number(state, "seed", arg, 0, INT_MAX);
		pass_on(s, "seed", arg);
		return 0;
	case HALT:
		gosan_options.halt_on_error = true;
		pass_on(s, "halt_on_error", "1");
		return 0;
	case QUIET:
		gosan_options.quiet = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static void add_format(struct argp_state *state, struct settings *s, const char *arg)
{
	char err[TOOL_ERROR_MAX];

	if (s->n_formats == RENDER_REQUESTS_MAX)
		argp_error(state, "--format: more than %d of them", RENDER_REQUESTS_MAX);
	else if (render_parse(arg, &s->formats[s->n_formats++], err, sizeof err) != 0)
		argp_error(state, "--format: %s", err);
}

/* Settings that only reports need are not handed on. */
static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct settings *s = state->input;

	switch (key) {
	case FORMAT:
		add_format(state, s, arg);
		return 0;
	case CHECKS:
		check_list(state, "checks", arg);
		gosan_options.checks = arg;
		pass_on(s, "checks", arg);
		return 0;
	case NO_CHECKS:
		check_list(state, "no-checks", arg);
		gosan_options.no_checks = arg;
		pass_on(s, "no_checks", arg);
		return 0;
	case SUPPRESSIONS:
		gosan_options.suppressions = arg;
		return 0;
	case SOURCE_ROOT:
		gosan_options.source_root = realpath(arg, NULL);
		if (!gosan_options.source_root)
			argp_error(state, "--source-root: %s: %s", arg, strerror(errno));
		return 0;
	case TRACE:
		trace(state, s, arg);
		return 0;
	case BASELINE:
		gosan_options.baseline = arg;
		return 0;
	}
	return parse_numbers(key, arg, state);
}

const struct argp settings_argp = {.options = options, .parser = parse};

/* The text of the environment is handed on as it is; options of the command line come after it. */
int settings_begin(struct settings *s, char *err, size_t err_size)
{
	/* A mistake in the environment is as bad as one on the command line, and often older. */
	const char *env = getenv("GOSAN_OPTIONS"), *checkout = getenv("GITHUB_WORKSPACE");

	*s = (struct settings){.n_formats = 0};
	/* A runner of GitHub takes file names relative to its checkout, wherever the tests run. */
	if (checkout && *checkout)
		gosan_options.source_root = checkout;
	if (!env)
		return 0;
	int error = gosan_options_parse(env, err, err_size);
	if (error)
		return error;
	s->help = gosan_options.help;
	if (snprintf(s->for_program, sizeof s->for_program, "%s", env) >= (int)sizeof s->for_program) {
		snprintf(err, err_size, "GOSAN_OPTIONS: too long");
		return -E2BIG;
	}
	return 0;
}

/* %p is the id of this process: of the tool, when the tool writes. */
static const char *log_path(struct arena *a)
{
	const char *path = gosan_options.log_path ? gosan_options.log_path : "",
		   *percent = strstr(path, "%p");

	if (!percent)
		return path;
	return arena_printf(a, "%.*s%d%s", (int)(percent - path), path, (int)getpid(), percent + 2);
}

/* A format of the command line replaces those of the environment. log_path is for reports that name no
 * file of their own. */
int settings_finish(struct settings *s, struct arena *a, char *err, size_t err_size)
{
	const char *list = gosan_options.format ? gosan_options.format : "text";

	for (bool own = s->n_formats > 0; !own && *list && s->n_formats < RENDER_REQUESTS_MAX;
	     list += strspn(list, ",")) {
		size_t n = strcspn(list, ",");
		int error =
			render_parse(arena_strndup(a, list, n), &s->formats[s->n_formats++], err, err_size);

		if (error)
			return error;
		list += n;
	}
	for (size_t i = 0; i < s->n_formats; i++)
		if (!*s->formats[i].file)
			s->formats[i].file = log_path(a);
	return 0;
}

/* --- Did you mean ----------------------------------------------------------------------------------------- */

#define NAMES_MAX 64

/* argp's own options are not in our tables. */
static size_t collect(const struct argp_option *const *tables, const char **names)
{
	static const char *const common[] = {"help", "usage", "version"};
	size_t n = 0;

	for (size_t i = 0; i < 3; i++)
		names[n++] = common[i];
	for (; *tables; tables++)
		for (const struct argp_option *o = *tables; o->name || o->key; o++)
			if (o->name && n < NAMES_MAX - 1)
				names[n++] = o->name;
	names[n] = NULL;
	return n;
}

/* getopt_long accepts an unambiguous beginning. */
static bool is_known(const char *word, const char *const *names)
{
	for (; *names; names++)
		if (strncmp(*names, word, strlen(word)) == 0)
			return true;
	return false;
}

/* Does the option take its argument from the next word? */
static bool takes_next(const struct argp_option *const *tables, const char *text)
{
	if (strchr(text, '='))
		return false;
	for (; *tables; tables++)
		for (const struct argp_option *o = *tables; o->name || o->key; o++)
			if (o->name && strncmp(o->name, text, strlen(text)) == 0)
				return o->arg && !(o->flags & OPTION_ARG_OPTIONAL);
	return false;
}

/* argp would say "unrecognized option" and no more, so the words are looked at before it sees them. */
const char *settings_unknown(const struct argp_option *const *tables, char **argv, const char **ret_meant)
{
	const char *names[NAMES_MAX];

	collect(tables, names);
	for (size_t i = 1; argv[i] && argv[i][0] == '-' && strcmp(argv[i], "--") != 0; i++) {
		static char word[64];

		if (argv[i][1] != '-')
			continue;
		snprintf(word, sizeof word, "%.*s", (int)strcspn(argv[i] + 2, "="), argv[i] + 2);
		if (!is_known(word, names)) {
			*ret_meant = gosan_options_suggest(word, names);
			return argv[i];
		}
		if (takes_next(tables, argv[i] + 2) && argv[i + 1])
			i++;
	}
	return NULL;
}
