/* SPDX-License-Identifier: Apache-2.0
 *
 * gate_text.c: the gate's part of the text report: after the findings, before the verdict.
 *
 * What needs a look is always listed; programs that are clean only up to a number that a log can bear.
 */
#include "gate.h"

#include "options.h"
#include "resolve.h"
#include "verdict.h"

#include <inttypes.h>
#include <string.h>

#define CLEAN_MAX      50
#define DRIVER_MAX     8
#define SHOWN_IN       3
#define HOW_WIDTH      10
#define NAME_MAX_WIDTH 40

unsigned gate_runs_of(const struct finding *f)
{
	unsigned runs = 0, last = 0;

	/* Images come in the order of the repetitions. */
	for (size_t i = 0; i < f->n_seen; i++)
		if (f->seen[i]->run != last) {
			last = f->seen[i]->run;
			runs++;
		}
	return runs;
}

const char *gate_command(struct arena *a, const char *program, const char *const *argv, size_t n)
{
	const char *text = resolve_path(a, n ? argv[0] : program);

	for (size_t i = 1; i < n; i++)
		text = arena_printf(a, "%s %s", text, resolve_word(a, argv[i]));
	return text;
}

static const char *base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool gate_row_shows(const struct gate_row *row, const struct finding *f)
{
	for (size_t i = 0; i < row->n_findings; i++)
		if (row->findings[i] == f)
			return true;
	return false;
}

/* Where the last component of the first word begins. */
static size_t base_at(const char *command)
{
	size_t at = 0;

	for (size_t i = 0; command[i] && command[i] != ' '; i++)
		if (command[i] == '/')
			at = i + 1;
	return at;
}

/* --- Programs --------------------------------------------------------------------------------------------- */

/* The worst that can be said of it, in one word. */
const char *gate_row_result(const struct gate_row *row)
{
	if (row->n_findings)
		return "FINDINGS";
	if (row->timed_out)
		return "timeout";
	if (row->crashed)
		return "crashed";
	if (row->killed)
		return "killed";
	return row->checked ? "clean" : "";
}

static void add_row(struct page *p, const struct gate_row *row, size_t width)
{
	struct arena *a = p->a;
	const char *text = gate_command(a, row->program, row->argv, row->n_argv),
		   *what = gate_row_result(row);
	const char *facts = verdict_several(a, row->processes, "process", "processes");

	if (row->n_findings)
		facts = arena_printf(a, "%s, %s", verdict_several(a, row->n_findings, "finding", "findings"),
				     facts);
	if (row->checked)
		facts = arena_printf(
			a, "%s, %s, %s", facts,
			verdict_several(a, row->counters[COUNTER_events], "event", "events"),
			verdict_several(a, row->counters[COUNTER_accesses], "access", "accesses"));
	/* The name tells more than the directory. */
	if (strlen(text) > width)
		text += base_at(text);
	text = page_fit(a, text, width);
	const char *color = row->n_findings ? "1;31" : strcmp(what, "clean") == 0 ? "32" : "33";
	page_add(p, "  %s%*s %-*s  %s", page_paint(p, color, what), (int)(HOW_WIDTH - strlen(what)), "",
		 (int)width, text, facts);
}

/* One column for all names, as wide as the longest, up to what a line can give. */
static size_t name_width(struct arena *a, const struct gate *g)
{
	size_t width = 0;

	for (size_t i = 0; i < g->n_rows; i++) {
		const struct gate_row *row = g->rows[i];
		size_t n = *gate_row_result(row)
				   ? strlen(gate_command(a, row->program, row->argv, row->n_argv))
				   : 0;

		width = n > width ? n : width;
	}
	return width < NAME_MAX_WIDTH ? width : NAME_MAX_WIDTH;
}

static void add_rows(struct page *p, const struct gate *g)
{
	size_t clean = 0, width = name_width(p->a, g);

	for (size_t i = 0; i < g->n_rows; i++) {
		const char *what = gate_row_result(g->rows[i]);

		if (!*what)
			continue;
		if (strcmp(what, "clean") != 0 || clean++ < CLEAN_MAX || gosan_options.verbosity > 0)
			add_row(p, g->rows[i], width);
	}
	if (clean > CLEAN_MAX && gosan_options.verbosity < 1)
		page_add(p, "  %-*s %zu more programs (GOSAN_OPTIONS=verbosity=1 lists them)", HOW_WIDTH,
			 "clean", clean - CLEAN_MAX);
}

/* By name, with how many processes: that a test is missing among them is what a reader looks for. */
static void add_drivers(struct page *p, const struct gate *g)
{
	const char *text = "";
	size_t n = 0;

	for (size_t i = 0; i < g->n_rows; i++) {
		const struct gate_row *row = g->rows[i];

		if (row->checked || *gate_row_result(row))
			continue;
		if (n++ < DRIVER_MAX || gosan_options.verbosity > 0)
			text = arena_printf(p->a, "%s%s%s (%s)", text, *text ? ", " : "", base(row->program),
					    verdict_number(p->a, row->processes));
	}
	if (n > DRIVER_MAX && gosan_options.verbosity < 1)
		text = arena_printf(p->a, "%s and %zu more", text, n - DRIVER_MAX);
	if (n)
		page_wrap(p, "  nothing to check in: ", text, 4);
}

static void add_unseen(struct page *p, const struct gate *g)
{
	for (size_t i = 0; i < g->n_unseen; i++)
		page_wrap(p, "  not seen   ",
			  arena_printf(p->a, "%s (%s)", resolve_path(p->a, g->unseen[i].path),
				       g->unseen[i].why),
			  2);
}

/* --- Findings --------------------------------------------------------------------------------------------- */

/* Some by name: the command lines whose rows have it. */
static const char *shown_in(struct arena *a, const struct gate *g, const struct finding *f)
{
	const char *text = "";
	size_t n = 0;

	for (size_t i = 0; i < g->n_rows; i++) {
		const struct gate_row *row = g->rows[i];

		if (!gate_row_shows(row, f) || n++ >= SHOWN_IN)
			continue;
		text = arena_printf(a, "%s%s%s", text, *text ? ", " : "",
				    gate_command(a, row->program, row->argv, row->n_argv));
	}
	return n > SHOWN_IN ? arena_printf(a, "%s and %zu more", text, n - SHOWN_IN) : text;
}

/* Flaky: a verdict does not depend on who came first, but what a test runs at all may. */
static void add_finding(struct page *p, const struct gate *g, const struct finding *f)
{
	unsigned runs = gate_runs_of(f);
	const char *times = "";

	if (g->runs > 1)
		times = arena_printf(p->a, "; seen in %u of %u runs%s", runs, g->runs,
				     runs < g->runs ? " (flaky)" : "");
	page_wrap(p, arena_printf(p->a, "  %s %.8s ", f->code, f->fingerprint),
		  arena_printf(p->a, "%s, in %s%s", f->title, shown_in(p->a, g, f), times), 3);
}

void gate_page(struct page *p, const struct report *r)
{
	const struct gate *g = r->gate;

	if (gosan_options.quiet && r->verdict == VERDICT_CLEAN)
		return;
	page_add(p, "gosan: gate over '%s'%s:",
		 gate_command(p->a, r->main->program, r->main->argv, r->main->n_argv),
		 g->runs > 1 ? arena_printf(p->a, ", %u runs", g->runs) : "");
	add_rows(p, g);
	add_drivers(p, g);
	add_unseen(p, g);
	for (size_t i = 0; i < r->n_findings; i++)
		if (!r->findings[i]->suppressed && !r->findings[i]->folded)
			add_finding(p, g, r->findings[i]);
}

/* --- The line --------------------------------------------------------------------------------------------- */

static const char *scope(const struct report *r)
{
	size_t checked = 0;

	for (size_t i = 0; i < r->gate->n_rows; i++)
		checked += r->gate->rows[i]->checked;
	return arena_printf(r->arena, "%s in %s",
			    verdict_several(r->arena, checked, "program checked", "programs checked"),
			    verdict_several(r->arena, r->gate->processes, "process", "processes"));
}

static const char *ending(const struct report *r)
{
	int status = verdict_exit(r);
	const char *text = "";

	if (r->exit_status)
		text = arena_printf(r->arena, "; the command's own status is %d", r->exit_status);
	return status ? arena_printf(r->arena, "%s; exit %d", text, status) : text;
}

const char *gate_line(const struct report *r)
{
	struct arena *a = r->arena;

	if (r->verdict != VERDICT_FINDINGS && !*r->checks)
		return arena_printf(
			a, "gosan: gate: blind: every check is switched off, so nothing was checked%s",
			ending(r));
	if (r->verdict == VERDICT_BLIND && !r->saw_something)
		return arena_printf(
			a,
			"gosan: gate: blind: none of %s showed a goroutine, a memory access or an event, so "
			"nothing was checked; build the tests with 'gosan cc'%s%s",
			verdict_several(a, r->gate->processes, "process", "processes"), verdict_unchecked(r),
			ending(r));
	const char *what = "clean";
	if (r->verdict == VERDICT_FINDINGS)
		what = verdict_several(a, r->n_shown, "finding", "findings");
	else if (r->verdict == VERDICT_BLIND)
		what = r->cut ? "no findings so far" : "no findings in what was seen, but something was lost";
	return arena_printf(a, "gosan: gate: %s: %s: %s; checked: %s%s%s", what, scope(r), verdict_seen(r),
			    r->checks, verdict_unchecked(r), ending(r));
}
