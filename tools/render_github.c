/* SPDX-License-Identifier: Apache-2.0
 *
 * render_github.c: workflow commands of GitHub Actions, one line for each finding, which the runner shows at
 * the source line; and a Markdown summary of the step in the file that GITHUB_STEP_SUMMARY names.
 *
 * The runner keeps 10 errors and 10 warnings of a step and drops the rest without a word, so the rest is
 * named in a notice. A summary may have 1 MiB in all, what other commands of the step wrote included.
 */
#include "baseline.h"
#include "gate.h"
#include "render.h"
#include "resolve.h"
#include "verdict.h"
#include "words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LEVEL_MAX   10
#define NAMED_MAX   50 /* of the rest, in the notice */
#define SUMMARY_MAX (1u << 20)

/* --- Escaping --------------------------------------------------------------------------------------------- */

/* The runner's rules: percent and line ends everywhere, colon and comma in properties, too. */
static const char *escape(struct arena *a, const char *text, bool property)
{
	const char *clean = words_clean(a, text);
	char *out = arena_alloc(a, 3 * strlen(clean) + 1), *to = out;

	for (; *clean; clean++)
		if (strchr(property ? "%\r\n:," : "%\r\n", *clean))
			to += sprintf(to, "%%%02X", (unsigned char)*clean);
		else
			*to++ = *clean;
	return out;
}

/* In a table cell: no line end, no bar, nothing that Markdown or HTML would take for markup. */
static const char *cell(struct arena *a, const char *text)
{
	const char *clean = words_clean(a, text);
	char *out = arena_alloc(a, 5 * strlen(clean) + 1), *to = out;

	for (; *clean; clean++)
		if (*clean == '&')
			to = stpcpy(to, "&amp;");
		else if (*clean == '<')
			to = stpcpy(to, "&lt;");
		else if (*clean == '\n')
			*to++ = ' ';
		else {
			if (strchr("|*_`[]\\~", *clean))
				*to++ = '\\';
			*to++ = *clean;
		}
	return out;
}

/* --- Annotations -------------------------------------------------------------------------------------------- */

/* Where: nothing for a finding without a line, which the runner then shows with the step. */
static const char *place(struct arena *a, const struct finding *f)
{
	const struct part *part;
	const struct frame *at = words_primary(a, f, &part);

	if (!at || !*at->file || !at->line)
		return "";
	const char *text = arena_printf(a, "file=%s,line=%u,endLine=%u,",
					escape(a, resolve_path(a, at->file), true), at->line, at->line);
	return at->column ? arena_printf(a, "%scol=%u,", text, at->column) : text;
}

/* What the participants did, why, and what to do about it: a few lines under the source line. */
static const char *message(struct arena *a, const struct finding *f)
{
	const char *text = "";

	for (size_t i = 0; i < f->n_parts; i++) {
		const struct part *p = &f->parts[i];
		const struct frame *at = words_frame(a, &p->stack);

		text = arena_printf(a, "%s%s by %s%s%s%s\n", text, words_deed(a, f, p),
				    resolve_who(a, p->g, p->t, p->name), words_holding(a, p),
				    at ? " at " : "", at ? resolve_place(a, at) : "");
	}
	return arena_printf(a, "%swhy: %s\nhelp: %s\nmore: gosan explain %s; fingerprint %s", text, f->why,
			    f->help, f->code, f->fingerprint);
}

/* The code comes first in the title, where the list of annotations still shows it when the rest is cut. */
static void annotate(const struct report *r, const struct finding *f, FILE *out)
{
	struct arena *a = r->arena;

	fprintf(out, "::%s %stitle=%s::%s\n", words_level(f), place(a, f),
		escape(a, arena_printf(a, "%s: %s (%s)", f->code, f->title, f->grade), true),
		escape(a, message(a, f), false));
}

/* Those that the runner would drop, by code and place. */
static void tell_rest(const struct report *r, const bool *told, FILE *out)
{
	struct arena *a = r->arena;
	const char *text = "", *function;
	size_t n = 0;

	for (size_t i = 0; i < r->n_findings; i++) {
		const struct finding *f = r->findings[i];

		if (!words_shown(f) || told[i])
			continue;
		if (++n <= NAMED_MAX)
			text = arena_printf(a, "%s\n%s %s at %s", text, f->code, f->title,
					    words_summary_place(a, f, &function));
	}
	if (n > NAMED_MAX)
		text = arena_printf(a, "%s\nand %zu more", text, n - NAMED_MAX);
	if (n)
		fprintf(out, "::notice title=%s::%s\n",
			escape(a, arena_printf(a, "gosan: %zu more finding%s", n, n == 1 ? "" : "s"), true),
			escape(a, text + 1, false));
}

/* Entries of the baseline that can go, since nothing showed them. */
static void tell_stale(const struct report *r, FILE *out)
{
	const char *text = "";
	size_t n = 0;

	for (size_t i = 0; r->baseline && i < r->baseline->n; i++)
		if (!r->baseline->entries[i].hits && ++n <= NAMED_MAX)
			text = arena_printf(r->arena, "%s\n%s %s %s", text,
					    r->baseline->entries[i].fingerprint, r->baseline->entries[i].code,
					    r->baseline->entries[i].title);
	if (n)
		fprintf(out, "::notice title=gosan::%s\n",
			escape(r->arena,
			       arena_printf(r->arena, "%zu stale entr%s of the baseline:%s", n,
					    n == 1 ? "y" : "ies", text),
			       false));
}

/* In the order of appearance; no finding is more urgent than another of its level. What is suppressed or in the
 * baseline is silent. */
static void annotations(const struct report *r, FILE *out)
{
	bool *told = arena_alloc(r->arena, r->n_findings);
	/* A verdict that is worth nothing is itself a warning. */
	size_t errors = 0, warnings = r->verdict == VERDICT_BLIND;

	if (r->verdict == VERDICT_BLIND)
		fprintf(out, "::warning title=gosan::%s\n", escape(r->arena, verdict_line(r), false));
	for (size_t i = 0; i < r->n_findings; i++) {
		const struct finding *f = r->findings[i];
		size_t *n = strcmp(words_level(f), "error") == 0 ? &errors : &warnings;

		if (!words_shown(f) || *n == LEVEL_MAX)
			continue;
		++*n;
		told[i] = true;
		annotate(r, f, out);
	}
	tell_rest(r, told, out);
	tell_stale(r, out);
}

/* --- The summary ----------------------------------------------------------------------------------------------- */

/* The line in the repository's browser when the runner says where that is, else the bare place. */
static const char *linked(struct arena *a, const struct finding *f)
{
	const char *server = getenv("GITHUB_SERVER_URL"), *repository = getenv("GITHUB_REPOSITORY"),
		   *commit = getenv("GITHUB_SHA"), *function;
	const struct part *part;
	const struct frame *at = words_primary(a, f, &part);

	if (!at)
		return cell(a, words_summary_place(a, f, &function));
	const char *text = cell(a, resolve_place(a, at));
	if (!server || !repository || !commit || !words_inside(a, at))
		return text;
	return arena_printf(a, "[%s](%s/%s/blob/%s/%s#L%u)", text, server, repository, commit,
			    words_uri(a, at->file), at->line);
}

/* Five cells; cell() keeps their number whatever the title says. */
static const char *row(struct arena *a, const struct finding *f)
{
	return arena_printf(a, "| %s | %s | %s | %s | %s |\n", f->code, cell(a, f->title), linked(a, f),
			    f->grade, verdict_number(a, f->count ? f->count : 1));
}

/* Of a gate: a row for each program that is not simply clean. */
static const char *programs(const struct report *r)
{
	struct arena *a = r->arena;
	const char *text = "";

	for (size_t i = 0; i < r->gate->n_rows; i++) {
		const struct gate_row *g = r->gate->rows[i];
		const char *result = gate_row_result(g);

		if (*result && strcmp(result, "clean") != 0)
			text = arena_printf(a, "%s| %s | %s | %zu |\n", text,
					    cell(a, gate_command(a, g->program, g->argv, g->n_argv)), result,
					    g->n_findings);
	}
	return *text ? arena_printf(a, "\n| Program | Result | Findings |\n|---|---|---:|\n%s", text) : "";
}

/* The full report, folded. In HTML, since no fence of backticks is safe from its content. */
static const char *details(const struct report *r, const struct finding *f)
{
	struct arena *a = r->arena;
	const char *text = words_clean(a, render_text_plain(r, f)), *plain = text;
	char *body = arena_alloc(a, 5 * strlen(text) + 1), *to = body;

	for (; *plain; plain++)
		if (*plain == '&')
			to = stpcpy(to, "&amp;");
		else if (*plain == '<')
			to = stpcpy(to, "&lt;");
		else
			*to++ = *plain;
	return arena_printf(a, "\n<details><summary>%s %s</summary>\n\n<pre>\n%s</pre>\n\n</details>\n",
			    f->code, cell(a, f->title), body);
}

/* What is left of the mebibyte. Room is kept for the last sentence. */
struct summary {
	FILE *out;
	size_t room;
};

/* Whole pieces only: half a table row or an open details element would spoil what follows in the summary. */
static bool put(struct summary *s, const char *text)
{
	size_t n = strlen(text);

	if (n > s->room)
		return false;
	s->room -= n;
	fputs(text, s->out);
	return true;
}

/* All rows before all details: the table is what fits in any case. */
static void summarize(const struct report *r, struct summary *s)
{
	size_t rows_left = 0, details_left = 0;
	struct arena *a = r->arena;

	put(s, arena_printf(a, "### gosan\n\n%s\n", cell(a, verdict_line(r))));
	if (r->gate)
		put(s, programs(r));
	if (r->n_shown)
		put(s, "\n| Code | Finding | Where | Grade | Seen |\n|---|---|---|---|---:|\n");
	for (size_t i = 0; i < r->n_findings; i++)
		if (words_shown(r->findings[i]) && (rows_left || !put(s, row(a, r->findings[i]))))
			rows_left++;
	for (size_t i = 0; i < r->n_findings && !rows_left; i++)
		if (words_shown(r->findings[i]) && (details_left || !put(s, details(r, r->findings[i]))))
			details_left++;
	/* From the room that was kept. */
	if (rows_left || details_left)
		fprintf(s->out, "\nA summary has 1 MiB: %zu findings and %zu reports were left out.\n",
			rows_left, details_left);
	fputc('\n', s->out);
}

/* Appended: the file belongs to the whole step. Trouble with it is told where people look: in the log. */
static void write_summary(const struct report *r, FILE *log)
{
	const char *path = getenv("GITHUB_STEP_SUMMARY");
	struct summary s = {.out = path && *path ? fopen(path, "ae") : NULL};
	struct stat st;
	bool failed = !s.out;

	if (!path || !*path)
		return;
	if (s.out) {
		size_t used = fstat(fileno(s.out), &st) == 0 && S_ISREG(st.st_mode) ? (size_t)st.st_size : 0;

		s.room = used + 256 < SUMMARY_MAX ? SUMMARY_MAX - 256 - used : 0;
		if (s.room)
			summarize(r, &s);
		failed = ferror(s.out);
		failed |= fclose(s.out) != 0;
	}
	if (failed)
		fprintf(log, "::warning title=gosan::%s\n",
			escape(r->arena,
			       arena_printf(r->arena, "cannot write the summary: %s: %s", path,
					    strerror(errno)),
			       false));
}

/* Annotations go where the format was sent; the runner reads both streams of a step. The summary has its own file. */
static void render(const struct report *r, FILE *out, bool color)
{
	(void)color;
	annotations(r, out);
	write_summary(r, out);
}

const struct render_ops render_github = {"github", render};
