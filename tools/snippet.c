/* SPDX-License-Identifier: Apache-2.0
 *
 * snippet.c: the source line that a frame names.
 *
 *   41 |     c->len++;
 *      |     ^~~~~~
 *
 * Nothing is shown when the file is not there. Whether it is still the file that was compiled cannot be
 * told; the function name in the frame below the snippet gives it away when it is not.
 */
#include "render.h"
#include "source.h"

#include <ctype.h>
#include <string.h>

#define INDENT_MAX 4

/* Tabs become spaces, deep indentation becomes INDENT_MAX; *caret follows what it pointed to. */
static char *straighten(struct arena *a, const char *line, size_t *caret)
{
	size_t blank = strspn(line, " \t"), keep = blank < INDENT_MAX ? blank : INDENT_MAX,
	       n = strlen(line) - blank;
	char *out = arena_alloc(a, keep + n + 1);

	memset(out, ' ', keep);
	for (size_t i = 0; i < n; i++)
		out[keep + i] = isprint((unsigned char)line[blank + i]) ? line[blank + i] : ' ';
	*caret = *caret > blank ? *caret - blank + keep : keep;
	return out;
}

/* The compiler's column points at the operator or the name that is meant; the rest of the token is
 * underlined with it. A column that lies too far right gives way to the first of the line. */
size_t snippet_add(struct page *p, const struct frame *f, const char *mark)
{
	const char *line = source_line(p->a, f->file, f->line);
	size_t caret = f->column ? f->column - 1 : 0;
	char underline[TEXT_COLUMNS];

	if (!line || line[strspn(line, " \t")] == '\0')
		return 0;
	const char *text = straighten(p->a, line, &caret);
	size_t width = source_token_length(caret < strlen(text) ? text + caret : "");
	if (caret + width + 9 > TEXT_COLUMNS - 1) {
		caret = strspn(text, " ");
		width = 1;
	}
	memset(underline, ' ', sizeof underline);
	memset(underline + caret, '~', width);
	underline[caret] = '^';
	underline[caret + width] = '\0';
	page_add(p, "%6u | %s", f->line, page_fit(p->a, text, TEXT_COLUMNS - 9));
	if (strlen(mark) > TEXT_COLUMNS - 10 - caret - width) /* the caret alone says enough */
		mark = "";
	page_add(p, "       | %s %s", page_paint(p, "1;31", underline), mark);
	return 2;
}
