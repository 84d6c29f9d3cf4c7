/* SPDX-License-Identifier: Apache-2.0
 *
 * html_source.c: an excerpt of a source file as a pre element, a span (or a mark) for each line. All lines of
 * the excerpt at which a participant of the finding stands are marked, so that two accesses in one function
 * are seen together. Without a style sheet the marked lines still end with what happened there.
 */
#include "html.h"

#include "resolve.h"
#include "source.h"
#include "words.h"

#include <string.h>

#define AROUND 4 /* lines before and after: a loop's head, a lock and its unlock */

/* By name: the debug information spells a file in one way within a program. */
static bool at_line(const struct frame *f, const char *file, unsigned line)
{
	return f && f->line == line && strcmp(f->file, file) == 0;
}

/* What happens in this line, by whom, in few words; "" when nothing does. */
static const char *events(struct arena *a, const struct finding *f, const char *file, unsigned line)
{
	const char *text = "";

	for (size_t i = 0; i < f->n_parts; i++) {
		const struct part *p = &f->parts[i];
		const char *what;

		if (!at_line(words_frame(a, &p->stack), file, line))
			continue;
		what = arena_printf(a, "%s by %s", *p->op ? p->op : p->role, resolve_who(a, p->g, p->t, ""));
		/* A goroutine that takes a lock twice in one line is named once. */
		if (!strstr(text, what))
			text = arena_printf(a, "%s%s%s", text, *text ? ", " : "", what);
	}
	return text;
}

/* Was p's line part of the excerpt of an earlier participant? It was marked there. */
static bool shown_before(struct arena *a, const struct finding *f, const struct part *p,
			 const struct frame *at)
{
	for (const struct part *before = f->parts; before < p; before++) {
		const struct frame *other = words_frame(a, &before->stack);

		if (other && strcmp(other->file, at->file) == 0 && other->line <= at->line + AROUND &&
		    at->line <= other->line + AROUND)
			return true;
	}
	return false;
}

/* Tabs in the excerpt are eight columns; a column of a tab stop is what the author saw. */
static const char *expand(struct arena *a, const char *line)
{
	char *out = arena_alloc(a, 8 * strlen(line) + 1);
	size_t n = 0;

	for (; *line; line++)
		if (*line == '\t')
			do
				out[n++] = ' ';
			while (n % 8);
		else
			out[n++] = *line;
	out[n] = '\0';
	return out;
}

/* The line break belongs to the line: an excerpt that is copied keeps its lines. */
static void add_line(struct xml *x, const struct finding *f, const char *file, unsigned line)
{
	const char *text = source_line(x->a, file, line), *what = events(x->a, f, file, line);

	xml_open(x, *what ? "mark" : "span");
	xml_attr(x, "class", "row");
	xml_element(x, "span", "number", arena_printf(x->a, "%u ", line));
	xml_text(x, expand(x->a, text));
	if (*what)
		xml_element(x, "span", "note", arena_printf(x->a, "   <-- %s", what));
	xml_text(x, "\n");
	xml_close(x);
}

/* Two participants that stand close together share one excerpt, in which both lines are marked. */
bool html_source(struct xml *x, const struct finding *f, const struct part *p)
{
	const struct frame *at = words_frame(x->a, &p->stack);

	if (!at || !at->line || !source_line(x->a, at->file, at->line))
		return false;
	if (shown_before(x->a, f, p, at)) {
		xml_element(x, "p", "soft", "Marked in the source above.");
		return true;
	}
	unsigned first = at->line > AROUND ? at->line - AROUND : 1;
	xml_open(x, "pre");
	xml_open(x, "code");
	for (unsigned line = first; line <= at->line + AROUND && source_line(x->a, at->file, line); line++)
		add_line(x, f, at->file, line);
	xml_close(x);
	xml_close(x);
	return true;
}
