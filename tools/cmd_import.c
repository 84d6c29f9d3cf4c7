/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_import.c: gosan import FILE: the data races of a recording in the STD text format.
 *
 * STD has locations by number and no names, so there is nothing to symbolize and no fingerprint: the report is a line
 * for each pair of locations, and a verdict. --locations prints what RAPID prints, to be compared.
 */
#include "clock.h"
#include "engine.h"
#include "prepare.h"
#include "stdhb.h"
#include "tool.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct job {
	const char *file; /* "-" is standard input */
	bool locations;   /* nothing but numbers, as RAPID has it */
	bool quiet;       /* no verdict without races */
};

enum { LOCATIONS = 0x100, QUIET };
static const struct argp_option options[] = {
	{"locations", LOCATIONS, NULL, 0, "print only the locations of racing accesses, one a line, sorted",
	 0},
	{"quiet", QUIET, NULL, 0, "say nothing when there is nothing to report", 0},
	{0},
};

/* FILE is one: events of two recordings have no order. */
static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct job *job = state->input;

	switch (key) {
	case LOCATIONS:
		job->locations = true;
		return 0;
	case QUIET:
		job->quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		if (job->file)
			argp_error(state, "one FILE, not two");
		job->file = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which FILE? '-' is standard input");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* Locations may be negative: no subtraction. */
static int by_value(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

/* Of the later access of each race: that is where the order would have had to be. */
static size_t racy_locations(const struct stdhb *h, int32_t *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < h->n_races; i++)
		ret[i] = h->races[i].loc[1];
	if (h->n_races)
		qsort(ret, h->n_races, sizeof *ret, by_value);
	for (size_t i = 0; i < h->n_races; i++)
		if (!i || ret[i] != ret[i - 1])
			ret[n++] = ret[i];
	return n;
}

/* As RAPID prints them, to be compared by diff. */
static void print_locations(const struct stdhb *h)
{
	int32_t *list = arena_alloc(h->a, (h->n_races + 1) * sizeof *list);
	size_t n = racy_locations(h, list);

	for (size_t i = 0; i < n; i++)
		printf("%d\n", list[i]);
}

/* Races to standard output, for scripts; the verdict to standard error, as with gosan run. */
static void print_races(const struct job *job, const struct std *s, const struct stdhb *h)
{
	int32_t *list = arena_alloc(h->a, (h->n_races + 1) * sizeof *list);

	for (size_t i = 0; i < h->n_races; i++) {
		const struct stdhb_race *r = &h->races[i];

		printf("data race on %s: %s at location %d by %s, %s at location %d by %s (line %llu%s%s)\n",
		       std_name(s, STD_VARIABLE, r->variable), r->op[0] == STD_WRITE ? "write" : "read",
		       r->loc[0], std_name(s, STD_THREAD, r->thread[0]),
		       r->op[1] == STD_WRITE ? "write" : "read", r->loc[1],
		       std_name(s, STD_THREAD, r->thread[1]), (unsigned long long)r->line,
		       r->count > 1 ? "; times: " : "",
		       r->count > 1 ? arena_printf(h->a, "%llu", (unsigned long long)r->count) : "");
	}
	if (job->quiet && !h->n_races)
		return;
	fprintf(stderr,
		"gosan: %s: %llu events of %u threads, %u variables, %u locks: %zu race%s, %llu racing "
		"accesses "
		"at %zu locations\n",
		job->file, (unsigned long long)h->n_events, std_count(s, STD_THREAD),
		std_count(s, STD_VARIABLE), std_count(s, STD_LOCK), h->n_races, h->n_races == 1 ? "" : "s",
		(unsigned long long)h->n_racing, racy_locations(h, list));
}

/* Who waits on a terminal sees that it goes on. */
static void tell_progress(uint64_t n)
{
	static int on_terminal = -1;

	if (n % 8000000 != 0)
		return;
	if (on_terminal < 0)
		on_terminal = isatty(STDERR_FILENO);
	if (on_terminal)
		fprintf(stderr, "gosan: import: %llu million events\n", (unsigned long long)(n / 1000000));
}

/* One pass, nothing is kept but what stdhb.h says. A file that is broken in the middle has no verdict: the events before
 * would look like all of them. Returns the exit status. */
static int analyse(const struct job *job, struct std *s, struct stdhb *h)
{
	char err[TOOL_ERROR_MAX];
	struct std_event ev;
	int more, error = 0;

	while (!error && (more = std_next(s, &ev, err, sizeof err)) > 0) {
		error = stdhb_event(h, &ev);
		tell_progress(h->n_events);
	}
	if (error) {
		tool_error("import: %s:%llu: more than %u threads", job->file, (unsigned long long)ev.line,
			   GOSAN_CID_MAX);
		return TOOL_UNREADABLE;
	}
	if (more < 0) {
		tool_error("import: %s", err);
		return TOOL_UNREADABLE;
	}
	if (job->locations)
		print_locations(h);
	else
		print_races(job, s, h);
	/* Without memory a clock knows too much, which hides races. */
	if (gosan_counters->clock_lost) {
		tool_error("import: memory ran out: races may be missing");
		return TOOL_INTERNAL;
	}
	return h->n_races ? TOOL_FINDINGS : TOOL_OK;
}

int cmd_import(int argc, char **argv)
{
	struct job job = {0};
	const struct argp argp = {
		options,
		parse,
		"FILE",
		"Find the data races of a recording in the STD text format of RAPID: accesses that "
		"happens-before does not order. Status 66 when there are any.",
		NULL,
		NULL,
		NULL};
	const struct argp_option *const tables[] = {options, NULL};
	char err[TOOL_ERROR_MAX];
	struct std *s;
	int status = prepare_words("import", tables, argv);

	if (status >= 0)
		return status;
	argp_parse(&argp, argc, argv, 0, NULL, &job);
	struct stdhb h = {.a = arena_new()};
	int error = std_open(&s, h.a, job.file, err, sizeof err);
	if (error) {
		tool_error("import: %s", err);
		status = error == -ENOENT ? TOOL_USAGE : TOOL_UNREADABLE;
	} else {
		status = analyse(&job, s, &h);
		stdhb_free(&h);
		std_close(s);
	}
	arena_free(h.a);
	return status;
}
