/* SPDX-License-Identifier: Apache-2.0
 *
 * render.h: what every output format implements. A renderer gets a finished report and writes; it decides
 * nothing and changes nothing.
 */
#ifndef RENDER_H
#define RENDER_H

#include "report.h"

#include <stdio.h>

struct render_ops {
	const char *name;
	void (*render)(const struct report *r, FILE *out, bool color);
};
extern const struct render_ops render_text, render_json, render_sarif, render_junit, render_github,
	render_html;

struct render_request {
	const struct render_ops *ops;
	const char *file; /* "" standard error, "-" standard output */
};

#define RENDER_REQUESTS_MAX 16

/* "text", "json:FILE". 0, or -EINVAL with one sentence in err. */
int render_parse(const char *spec, struct render_request *ret, char *err, size_t err_size);
/* Can the files be opened? They are made when they aren't there. 0, or -errno with a sentence in err. */
int render_check(const struct render_request *list, size_t n, char *err, size_t err_size);
/* Write all; a failure of one does not stop the others. 0, or the last -errno with a sentence in err. */
int render_all(const struct report *r, const struct render_request *list, size_t n, char *err,
	       size_t err_size);

/* --- Parts of the text format ------------------------------------------------------------------------- */

#define TEXT_COLUMNS 100

/* One finding as the text format shows it: other formats have it as their plain form. */
void render_text_finding(const struct report *r, const struct finding *f, FILE *out, bool color);
/* The same in memory, without colour. */
const char *render_text_plain(const struct report *r, const struct finding *f);

/* Lines of text under construction. */
struct page {
	struct arena *a;
	bool color;
	size_t n;
	const char **lines;
};
void page_add(struct page *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* text after prefix, broken at spaces, further lines indented under the first; at most max lines. */
void page_wrap(struct page *p, const char *prefix, const char *text, size_t max);
/* text cut to width columns, with "..." in the place of what was cut. */
const char *page_fit(struct arena *a, const char *text, size_t width);
/* The same for paths, whose end tells more: "...tail.c:17". */
const char *page_fit_end(struct arena *a, const char *text, size_t width);
/* The text in a terminal colour ("1;31") when the page has colour. */
const char *page_paint(const struct page *p, const char *color, const char *text);

/* snippet.c: the source line of f and a caret line under its column; nothing when it cannot be read. Returns
 * how many lines it added. `mark` is what the caret points out. */
size_t snippet_add(struct page *p, const struct frame *f, const char *mark);
/* story.c: the interleaving, a column per goroutine; at most max lines. */
void story_add(struct page *p, const struct finding *f, size_t max);

#endif
