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

#define CLEAN_MAX  50
#define DRIVER_MAX 8
#define SHOWN_IN   3
#define HOW_WIDTH  10

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
static const char *how(const struct gate_row *row)
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

static void add_row(struct page *p, const struct gate_row *row)
{
	struct arena *a = p->a;
	const char *text = gate_command(a, row->program, row->argv, row->n_argv), *what = how(row);
	const char *facts = verdict_several(a, row->processes, "process", "processes");

	if (row->n_findings)
		facts = arena_printf(a, "%s, %s", verdict_several(a, row->n_findings, "finding", "findings"),
				     facts);
	if (row->checked)
		facts = arena_printf(
			a, "%s, %s, %s", facts,
			verdict_several(a, row->counters[COUNTER_events], "event", "events"),
			verdict_several(a, row->counters[COUNTER_accesses], "access", "accesses"));
	size_t room = TEXT_COLUMNS - 5 - HOW_WIDTH - strlen(facts);
	/* The name tells more than the directory. */
	if (strlen(text) > room)
		text += base_at(text);
	const char *color = row->n_findings ? "1;31" : strcmp(what, "clean") == 0 ? "32" : "33";
	page_add(p, "  %s%*s %s  %s", page_paint(p, color, what), (int)(HOW_WIDTH - strlen(what)), "",
		 page_fit(a, text, room), facts);
}

static void add_rows(struct page *p, const struct gate *g)
{
	size_t clean = 0;

	for (size_t i = 0; i < g->n_rows; i++) {
		const char *what = how(g->rows[i]);

		if (!*what)
			continue;
		if (strcmp(what, "clean") != 0 || clean++ < CLEAN_MAX || gosan_options.verbosity > 0)
			add_row(p, g->rows[i]);
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

		if (row->checked || *how(row))
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

/* Each command line once; images of one lie together mostly, so looking back a little is enough. */
static const char *shown_in(struct arena *a, const struct finding *f)
{
	const char *names[SHOWN_IN], *text = "";
	size_t n = 0, more = 0;

	for (size_t i = 0; i < f->n_seen; i++) {
		const struct process *p = f->seen[i];
		const char *name = gate_command(a, p->program, p->argv, p->n_argv);
		bool known = false;

		for (size_t k = 0; k < n; k++)
			known |= strcmp(names[k], name) == 0;
		if (known)
			continue;
		if (n == SHOWN_IN) {
			more++;
			continue;
		}
		names[n++] = name;
		text = arena_printf(a, "%s%s%s", text, *text ? ", " : "", name);
	}
	return more ? arena_printf(a, "%s and others", text) : text;
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
		  arena_printf(p->a, "%s, in %s%s", f->title, shown_in(p->a, f), times), 3);
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
