/* SPDX-License-Identifier: Apache-2.0
 *
 * story.c: who did what in which order.
 *
 *   story        goroutine 3 "server"  goroutine 7 "filler"
 *     main.c:20  go filler()
 *     cache.c:77 read c->len
 *     cache.c:41                       write c->len  <-- unordered
 *
 * Up to three goroutines get a column each; with more, or when the columns would not fit, a step names its
 * goroutine.
 *
 * A story is short by design (at most GOSAN_STORY_MAX steps, the analyzer's choice), so the layout may
 * look at all of it first. Times are left out: order is what a race is about, and a clock would suggest
 * more.
 */
#include "render.h"
#include "resolve.h"
#include "words.h"

#include <inttypes.h>
#include <string.h>

#define COLUMNS_MAX 3
#define PLACE_MAX   24
#define HEADING_MAX 24

struct column {
	uint64_t g, t;
	const char *heading;
	size_t width;
};

struct sheet {
	struct column column[COLUMNS_MAX];
	size_t n;     /* 0: no columns */
	size_t place; /* width of the first column */
};

static size_t column_of(const struct sheet *s, const struct step *step)
{
	size_t i = 0;

	while (i < s->n && (s->column[i].g != step->g || s->column[i].t != step->t))
		i++;
	return i;
}

static size_t at_most(size_t n, size_t max)
{
	return n < max ? n : max;
}

/* A column for each goroutine, as wide as what stands in it. */
static struct sheet lay_out(struct arena *a, const struct finding *f, size_t first)
{
	struct sheet s = {.place = strlen("story")};
	size_t total = 0;

	for (size_t i = first; i < f->n_steps; i++) {
		const struct step *step = &f->steps[i];
		size_t k = column_of(&s, step),
		       n = at_most(strlen(words_short_place(a, &step->at)) + 2, PLACE_MAX);

		s.place = n > s.place ? n : s.place;
		if (k == COLUMNS_MAX)
			return (struct sheet){.place = PLACE_MAX};
		if (k == s.n) {
			const char *who = page_fit(a, words_step_who(a, f, step), HEADING_MAX);

			s.column[s.n++] = (struct column){step->g, step->t, who, strlen(who)};
		}
		if (strlen(step->text) > s.column[k].width)
			s.column[k].width = strlen(step->text);
	}
	for (size_t i = 0; i < s.n; i++)
		total += s.column[i].width + 2;
	if (total + s.place + 1 > TEXT_COLUMNS)
		s.n = 0;
	return s;
}

/* No headings without columns: each step then names its goroutine. */
static void add_heading(struct page *p, const struct sheet *s)
{
	const char *text = "";

	for (size_t i = 0; i < s->n; i++)
		text = arena_printf(p->a, "%s%-*s  ", text, (int)s->column[i].width, s->column[i].heading);
	page_add(p, "  %-*s %s", (int)s->place, "story", text);
}

/* Columns are padded by what stands to their left; the last one may use the rest of the line. */
static void add_step(struct page *p, const struct step *step, const struct sheet *s)
{
	const char *place = page_fit_end(p->a, words_short_place(p->a, &step->at), s->place - 2),
		   *text = step->text;
	size_t indent = 0;

	for (size_t i = 0; i < column_of(s, step); i++)
		indent += s->column[i].width + 2;
	if (s->n == 0)
		text = arena_printf(p->a, "%s: %s", resolve_who(p->a, step->g, step->t, ""), text);
	page_add(p, "    %-*s %*s%s", (int)s->place - 2, place, (int)indent, "",
		 page_fit(p->a, text, TEXT_COLUMNS - s->place - 3 - indent));
}

/* The end of a story matters most: what doesn't fit is left out at its beginning. */
void story_add(struct page *p, const struct finding *f, size_t max)
{
	size_t first = f->n_steps + 1 > max ? f->n_steps + 1 - max : 0;

	if (f->n_steps == 0 || max < 2)
		return;
	struct sheet s = lay_out(p->a, f, first);
	add_heading(p, &s);
	for (size_t i = first; i < f->n_steps; i++)
		add_step(p, &f->steps[i], &s);
}
