/* SPDX-License-Identifier: Apache-2.0
 *
 * story.c: who did what in which order.
 *
 *   story               goroutine 3 "server"        goroutine 7 "filler"
 *    main.c:20          go filler()
 *    cache.c:77         read c->len
 *    cache.c:41                                     write c->len  <-- unordered
 *
 * Up to three goroutines get a column each; with more, a step names its goroutine.
 */
#include "render.h"
#include "resolve.h"

#include <inttypes.h>
#include <string.h>

#define COLUMNS_MAX 3
#define PLACE_WIDTH 22

struct cast {
	uint64_t g[COLUMNS_MAX], t[COLUMNS_MAX];
	size_t n;                  /* more than COLUMNS_MAX: too many for columns */
};

static size_t column_of(const struct cast *c, const struct step *s)
{
	size_t i = 0;

	while (i < c->n && i < COLUMNS_MAX && (c->g[i] != s->g || c->t[i] != s->t))
		i++;
	return i;
}

static struct cast gather(const struct finding *f, size_t first)
{
	struct cast c = { .n = 0 };

	for (size_t i = first; i < f->n_steps; i++) {
		size_t at = column_of(&c, &f->steps[i]);

		if (at < c.n)
			continue;
		if (at < COLUMNS_MAX) {
			c.g[at] = f->steps[i].g;
			c.t[at] = f->steps[i].t;
		}
		c.n = at + 1;
		if (at == COLUMNS_MAX)
			break;
	}
	return c;
}

static const char *name_in(const struct finding *f, uint64_t g, uint64_t t)
{
	for (size_t i = 0; i < f->n_parts; i++)
		if (f->parts[i].g == g && f->parts[i].t == t)
			return f->parts[i].name;
	return "";
}

static const char *base_place(struct arena *a, const struct frame *at)
{
	const char *slash = strrchr(at->file, '/');

	if (!*at->file)
		return *at->function ? at->function : "";
	return arena_printf(a, "%s:%u", slash ? slash + 1 : at->file, at->line);
}

static void heading(struct page *p, const struct finding *f, const struct cast *c, int width)
{
	const char *text = "";

	for (size_t i = 0; i < c->n && c->n <= COLUMNS_MAX; i++) {
		const char *who = resolve_who(p->a, c->g[i], c->t[i], name_in(f, c->g[i], c->t[i]));

		text = arena_printf(p->a, "%s%-*s  ", text, width, page_fit(p->a, who, (size_t)width));
	}
	page_add(p, "  %-*s %s", PLACE_WIDTH, "story", text);
}

static void step(struct page *p, const struct step *s, const struct cast *c, int width)
{
	const char *place = page_fit(p->a, base_place(p->a, &s->at), PLACE_WIDTH - 2), *text = s->text;
	size_t column = column_of(c, s), indent = 0;

	if (c->n > COLUMNS_MAX)
		text = arena_printf(p->a, "%s: %s", resolve_who(p->a, s->g, s->t, ""), text);
	else
		indent = column * (size_t)(width + 2);
	text = page_fit(p->a, text, TEXT_COLUMNS - PLACE_WIDTH - 3 - indent);
	page_add(p, "    %-*s %*s%s", PLACE_WIDTH - 2, place, (int)indent, "", text);
}

/* The end of a story matters most: what doesn't fit is left out at its beginning. */
void story_add(struct page *p, const struct finding *f, size_t max)
{
	size_t first = f->n_steps + 1 > max ? f->n_steps + 1 - max : 0;
	struct cast c = gather(f, first);
	int width = (TEXT_COLUMNS - PLACE_WIDTH - 3) / (int)(c.n && c.n <= COLUMNS_MAX ? c.n : 1) - 2;

	if (f->n_steps == 0 || max < 2)
		return;
	heading(p, f, &c, width);
	for (size_t i = first; i < f->n_steps; i++)
		step(p, &f->steps[i], &c, width);
}
