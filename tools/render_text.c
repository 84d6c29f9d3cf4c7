/* SPDX-License-Identifier: Apache-2.0
 *
 * render_text.c: the report for people: at most 30 lines of 100 columns for a finding.
 *
 * The beginning (what) and the end (why, help, where, how to go on) are always there. What is left of the 30
 * lines goes, in this order, to: a place and one frame for each participant, source lines, who created
 * whom, the story, further frames.
 *
 * The form follows what is known to work: the frame and the "#0 function file:line (module+offset)" lines
 * of the sanitizers, which editors and CI parse; carets and help lines of the compilers; the two columns
 * of lockdep's scenarios.
 */
#include "baseline.h"
#include "gate.h"
#include "options.h"
#include "render.h"
#include "resolve.h"
#include "suppress.h"
#include "verdict.h"
#include "words.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX    30
#define SNIPPETS_MAX 3
#define DUMPS_MAX    64
#define MODULE_MAX   32
#define PLACE_MAX    50 /* columns for the file in the last line */

static const char frame_line[] = "==================";

/* How many lines each part of the middle may take. */
struct plan {
	size_t parts, snippets, created, story, frames;
};

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* First what every participant needs (place and frame), then what helps most per line. Participants that
 * don't fit are counted in one line. */
static struct plan make_plan(const struct finding *f, size_t room)
{
	struct plan p = {.parts = least(f->n_parts, room > 2 ? (room - 1) / 2 : 1)};
	size_t used = 2 * p.parts + (p.parts < f->n_parts);

	room = room > used ? room - used : 0;
	p.snippets = least(least(p.parts, SNIPPETS_MAX), room / 2);
	room -= 2 * p.snippets;
	p.created = room >= p.parts ? p.parts : 0;
	room -= p.created;
	if (f->n_steps > 1 && room >= 3)
		p.story = least(f->n_steps + 1, room);
	room -= p.story;
	p.frames = 1 + (p.parts ? room / p.parts : 0);
	return p;
}

/* --- Participants ---------------------------------------------------------------------------------------- */

/* The path gives way before the function and the module do, then a function of C++, which can be longer than any
 * line, and last a module with a long name. */
static void add_frame(struct page *p, size_t i, const struct frame *f)
{
	const char *tail =
		arena_printf(p->a, " (%s+0x%" PRIx64 ")%s", page_fit_end(p->a, f->module, MODULE_MAX),
			     f->offset, f->inlined ? " inlined" : "");
	const char *function = page_fit(p->a, resolve_function(f), TEXT_COLUMNS - 30 - strlen(tail));
	const char *head = arena_printf(p->a, "    #%zu %s ", i, function);
	const char *place = *f->file && f->line ? words_place(p->a, f) : "<no line>";
	size_t room = TEXT_COLUMNS - least(TEXT_COLUMNS - 20, strlen(head) + strlen(tail));

	page_add(p, "%s%s%s", head, page_fit_end(p->a, place, room), tail);
}

/* One line: who started it and where is what a reader looks for; the rest of that stack rarely helps. */
static void add_created(struct page *p, const struct part *part)
{
	const struct frame *f = part->created.n ? &part->created.frames[0] : NULL;

	if (f)
		page_wrap(p, "    ",
			  arena_printf(p->a, "%s was created%s at %s in %s",
				       resolve_who(p->a, part->g, part->t, ""), words_created_by(p->a, part),
				       resolve_place_short(p->a, f), resolve_function(f)),
			  1);
}

/* The place line: in full when it fits, else without the directory (the frame below has it). */
static void add_place(struct page *p, const struct frame *at, const char *what)
{
	const char *place = words_place(p->a, at), *slash = strrchr(place, '/');

	if (strlen(place) + strlen(what) + 8 > TEXT_COLUMNS && slash)
		place = slash + 1;
	page_wrap(p, "  --> ", arena_printf(p->a, "%s  %s", place, what), 1);
}

/* The source position is there twice: the place line is for people, #0 for programs that read sanitizer
 * reports. */
static void add_part(struct page *p, const struct finding *f, const struct plan *plan, size_t index)
{
	const struct part *part = &f->parts[index];
	const struct frame *at = part->stack.n ? &part->stack.frames[0] : NULL;
	const char *what = words_part(p->a, f, part);

	if (at)
		add_place(p, at, what);
	else
		page_wrap(p, "  --> ", what, 1);
	if (at && index < plan->snippets)
		snippet_add(p, at, part->op);
	for (size_t i = 0; i < part->stack.n && i < plan->frames; i++)
		add_frame(p, i, &part->stack.frames[i]);
	if (index < plan->created)
		add_created(p, part);
}

/* --- Beginning and end ------------------------------------------------------------------------------------ */

/* The grade stands in the title line, since it decides how the rest is read. */
static void add_head(struct page *p, const struct finding *f)
{
	const char *code = arena_printf(p->a, "error[%s]", f->code);

	page_add(p, "%s", frame_line);
	size_t first = p->n;
	page_wrap(p, arena_printf(p->a, "%s: ", code), arena_printf(p->a, "%s  (%s)", f->title, f->grade), 2);
	if (p->color && p->n > first)
		p->lines[first] =
			arena_printf(p->a, "\033[1;31m%s\033[0m%s", code, p->lines[first] + strlen(code));
}

/* Always complete: a report that was cut elsewhere still says why, what to do, and how to go on. */
static void add_tail(struct page *p, const struct finding *f)
{
	const char *function, *place = words_summary_place(p->a, f, &function);

	page_wrap(p, "  why: ", f->why, 4);
	page_wrap(p, "  help: ", f->help, 3);
	if (*f->object.kind || f->object.address)
		page_wrap(p, "  where: ", words_where(p->a, f), 2);
	page_wrap(p, "  reproduce: ", f->reproduce, 1);
	page_add(p, "  suppress: %s", suppress_line(p->a, f));
	page_add(p, "  fingerprint: %s   more: gosan explain %s", f->fingerprint, f->code);
	if (f->count > 1)
		page_add(p, "  seen %s times", verdict_number(p->a, f->count));
	place = page_fit_end(p->a, place, PLACE_MAX);
	page_add(p, "%s",
		 page_fit(p->a,
			  arena_printf(p->a, "SUMMARY: gosan: %s %s in %s", words_kind(p->a, f->kind), place,
				       function),
			  TEXT_COLUMNS));
	page_add(p, "%s", frame_line);
}

static void put(const struct page *p, FILE *out)
{
	for (size_t i = 0; i < p->n; i++)
		fprintf(out, "%s\n", p->lines[i]);
}

/* Head and tail are made first; what they leave of the lines is the middle's. */
void render_text_finding(const struct report *r, const struct finding *f, FILE *out, bool color)
{
	struct page head = {.a = r->arena, .color = color}, middle = head, tail = head;

	add_head(&head, f);
	add_tail(&tail, f);
	struct plan plan = make_plan(f, LINES_MAX - least(LINES_MAX - 3, head.n + tail.n));
	for (size_t i = 0; i < plan.parts; i++)
		add_part(&middle, f, &plan, i);
	if (plan.parts < f->n_parts)
		page_add(&middle, "  ... and %zu more", f->n_parts - plan.parts);
	if (plan.story)
		story_add(&middle, f, plan.story);
	put(&head, out);
	put(&middle, out);
	put(&tail, out);
}

const char *render_text_plain(const struct report *r, const struct finding *f)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return f->title;
	render_text_finding(r, f, out, false);
	if (fclose(out) != 0)
		return f->title;
	const char *copy = arena_strdup(r->arena, text);
	free(text);
	return copy;
}

/* --- A hung program ----------------------------------------------------------------------------------------- */

/* Goroutines that stand at the same place in the same state are shown once. */
static void add_dumps(struct page *p, const struct process *of)
{
	bool *shown = arena_alloc(p->a, of->n_dumps);

	if (*of->why)
		page_add(p, "goroutines and threads when the program was stopped:");
	else
		page_add(p, "goroutines and threads of process %d at its end:", (int)of->pid);
	for (size_t i = 0; i < of->n_dumps && p->n < (size_t)DUMPS_MAX * 8; i++) {
		const struct dump *d = &of->dumps[i];
		size_t alike = 0;

		if (shown[i])
			continue;
		for (size_t k = i; k < of->n_dumps; k++)
			if (!shown[k] && words_same_place(d, &of->dumps[k])) {
				shown[k] = true;
				alike++;
			}
		const char *more = alike > 1 ? arena_printf(p->a, " and %zu more", alike - 1) : "";
		page_add(p, "  %s%s: %s%s", resolve_who(p->a, d->g, d->t, d->name), more, d->state,
			 d->detail);
		for (size_t k = 0; k < d->stack.n && k < 6; k++)
			add_frame(p, k, &d->stack.frames[k]);
	}
}

/* --- The whole ------------------------------------------------------------------------------------------------ */

/* An entry that matches nothing is either a repaired bug or a misspelt name; both want to be known, as does one
 * whose day has come. How often the others were of use is for whoever tidies up. */
static void add_suppressions(struct page *p, const struct report *r)
{
	for (size_t i = 0; i < r->n_suppressions; i++) {
		const struct suppression *s = &r->suppressions[i];

		if (s->expired)
			page_add(p,
				 "gosan: %s:%u: suppression %s:%s expired on %s and suppresses no more: "
				 "repair the bug, or give it another day",
				 s->file, s->line, s->type, s->pattern, s->expires);
		else if (s->hits && (r->gate || gosan_options.verbosity > 0))
			page_add(p, "gosan: %s:%u: suppression %s:%s was used %" PRIu64 " time%s", s->file,
				 s->line, s->type, s->pattern, s->hits, s->hits == 1 ? "" : "s");
		else if (s->hits == 0)
			page_add(p, "gosan: %s:%u: suppression %s:%s matched nothing", s->file, s->line,
				 s->type, s->pattern);
	}
}

/* A process that was killed may have had more to say. Of one that did nothing that is no loss. */
static void add_killed(struct page *p, const struct report *r)
{
	for (size_t i = 0; i < r->n_processes; i++)
		if (!*r->processes[i]->why && r->processes[i]->counters[COUNTER_events])
			page_add(p,
				 "gosan: process %d ended without its last word (killed?): findings up to "
				 "then",
				 (int)r->processes[i]->pid);
}

/* Findings first, the state of a hung program after them, the verdict last: it is what a terminal still
 * shows. */
static void render(const struct report *r, FILE *out, bool color)
{
	struct page rest = {.a = r->arena, .color = color};

	for (size_t i = 0; i < r->n_findings; i++)
		if (words_shown(r->findings[i]))
			render_text_finding(r, r->findings[i], out, color);
	for (size_t i = 0; i < r->n_processes; i++)
		if (words_dumps_shown(r, r->processes[i]))
			add_dumps(&rest, r->processes[i]);
	if (r->gate)
		gate_page(&rest, r);
	add_suppressions(&rest, r);
	baseline_page(&rest, r);
	add_killed(&rest, r);
	if (r->verdict != VERDICT_CLEAN || r->timed_out || !gosan_options.quiet)
		page_add(&rest, "%s", verdict_line(r));
	put(&rest, out);
}

const struct render_ops render_text = {"text", render};
