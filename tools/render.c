/* SPDX-License-Identifier: Apache-2.0
 * render.c: which formats there are and where they go; lines of text that fit.
 *
 * Output goes to standard error unless a file is named: standard output belongs to the program that is
 * watched. A file is written in one go at the end of the run; there is nothing to see before.
 */
#include "render.h"

#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct render_ops *const formats[] = {&render_text,  &render_json,   &render_sarif,
						   &render_junit, &render_github, &render_html};
#define N_FORMATS (sizeof formats / sizeof *formats)

static int unknown(const char *spec, size_t n, char *err, size_t err_size)
{
	const char *names[N_FORMATS + 1] = {NULL};
	char word[32];

	for (size_t i = 0; i < N_FORMATS; i++)
		names[i] = formats[i]->name;
	snprintf(word, sizeof word, "%.*s", (int)n, spec);
	const char *near = gosan_options_suggest(word, names);
	if (near)
		snprintf(err, err_size, "unknown format '%s': did you mean '%s'?", word, near);
	else
		snprintf(err, err_size, "unknown format '%s': use text, json, sarif, junit, github or html",
			 word);
	return -EINVAL;
}

/* "format:file"; the "=" spelling is accepted too, since a colon separates settings in GOSAN_OPTIONS. */
int render_parse(const char *spec, struct render_request *ret, char *err, size_t err_size)
{
	size_t n = strcspn(spec, ":=");

	for (size_t i = 0; i < N_FORMATS; i++)
		if (strlen(formats[i]->name) == n && strncmp(formats[i]->name, spec, n) == 0) {
			*ret = (struct render_request){formats[i], spec[n] ? spec + n + 1 : ""};
			return 0;
		}
	return unknown(spec, n, err, err_size);
}

/* Colour is for people: a terminal, and nobody asked for none. */
static bool wants_color(FILE *out)
{
	const char *none = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(out)) && !(none && *none) && !(term && strcmp(term, "dumb") == 0);
}

/* A report that could not be written completely is an error: CI would read half a file. */
static int render_one(const struct report *r, const struct render_request *q)
{
	FILE *out = stderr;
	int error = 0;

	if (strcmp(q->file, "-") == 0)
		out = stdout;
	else if (*q->file)
		out = fopen(q->file, "we");
	if (!out)
		return -errno;
	q->ops->render(r, out, wants_color(out));
	if (fflush(out) != 0 || ferror(out))
		error = -EIO;
	if (out != stderr && out != stdout && fclose(out) != 0 && !error)
		error = -errno;
	return error;
}

static const char *file_name(const struct render_request *q)
{
	if (!*q->file)
		return "standard error";
	return strcmp(q->file, "-") == 0 ? "standard output" : q->file;
}

/* Opening is all that can be tried without writing; a pipe is left alone, because its reader would see an end. */
int render_check(const struct render_request *list, size_t n, char *err, size_t err_size)
{
	for (size_t i = 0; i < n; i++) {
		const char *file = list[i].file;
		struct stat st;

		if (!*file || strcmp(file, "-") == 0 || (stat(file, &st) == 0 && !S_ISREG(st.st_mode)))
			continue;
		int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
		if (fd < 0) {
			snprintf(err, err_size, "cannot write the report: %s: %s", file, strerror(errno));
			return -errno;
		}
		close(fd);
	}
	return 0;
}

int render_all(const struct report *r, const struct render_request *list, size_t n, char *err,
	       size_t err_size)
{
	int result = 0;

	for (size_t i = 0; i < n; i++) {
		int error = render_one(r, &list[i]);

		if (!error)
			continue;
		snprintf(err, err_size, "%s: %s", file_name(&list[i]), strerror(-error));
		result = error;
	}
	return result;
}

/* --- Lines ---------------------------------------------------------------------------------------------- */

/* Blanks at the end are cut: empty columns of a table must not show up in diffs. */
void page_add(struct page *p, const char *fmt, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, fmt);
	int n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	/* A short last column. */
	while (n > 0 && text[n - 1] == ' ')
		n--;
	p->lines = arena_grow(p->a, p->lines, p->n, sizeof *p->lines);
	p->lines[p->n++] = arena_strndup(p->a, text, (size_t)n);
	free(text);
}

/* Where to break text so that at most width columns come before: a space if there is one. */
static size_t break_at(const char *text, size_t width)
{
	size_t n = strlen(text);

	if (n <= width)
		return n;
	for (n = width; n > 0 && text[n] != ' ';)
		n--;
	return n ? n : width;
}

/* The last line that is allowed gets what is left, cut: a long text costs lines elsewhere. */
void page_wrap(struct page *p, const char *prefix, const char *text, size_t max)
{
	size_t indent = strlen(prefix), width = TEXT_COLUMNS - indent;

	for (size_t i = 0; i < max && *text; i++) {
		size_t n = break_at(text, width);

		if (i + 1 == max && text[n])
			page_add(p, "%*s%s", (int)indent, i ? "" : prefix, page_fit(p->a, text, width));
		else
			page_add(p, "%*s%.*s", (int)indent, i ? "" : prefix, (int)n, text);
		text += n;
		text += strspn(text, " ");
	}
}

const char *page_fit(struct arena *a, const char *text, size_t width)
{
	if (strlen(text) <= width || width < 4)
		return text;
	return arena_printf(a, "%.*s...", (int)width - 3, text);
}

const char *page_fit_end(struct arena *a, const char *text, size_t width)
{
	size_t n = strlen(text);

	return n > width && width > 3 ? arena_printf(a, "...%s", text + n - width + 3) : text;
}

/* Colour codes count as columns in arithmetic, so only finished pieces are painted. */
const char *page_paint(const struct page *p, const char *color, const char *text)
{
	return p->color ? arena_printf(p->a, "\033[%sm%s\033[0m", color, text) : text;
}
