/* SPDX-License-Identifier: Apache-2.0
 *
 * render_html.c: the report as one HTML file, for mail, for artefacts of CI, for printing. No script, no
 * second file, nothing fetched; headings, tables, lists and figures, so that it reads well without the style
 * sheet, too (Jenkins serves artefacts so that it is not applied).
 *
 *   h1, verdict         what came out
 *   table               all findings, a line each, with links
 *   article             a finding: drawing, why, what to do, the participants with source and stacks
 *   section             the run: counters, what was not checked, where a hung program stood
 */
#include "baseline.h"
#include "gate.h"
#include "html.h"
#include "objname.h"
#include "render.h"
#include "resolve.h"
#include "suppress.h"
#include "verdict.h"
#include "words.h"

#include <inttypes.h>
#include <string.h>

#define DUMPS_MAX   200
#define COMMAND_MAX 60 /* characters of a command in the heading */

/* --- A finding --------------------------------------------------------------------------------------------- */

/* A pair of a description list: what it is, and its value, as code where it is to be copied. */
static void term(struct xml *x, const char *name, const char *element, const char *text)
{
	xml_element(x, "dt", NULL, name);
	xml_open(x, "dd");
	xml_element(x, element, NULL, text);
	xml_close(x);
}

/* Folded: stacks are evidence, wanted by few. Browsers print what is open. */
static void add_stack(struct xml *x, const struct stack *st, const char *title)
{
	xml_open(x, "details");
	xml_element(x, "summary", NULL,
		    arena_printf(x->a, "%s (%zu frame%s)", title, st->n, st->n == 1 ? "" : "s"));
	xml_open(x, "ol");
	for (size_t i = 0; i < st->n; i++) {
		const struct frame *f = &st->frames[i];

		xml_open(x, "li");
		xml_element(x, "code", NULL, resolve_function(f));
		xml_text(x, " ");
		xml_element(x, "span", "place", *f->file && f->line ? words_place(x->a, f) : "no line");
		xml_element(x, "span", "soft",
			    arena_printf(x->a, " %s+0x%" PRIx64 "%s", f->module, f->offset,
					 f->inlined ? ", inlined" : ""));
		xml_close(x);
	}
	xml_close(x);
	xml_close(x);
}

/* In the open, unlike its stack: where a goroutine was started is half of most explanations. */
static void add_created(struct xml *x, const struct part *p)
{
	const struct frame *f = p->created.n ? &p->created.frames[0] : NULL;

	if (!f)
		return;
	xml_open(x, "p");
	xml_text(x, arena_printf(x->a, "%s was created%s at ", resolve_who(x->a, p->g, p->t, ""),
				 words_created_by(x->a, p)));
	xml_element(x, "span", "place", words_place(x->a, f));
	xml_text(x, " in ");
	xml_element(x, "code", NULL, resolve_function(f));
	xml_text(x, ".");
	xml_close(x);
}

/* Place and excerpt before the stacks: what most readers need is seen without a click. */
static void add_part(struct xml *x, const struct finding *f, const struct part *p)
{
	const struct frame *at = words_frame(x->a, &p->stack);

	xml_open(x, "section");
	xml_element(x, "h3", NULL, words_part(x->a, f, p));
	if (at) {
		xml_open(x, "p");
		xml_element(x, "span", "place", words_place(x->a, at));
		xml_text(x, " in ");
		xml_element(x, "code", NULL, resolve_function(at));
		xml_close(x);
	}
	html_source(x, f, p);
	add_created(x, p);
	if (p->stack.n)
		add_stack(x, &p->stack, "Stack");
	for (size_t i = 0; i < p->n_locks; i++)
		if (p->locks[i].created.n)
			add_stack(x, &p->locks[i].created,
				  arena_printf(x->a, "Where it took %s", objname_label(x->a, &p->locks[i])));
	if (p->created.n)
		add_stack(x, &p->created, "Where it was created");
	xml_close(x);
}

/* Texts of analyzers have no full stop (finding.h). */
static void sentence(struct xml *x, const char *word, const char *text)
{
	if (!*text)
		return;
	xml_open(x, "p");
	xml_element(x, "strong", NULL, word);
	xml_text(x, arena_printf(x->a, " %s.", text));
	xml_close(x);
}

/* What a reader does next, to be copied. */
static void add_facts(struct xml *x, const struct report *r, const struct finding *f)
{
	xml_element(x, "h3", NULL, "Facts");
	xml_open(x, "dl");
	term(x, "Grade", "span", f->grade);
	const char *seen = arena_printf(x->a, "%s time%s", verdict_number(x->a, f->count ? f->count : 1),
					f->count > 1 ? "s" : "");
	if (r->gate && r->gate->runs > 1)
		seen = arena_printf(x->a, "%s, in %u of %u runs", seen, gate_runs_of(f), r->gate->runs);
	term(x, "Seen", "span", seen);
	for (size_t i = 0; r->gate && i < r->gate->n_rows; i++)
		if (gate_row_shows(r->gate->rows[i], f))
			term(x, "Program", "code",
			     gate_command(x->a, r->gate->rows[i]->program, r->gate->rows[i]->argv,
					  r->gate->rows[i]->n_argv));
	if (*f->object.kind || f->object.address)
		term(x, "Object", "span", words_where(x->a, f));
	term(x, "Reproduce", "code", f->reproduce);
	term(x, "Suppress", "code", suppress_line(x->a, f));
	term(x, "Explain", "code", arena_printf(x->a, "gosan explain %s", f->code));
	term(x, "Fingerprint", "code", f->fingerprint);
	xml_close(x);
}

/* The colour repeats what the grade says in words, so nothing depends on seeing it. */
static void add_code(struct xml *x, const struct finding *f)
{
	xml_element(x, "span", strcmp(words_level(f), "error") == 0 ? "code" : "code warning", f->code);
}

/* The most telling first: the drawing, then the sentences, then the evidence. */
static void add_finding(struct xml *x, const struct report *r, const struct finding *f, size_t id)
{
	xml_open(x, "article");
	xml_attr(x, "id", "finding-%zu", id);
	xml_attr(x, "aria-labelledby", "heading-%zu", id);
	xml_open(x, "h2");
	xml_attr(x, "id", "heading-%zu", id);
	add_code(x, f);
	xml_text(x, arena_printf(x->a, " %s", f->title));
	xml_close(x);
	html_plot(x, f, id);
	sentence(x, "Why:", f->why);
	sentence(x, "Help:", f->help);
	for (size_t i = 0; i < f->n_parts; i++)
		add_part(x, f, &f->parts[i]);
	if (f->object.created.n)
		add_stack(x, &f->object.created, "Where the object comes from");
	add_facts(x, r, f);
	xml_close(x);
}

/* --- The page ---------------------------------------------------------------------------------------------- */

/* With a scope, by which a screen reader names the column of each cell. */
static void header_cell(struct xml *x, const char *scope, const char *class, const char *text)
{
	xml_open(x, "th");
	xml_attr(x, "scope", "%s", scope);
	if (class)
		xml_attr(x, "class", "%s", class);
	xml_text(x, text);
	xml_close(x);
}

/* The title is the link: it says where it leads, also when links are read out one after the other. */
static void add_row(struct xml *x, const struct finding *f, size_t id)
{
	const char *function, *place = words_summary_place(x->a, f, &function);

	xml_open(x, "tr");
	xml_open(x, "td");
	add_code(x, f);
	xml_close(x);
	xml_open(x, "td");
	xml_open(x, "a");
	xml_attr(x, "href", "#finding-%zu", id);
	xml_text(x, f->title);
	xml_close(x);
	xml_close(x);
	xml_open(x, "td");
	xml_element(x, "span", "place", place);
	xml_close(x);
	xml_element(x, "td", NULL, f->grade);
	xml_element(x, "td", "count", verdict_number(x->a, f->count ? f->count : 1));
	xml_close(x);
}

/* In a box that scrolls: on a telephone the page must not become wider than the screen. */
static void add_table(struct xml *x, const struct report *r)
{
	size_t id = 0;

	if (r->n_shown == 0)
		return;
	xml_open(x, "div");
	xml_attr(x, "class", "scroll");
	xml_open(x, "table");
	xml_element(x, "caption", NULL, "Findings, in the order in which they were seen");
	xml_open(x, "thead");
	xml_open(x, "tr");
	header_cell(x, "col", NULL, "Code");
	header_cell(x, "col", NULL, "Finding");
	header_cell(x, "col", NULL, "Where");
	header_cell(x, "col", NULL, "Grade");
	header_cell(x, "col", "count", "Seen");
	xml_close(x);
	xml_close(x);
	xml_open(x, "tbody");
	for (size_t i = 0; i < r->n_findings; i++)
		if (words_shown(r->findings[i]))
			add_row(x, r->findings[i], ++id);
	xml_close(x);
	xml_close(x);
	xml_close(x);
}

/* Names in the first column are headers of their rows. */
static void add_counters(struct xml *x, const struct report *r)
{
	xml_open(x, "table");
	xml_element(x, "caption", NULL, "What the detector saw");
	xml_open(x, "tbody");
	for (size_t i = 0; i < COUNTER_COUNT; i++) {
		/* Losses of nothing are one line: events lost. */
		if (i != COUNTER_lost && strstr(counter_names[i], "lost") && !r->counters[i])
			continue;
		xml_open(x, "tr");
		header_cell(x, "row", NULL, counter_texts[i]);
		xml_element(x, "td", "count", verdict_number(x->a, r->counters[i]));
		xml_close(x);
	}
	xml_close(x);
	xml_close(x);
}

/* Nothing, not even the heading, for an empty list. */
static void add_list(struct xml *x, const char *title, const char *const *list, size_t n)
{
	if (n == 0)
		return;
	xml_element(x, "h3", NULL, title);
	xml_open(x, "ul");
	for (size_t i = 0; i < n; i++)
		xml_element(x, "li", NULL, list[i]);
	xml_close(x);
}

/* Where a program stood that was stopped; alike ones once. */
static void add_dumps(struct xml *x, const struct process *p)
{
	bool *shown = arena_alloc(x->a, p->n_dumps);

	xml_element(x, "h3", NULL,
		    *p->why ? "Goroutines and threads when the program was stopped"
			    : "Goroutines and threads at the end of the process");
	for (size_t i = 0; i < p->n_dumps && i < DUMPS_MAX; i++) {
		const struct dump *d = &p->dumps[i];
		size_t alike = 0;

		for (size_t k = i; k < p->n_dumps && !shown[i]; k++)
			alike += words_same_place(d, &p->dumps[k]);
		for (size_t k = i + 1; k < p->n_dumps && alike; k++)
			shown[k] |= words_same_place(d, &p->dumps[k]);
		if (alike)
			add_stack(
				x, &d->stack,
				arena_printf(x->a, "%s%s: %s", resolve_who(x->a, d->g, d->t, d->name),
					     alike > 1 ? arena_printf(x->a, " and %zu more", alike - 1) : "",
					     d->state));
	}
}

/* Of a gate: the programs with something to check, those with trouble first named as such. */
static void add_programs(struct xml *x, const struct report *r)
{
	xml_open(x, "div");
	xml_attr(x, "class", "scroll");
	xml_open(x, "table");
	xml_element(x, "caption", NULL, "Programs that showed something to check");
	xml_open(x, "thead");
	xml_open(x, "tr");
	header_cell(x, "col", NULL, "Program");
	header_cell(x, "col", NULL, "Result");
	header_cell(x, "col", "count", "Findings");
	header_cell(x, "col", "count", "Events");
	header_cell(x, "col", "count", "Accesses");
	xml_close(x);
	xml_close(x);
	xml_open(x, "tbody");
	for (size_t i = 0; i < r->gate->n_rows; i++) {
		const struct gate_row *g = r->gate->rows[i];

		if (!*gate_row_result(g))
			continue;
		xml_open(x, "tr");
		xml_open(x, "td");
		xml_element(x, "code", NULL, gate_command(x->a, g->program, g->argv, g->n_argv));
		xml_close(x);
		xml_element(x, "td", NULL, gate_row_result(g));
		xml_element(x, "td", "count", verdict_number(x->a, g->n_findings));
		xml_element(x, "td", "count", verdict_number(x->a, g->counters[COUNTER_events]));
		xml_element(x, "td", "count", verdict_number(x->a, g->counters[COUNTER_accesses]));
		xml_close(x);
	}
	xml_close(x);
	xml_close(x);
	xml_close(x);
}

/* Entries of the baseline that nothing matched are to be removed, or tell of a test that did not run. */
static void add_stale(struct xml *x, const struct baseline *b)
{
	const char **list = arena_alloc(x->a, b->n * sizeof *list);
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		if (!b->entries[i].hits)
			list[n++] = arena_printf(x->a, "%s %s %s", b->entries[i].fingerprint,
						 b->entries[i].code, b->entries[i].title);
	add_list(x, "Stale entries of the baseline", list, n);
}

/* Last, because it is for those who doubt the verdict: what was seen, what was not, how to run it again. */
static void add_run(struct xml *x, const struct report *r)
{
	xml_open(x, "section");
	xml_attr(x, "aria-labelledby", "run");
	xml_open(x, "h2");
	xml_attr(x, "id", "run");
	xml_text(x, "The run");
	xml_close(x);
	xml_open(x, "dl");
	if (r->main)
		term(x, "Command", "code", words_command(r));
	term(x, "Checks", "span", r->checks && *r->checks ? r->checks : "none");
	term(x, "Program's status", "span", arena_printf(x->a, "%d", r->exit_status));
	if (r->n_suppressed)
		term(x, "Suppressed", "span", arena_printf(x->a, "%" PRIu64 " findings", r->n_suppressed));
	if (r->n_baselined)
		term(x, "In the baseline", "span",
		     arena_printf(x->a, "%" PRIu64 " findings", r->n_baselined));
	xml_close(x);
	if (r->gate)
		add_programs(x, r);
	add_counters(x, r);
	if (r->baseline)
		add_stale(x, r->baseline);
	add_list(x, "Not checked", r->not_checked, r->n_not_checked);
	for (size_t i = 0; i < r->n_processes; i++)
		if (words_dumps_shown(r, r->processes[i]))
			add_dumps(x, r->processes[i]);
	xml_close(x);
}

/* The verdict in a few words; it is the title of the page as well, so that tabs can be told apart. */
static const char *heading(struct arena *a, const struct report *r)
{
	const char *path = r->main ? r->main->program : "", *slash = strrchr(path, '/'),
		   *name = slash ? slash + 1 : path;

	if (r->gate && r->main)
		name = page_fit(a, gate_command(a, r->main->program, r->main->argv, r->main->n_argv),
				COMMAND_MAX);
	switch (r->verdict) {
	case VERDICT_FINDINGS:
		return arena_printf(a, "%" PRIu64 " finding%s in %s", r->n_shown, r->n_shown == 1 ? "" : "s",
				    name);
	case VERDICT_CLEAN:
		return arena_printf(a, "%s is clean", name);
	case VERDICT_BLIND:
		break;
	}
	return arena_printf(a, "%s: no verdict", name);
}

static void meta(struct xml *x, const char *name, const char *content)
{
	xml_open(x, "meta");
	xml_attr(x, "name", "%s", name);
	xml_attr(x, "content", "%s", content);
	xml_void(x);
}

/* The character set comes first: it must lie in the first 1,024 bytes. */
static void add_head(struct xml *x, const struct report *r)
{
	xml_open(x, "head");
	xml_open(x, "meta");
	xml_attr(x, "charset", "utf-8");
	xml_void(x);
	meta(x, "viewport", "width=device-width, initial-scale=1");
	meta(x, "generator", "gosan " GOSAN_VERSION);
	xml_element(x, "title", NULL, arena_printf(x->a, "gosan: %s", heading(x->a, r)));
	xml_open(x, "style");
	xml_raw(x, html_style);
	xml_close(x);
	xml_close(x);
}

/* Landmarks (header, main, footer) let a screen reader jump; there is nothing to navigate but the table. */
static void add_body(struct xml *x, const struct report *r)
{
	static const char *const classes[] = {"verdict clean", "verdict findings", "verdict blind"};
	size_t id = 0;

	xml_open(x, "body");
	xml_open(x, "header");
	xml_element(x, "h1", NULL, heading(x->a, r));
	xml_element(x, "p", classes[r->verdict], verdict_line(r));
	xml_close(x);
	xml_open(x, "main");
	add_table(x, r);
	for (size_t i = 0; i < r->n_findings; i++)
		if (words_shown(r->findings[i]))
			add_finding(x, r, r->findings[i], ++id);
	add_run(x, r);
	xml_close(x);
	xml_open(x, "footer");
	xml_element(x, "p", "soft", "Written by gosan " GOSAN_VERSION ".");
	xml_close(x);
	xml_close(x);
}

static void render(const struct report *r, FILE *out, bool color)
{
	struct xml x;

	(void)color;
	if (xml_begin(&x, r->arena) != 0)
		return;
	xml_raw(&x, "<!DOCTYPE html>\n");
	xml_open(&x, "html");
	xml_attr(&x, "lang", "en");
	add_head(&x, r);
	add_body(&x, r);
	xml_close(&x);
	xml_raw(&x, "\n");
	xml_finish(&x, out);
}

const struct render_ops render_html = {"html", render};
