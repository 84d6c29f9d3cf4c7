/* SPDX-License-Identifier: Apache-2.0
 *
 * html_plot.c: the interleaving as SVG.
 *
 *    main            worker
 *     |                               lanes, time runs downwards
 *     o go worker() -->|              a lane begins where it was started, if the story has that step
 *     o Wait           |
 *     : - - - - - - - -o Add(1)       a step that nothing orders, tied to the step that it clashes with
 *     #                               blocked for ever
 *
 * The drawing is laid out in rows (one for each step) and lanes, then written. A finding without a story is
 * drawn from its participants; their rows then have no order in time, and the caption says so.
 *
 * Everything drawn also stands in the text: desc tells the steps in words for those who don't see it.
 */
#include "html.h"

#include "resolve.h"
#include "words.h"

#include <string.h>

#define LANE_WIDTH  240
#define ROW_HEIGHT  44
#define HEAD_HEIGHT 40
#define MARGIN      14
#define LABEL_MAX   31 /* characters that fit beside a lane */
#define LANES_MAX   28 /* participants and further goroutines of a story */
#define ROWS_MAX    64

struct lane {
	uint64_t g, t;
	const char *who;
	const struct part *part; /* or NULL */
	int from;                /* row of the step that started it; -1: before the story */
	int starter;             /* lane of that step */
};

struct mark {
	size_t row, lane;
	const char *label, *note; /* note: what is wrong with it, or NULL */
	const struct frame *at;   /* or NULL */
	uint64_t pc;
	int tied;   /* mark that it clashes with or waits for, or -1 */
	bool waits; /* for tied's lane to give up what it has */
	bool end;   /* the goroutine stays here */
};

struct plot {
	struct arena *a;
	const struct finding *f;
	struct lane lane[LANES_MAX];
	struct mark mark[ROWS_MAX];
	size_t n_lanes, n_marks, n_rows;
	bool in_time;
};

/* --- Layout ----------------------------------------------------------------------------------------------- */

/* The lane of a goroutine, made when it has none; LANES_MAX when there is no room. */
static size_t lane_of(struct plot *p, uint64_t g, uint64_t t)
{
	size_t i = 0;

	while (i < p->n_lanes && (p->lane[i].g != g || p->lane[i].t != t))
		i++;
	if (i == p->n_lanes && i < LANES_MAX) {
		const struct part *part = NULL;

		for (size_t k = 0; k < p->f->n_parts && !part; k++)
			if (p->f->parts[k].g == g && p->f->parts[k].t == t)
				part = &p->f->parts[k];
		p->lane[p->n_lanes++] =
			(struct lane){g, t, resolve_who(p->a, g, t, part ? part->name : ""), part, -1, -1};
	}
	return i;
}

/* NULL when the drawing is full: a step that has no room is still in the text. */
static struct mark *add_mark(struct plot *p, size_t lane, const char *label)
{
	struct mark *m = &p->mark[p->n_marks];

	if (p->n_marks == ROWS_MAX || lane == LANES_MAX)
		return NULL;
	*m = (struct mark){.row = p->n_rows, .lane = lane, .label = label, .tied = -1};
	p->n_marks++;
	return m;
}

/* A step that waits is tied to the one that got the same lock in another goroutine; one that nothing orders to
 * the last of another goroutine before it. */
static void tie(struct plot *p, struct mark *m)
{
	m->waits = strncmp(m->note, "waits", 5) == 0;
	for (size_t i = 0; i + 1 < p->n_marks; i++) {
		const struct mark *other = &p->mark[i];

		if (other->lane != m->lane &&
		    (!m->waits || (!other->note && strcmp(other->label, m->label) == 0)))
			m->tied = (int)i;
	}
}

/* "write 4 bytes    <-- unordered": what it did, and what is wrong with it. */
static void add_step(struct plot *p, const struct step *s)
{
	const char *arrow = strstr(s->text, "<--");
	size_t n = arrow ? (size_t)(arrow - s->text) : strlen(s->text);

	while (n > 0 && s->text[n - 1] == ' ')
		n--;
	struct mark *m = add_mark(p, lane_of(p, s->g, s->t), arena_strndup(p->a, s->text, n));
	if (!m)
		return;
	m->at = &s->at;
	m->pc = s->pc;
	p->n_rows++;
	if (!arrow)
		return;
	m->note = arrow + 3 + strspn(arrow + 3, " ");
	tie(p, m);
}

/* The words decide, so that the drawing says what the text says. */
static bool stuck(const struct plot *p, const struct part *part)
{
	return strncmp(words_deed(p->a, p->f, part), "blocked", 7) == 0;
}

/* Does the story already tell of the goroutine in this lane? */
static bool has_mark(const struct plot *p, size_t lane)
{
	for (size_t i = 0; i < p->n_marks; i++)
		if (p->mark[i].lane == lane)
			return true;
	return false;
}

/* What a participant did, when the story doesn't tell it; those that are blocked all end in the last row. */
static void add_part(struct plot *p, const struct part *part, bool end)
{
	struct mark *m;

	if (stuck(p, part) != end || (!end && p->f->n_steps && has_mark(p, lane_of(p, part->g, part->t))))
		return;
	m = add_mark(p, lane_of(p, part->g, part->t), words_deed(p->a, p->f, part));
	if (!m)
		return;
	m->at = words_frame(p->a, &part->stack);
	m->end = end;
	if (!end)
		p->n_rows++;
}

/* The go statement of a lane: the step of its creator at the place where it was created. */
static void find_start(struct plot *p, struct lane *l)
{
	const struct stack *made = l->part ? &l->part->created : NULL;

	for (size_t i = 0; made && made->n_pcs && i < p->n_marks; i++)
		if (p->mark[i].pc && p->mark[i].pc == made->pcs[0] &&
		    p->lane[p->mark[i].lane].g == l->part->created_by) {
			l->from = (int)p->mark[i].row;
			l->starter = (int)p->mark[i].lane;
		}
}

/* Steps, then the participants that the story leaves out, then one last row in which all that are blocked stand side by
 * side: none of them is later than another. Starts are looked for at the end, when all lanes are there. */
static void lay_out(struct plot *p)
{
	const struct finding *f = p->f;

	p->in_time = f->n_steps > 0;
	for (size_t i = 0; i < f->n_steps; i++)
		add_step(p, &f->steps[i]);
	for (size_t i = 0; i < f->n_parts; i++)
		add_part(p, &f->parts[i], false);
	size_t before = p->n_marks;
	for (size_t i = 0; i < f->n_parts; i++)
		add_part(p, &f->parts[i], true);
	if (p->n_marks > before)
		p->n_rows++;
	for (size_t i = 0; i < p->n_lanes; i++)
		find_start(p, &p->lane[i]);
}

/* --- Drawing ---------------------------------------------------------------------------------------------- */

/* The middle of a lane and of a row, in pixels. */
static size_t x_of(size_t lane)
{
	return MARGIN + lane * LANE_WIDTH;
}

static size_t y_of(size_t row)
{
	return HEAD_HEIGHT + row * ROW_HEIGHT + ROW_HEIGHT / 2;
}

/* Colours are the style sheet's; without one the strokes must still be there. */
static void line(struct xml *x, const char *class, size_t x1, size_t y1, size_t x2, size_t y2)
{
	xml_open(x, "line");
	xml_attr(x, "class", "%s", class);
	xml_attr(x, "x1", "%zu", x1);
	xml_attr(x, "y1", "%zu", y1);
	xml_attr(x, "x2", "%zu", x2);
	xml_attr(x, "y2", "%zu", y2);
	xml_attr(x, "stroke", "currentColor");
	xml_void(x);
}

/* Text that is cut keeps its whole self in a title, which browsers show as a hint. */
static void label(struct xml *x, const char *class, size_t at_x, size_t at_y, const char *text)
{
	xml_open(x, "text");
	if (class)
		xml_attr(x, "class", "%s", class);
	xml_attr(x, "x", "%zu", at_x);
	xml_attr(x, "y", "%zu", at_y);
	if (strlen(text) > LABEL_MAX) {
		xml_element(x, "title", NULL, text);
		text = arena_printf(x->a, "%.*s\xe2\x80\xa6", LABEL_MAX - 1, text);
	}
	xml_text(x, text);
	xml_close(x);
}

static void tip(struct xml *x, const char *class, size_t to_x, size_t y, bool rightwards)
{
	xml_open(x, "path");
	xml_attr(x, "class", "%s", class);
	xml_attr(x, "d", "M%zu %zul%d -4v8z", to_x, y, rightwards ? -9 : 9);
	xml_void(x);
}

/* A lane begins at its start, or at the top when that lies before the story. */
static void draw_lane(struct xml *x, const struct plot *p, size_t i)
{
	const struct lane *l = &p->lane[i];
	size_t top = l->from >= 0 ? y_of((size_t)l->from) : HEAD_HEIGHT - 8, end = y_of(p->n_rows - 1);

	label(x, "head", x_of(i) - 6, 20, l->who);
	line(x, "lane", x_of(i), top, x_of(i), end + 14);
	if (l->from < 0 || l->starter == (int)i)
		return;
	/* From the starter's dot to this lane, either way. */
	size_t from = x_of((size_t)l->starter), to = x_of(i), y = y_of((size_t)l->from);
	line(x, "spawn", from < to ? from + 5 : from - 5, y, from < to ? to - 8 : to + 8, y);
	tip(x, "tip", to, y, from < to);
}

/* Along the other's lane down to this row, then across: between a step and its place there is no text. A clash
 * has no arrow, since nothing orders it. */
static void draw_tie(struct xml *x, const struct plot *p, const struct mark *m)
{
	const struct mark *other = &p->mark[m->tied];
	size_t from = x_of(m->lane), to = x_of(other->lane);

	xml_open(x, "path");
	xml_attr(x, "class", m->waits ? "waits" : "clash");
	xml_attr(x, "d", "M%zu %zuV%zuH%zu", to, y_of(other->row), y_of(m->row), from);
	xml_attr(x, "fill", "none");
	xml_attr(x, "stroke", "currentColor");
	xml_void(x);
	if (m->waits)
		tip(x, "bad", to, y_of(m->row), from < to);
}

/* A circle for a step, a square for the end of the road; what is wrong is said in words beside it, not by colour
 * alone. */
static void draw_mark(struct xml *x, const struct plot *p, const struct mark *m)
{
	size_t at_x = x_of(m->lane), at_y = y_of(m->row);
	const char *where = m->at ? words_short_place(p->a, m->at) : "";
	const char *text = m->note ? arena_printf(p->a, "%s: %s", m->label, m->note) : m->label;

	xml_open(x, m->end ? "rect" : "circle");
	xml_attr(x, "class", m->note || m->end ? "bad" : "dot");
	xml_attr(x, m->end ? "x" : "cx", "%zu", m->end ? at_x - 5 : at_x);
	xml_attr(x, m->end ? "y" : "cy", "%zu", m->end ? at_y - 5 : at_y);
	xml_attr(x, m->end ? "width" : "r", "%d", m->end ? 10 : 5);
	if (m->end)
		xml_attr(x, "height", "10");
	xml_void(x);
	label(x, m->note || m->end ? "bad" : NULL, at_x + 12, at_y - 6, text);
	label(x, "at", at_x + 12, at_y + 15, where);
}

/* The drawing in words. */
static const char *description(const struct plot *p)
{
	const char *text = p->in_time ? "In this order: " : "Without an order: ";

	for (size_t i = 0; i < p->n_marks; i++) {
		const struct mark *m = &p->mark[i];

		text = arena_printf(p->a, "%s%s%s: %s%s%s", text, i ? "; " : "", p->lane[m->lane].who,
				    m->label, m->note ? ", " : "", m->note ? m->note : "");
		if (m->at && *m->at->file)
			text = arena_printf(p->a, "%s (%s)", text, words_short_place(p->a, m->at));
	}
	return text;
}

/* Ties lie over the lanes and under the marks. Width and height are given in pixels: text in a drawing that is scaled
 * down would be too small to read, so the figure scrolls instead. */
static void draw(struct xml *x, const struct plot *p)
{
	size_t width = p->n_lanes * LANE_WIDTH + MARGIN, height = y_of(p->n_rows - 1) + 24;

	xml_open(x, "svg");
	xml_attr(x, "role", "img");
	xml_attr(x, "width", "%zu", width);
	xml_attr(x, "height", "%zu", height);
	xml_attr(x, "viewBox", "0 0 %zu %zu", width, height);
	xml_element(x, "title", NULL, arena_printf(x->a, "Who did what: %s", p->f->title));
	xml_element(x, "desc", NULL, description(p));
	for (size_t i = 0; i < p->n_lanes; i++)
		draw_lane(x, p, i);
	for (size_t i = 0; i < p->n_marks; i++)
		if (p->mark[i].tied >= 0)
			draw_tie(x, p, &p->mark[i]);
	for (size_t i = 0; i < p->n_marks; i++)
		draw_mark(x, p, &p->mark[i]);
	xml_close(x);
}

/* The box can be scrolled with the keyboard, hence the tabindex and a name. */
bool html_plot(struct xml *x, const struct finding *f, size_t id)
{
	struct plot *p = arena_alloc(x->a, sizeof *p);

	p->a = x->a;
	p->f = f;
	lay_out(p);
	if (p->n_marks == 0)
		return false;
	xml_open(x, "figure");
	xml_open(x, "div");
	xml_attr(x, "class", "scroll");
	xml_attr(x, "tabindex", "0");
	xml_attr(x, "role", "region");
	xml_attr(x, "aria-label", "Drawing of finding %zu", id);
	draw(x, p);
	xml_close(x);
	/* Shapes and words, no colours: without the style sheet and on paper all lines are black. */
	xml_element(
		x, "figcaption", NULL,
		p->in_time
			? "Time runs downwards. An arrow from a step that starts something leads to what it "
			  "starts; an arrow from one that waits, to who has what it waits for. A dashed "
			  "line joins a step to the one that it clashes with; a square is where somebody "
			  "stays blocked."
			: "What each of them did; the drawing tells no order in time.");
	xml_close(x);
	return true;
}
