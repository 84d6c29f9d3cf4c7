/* SPDX-License-Identifier: Apache-2.0
 * html.h: the parts of the HTML report: style sheet, source excerpts, the drawing of the interleaving. */
#ifndef HTML_H
#define HTML_H

#include "report.h"
#include "xml.h"

/* html_style.c: light, dark and print; the page is readable without it. */
extern const char html_style[];
/* html_source.c: the lines around p's place, with the lines of all participants marked; false when the file
 * cannot be read. */
bool html_source(struct xml *x, const struct finding *f, const struct part *p);
/* html_plot.c: a lane for each goroutine, the steps of the story from top to bottom. `id` is unique in the
 * page. False when there is nothing to draw. */
bool html_plot(struct xml *x, const struct finding *f, size_t id);

#endif
