/* SPDX-License-Identifier: Apache-2.0
 *
 * baseline.c: the file of known findings.
 *
 * It is edited by hand and merged by git, so every line that is no entry is an error with its number and what to
 * do; two equal entries, which a merge can leave, are one. Entries are sorted as plain bytes (LC_ALL=C sort), so
 * that two branches that add findings touch different places.
 */
#include "baseline.h"

#include "options.h"
#include "tool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS    32
#define STALE_MAX 20

static const char first_head[] =
	"# Findings that gosan knows and does not fail on: one a line, sorted.\n"
	"# New ones: gosan baseline update FILE -- COMMAND. Comments stay with the entry below them.\n"
	"\n";

/* --- Reading ---------------------------------------------------------------------------------------------- */

/* What was read since the last entry. */
struct reader {
	struct baseline *b;
	const char *pending; /* comment lines */
	unsigned line;
	char *err;
	size_t err_size;
};

static int bad_line(struct reader *rd, const char *what)
{
	snprintf(rd->err, rd->err_size, "%s:%u: %s", rd->b->file, rd->line, what);
	return -EBADMSG;
}

static struct baseline_entry *append(struct baseline *b)
{
	b->entries = arena_grow(b->a, b->entries, b->n, sizeof *b->entries);
	b->entries[b->n] = (struct baseline_entry){.comment = ""};
	return &b->entries[b->n++];
}

/* "GS" and digits; findings of later versions are welcome. */
static size_t code_length(const char *text)
{
	size_t n = strncmp(text, "GS", 2) == 0 ? strspn(text + 2, "0123456789") : 0;

	return n ? n + 2 : 0;
}

static int read_entry(struct reader *rd, const char *text)
{
	size_t n = strspn(text, "0123456789abcdef"), m;

	if (strncmp(text, "<<<<<<<", 7) == 0 || strncmp(text, "=======", 7) == 0 ||
	    strncmp(text, ">>>>>>>", 7) == 0)
		return bad_line(rd, "a merge conflict: keep the entries of both sides, remove the markers");
	if (n != DIGITS || (text[n] && !strchr(" \t", text[n])))
		return bad_line(rd,
				"no fingerprint: an entry is '<32 hex digits> GS<number> <title>', a comment "
				"begins with '#'; repair or remove the line");
	const char *code = text + n + strspn(text + n, " \t");
	m = code_length(code);
	if (*code && (!m || (code[m] && !strchr(" \t", code[m]))))
		return bad_line(rd, "no code after the fingerprint: an entry is '<32 hex digits> GS<number> "
				    "<title>'; repair or remove the line");
	struct baseline_entry *e = append(rd->b);
	e->fingerprint = arena_strndup(rd->b->a, text, n);
	e->code = arena_strndup(rd->b->a, code, m);
	e->title = arena_strdup(rd->b->a, code + m + strspn(code + m, " \t"));
	e->comment = rd->pending;
	e->line = rd->line;
	rd->pending = "";
	return 0;
}

/* A blank line before the first entry closes the head of the file; later ones say nothing. */
static int read_line(struct reader *rd, char *text)
{
	struct baseline *b = rd->b;
	size_t n = strlen(text);

	rd->line++;
	while (n && strchr(" \t\r\n", text[n - 1]))
		text[--n] = '\0';
	text += strspn(text, " \t");
	if (*text == '#')
		rd->pending = arena_printf(b->a, "%s%s\n", rd->pending, text);
	else if (*text)
		return read_entry(rd, text);
	else if (b->n == 0 && *rd->pending) {
		b->head = arena_printf(b->a, "%s%s\n", b->head, rd->pending);
		rd->pending = "";
	}
	return 0;
}

static int by_text(const void *a, const void *b)
{
	const struct baseline_entry *x = a, *y = b;
	int order = strcmp(x->fingerprint, y->fingerprint);

	return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* Of equal ones the first stays, with the comments of both. */
static void sort(struct baseline *b)
{
	size_t kept = 0;

	if (b->n)
		qsort(b->entries, b->n, sizeof *b->entries, by_text);
	for (size_t i = 0; i < b->n; i++) {
		struct baseline_entry *e = &b->entries[i], *last = kept ? &b->entries[kept - 1] : NULL;

		if (last && strcmp(last->fingerprint, e->fingerprint) == 0) {
			if (*e->comment && strcmp(e->comment, last->comment) != 0)
				last->comment = arena_printf(b->a, "%s%s", last->comment, e->comment);
			last->hits += e->hits;
		} else
			b->entries[kept++] = *e;
	}
	b->n = kept;
}

int baseline_read(struct baseline *ret, struct arena *a, const char *path, char *err, size_t err_size)
{
	*ret = (struct baseline){.a = a, .file = arena_strdup(a, path), .head = "", .tail = ""};
	struct reader rd = {.b = ret, .pending = "", .err = err, .err_size = err_size};
	FILE *in = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;
	int error = 0;

	if (!in) {
		error = -errno;
		snprintf(err, err_size, "baseline: %s: %s%s", path, strerror(-error),
			 error == -ENOENT ? ": make it with 'gosan baseline update FILE -- COMMAND'" : "");
		return error;
	}
	while (!error && getline(&text, &room, in) >= 0)
		error = read_line(&rd, text);
	/* A directory can be opened, not read. */
	if (!error && ferror(in)) {
		error = -EIO;
		snprintf(err, err_size, "baseline: %s: cannot be read", path);
	}
	ret->tail = rd.pending;
	free(text);
	fclose(in);
	sort(ret);
	return error;
}

/* --- Writing ---------------------------------------------------------------------------------------------- */

static void print(const struct baseline *b, FILE *out)
{
	fputs(b->head, out);
	for (size_t i = 0; i < b->n; i++) {
		const struct baseline_entry *e = &b->entries[i];

		fprintf(out, "%s%s%s%s%s%s\n", e->comment, e->fingerprint, *e->code ? " " : "", e->code,
			*e->title ? " " : "", e->title);
	}
	fputs(b->tail, out);
}

/* Beside the old one and over it: whoever is stopped in between has the old or the new, never half. A symbolic link
 * stays one. */
int baseline_write(struct baseline *b, char *err, size_t err_size)
{
	char *real = realpath(b->file, NULL);
	const char *path = real ? real : b->file;
	char *temporary = arena_printf(b->a, "%s.XXXXXX", path);
	struct stat st;
	int fd, error = 0;

	sort(b);
	if (!*b->head && !real)
		b->head = first_head;
	fd = mkstemp(temporary);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (out) {
		mode_t mask = umask(0);

		umask(mask);
		print(b, out);
		if (fchmod(fd, stat(path, &st) == 0 ? st.st_mode & 07777 : 0666 & ~mask) != 0 ||
		    fflush(out) != 0)
			error = -errno;
		if (fclose(out) != 0 && !error)
			error = -errno;
	} else
		error = -errno;
	if (!error && rename(temporary, path) != 0)
		error = -errno;
	if (error && fd >= 0)
		unlink(temporary);
	if (error)
		snprintf(err, err_size, "baseline: %s: cannot be written: %s", b->file, strerror(-error));
	free(real);
	return error;
}

/* --- Using ------------------------------------------------------------------------------------------------ */

/* Sorted only after reading; an update adds at the end, and looks among those too. */
struct baseline_entry *baseline_find(const struct baseline *b, const char *fingerprint)
{
	for (size_t i = 0; i < b->n; i++)
		if (strcmp(b->entries[i].fingerprint, fingerprint) == 0)
			return &b->entries[i];
	return NULL;
}

/* Titles come from programs: whatever would end the line is made a blank. */
void baseline_add(struct baseline *b, const char *fingerprint, const char *code, const char *title)
{
	struct baseline_entry *e = append(b);
	char *text = arena_strdup(b->a, title);

	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
	e->fingerprint = arena_strdup(b->a, fingerprint);
	e->code = arena_strdup(b->a, code);
	e->title = text + strspn(text, " ");
	e->hits = 1;
}

/* Renderers ask for `suppressed` only. */
void baseline_findings(struct report *r)
{
	for (size_t i = 0; r->baseline && i < r->n_findings; i++) {
		struct finding *f = r->findings[i];
		struct baseline_entry *e = f->suppressed ? NULL : baseline_find(r->baseline, f->fingerprint);

		if (!e)
			continue;
		e->hits++;
		f->baselined = f->suppressed = true;
	}
}

int baseline_load(struct report *r, char *err, size_t err_size)
{
	if (!gosan_options.baseline || !*gosan_options.baseline)
		return 0;
	r->baseline = arena_alloc(r->arena, sizeof *r->baseline);
	int error = baseline_read(r->baseline, r->arena, gosan_options.baseline, err, err_size);
	return error == -EBADMSG ? TOOL_UNREADABLE : error ? TOOL_USAGE : 0;
}

/* One program shows a part of what a project has: only a gate may say that an entry is stale. */
void baseline_page(struct page *p, const struct report *r)
{
	size_t stale = 0;

	for (size_t i = 0; r->gate && r->baseline && i < r->baseline->n; i++) {
		const struct baseline_entry *e = &r->baseline->entries[i];

		if (e->hits || stale++ >= STALE_MAX)
			continue;
		page_wrap(p, "gosan: ",
			  arena_printf(p->a,
				       "%s:%u: stale: %.8s %s %s: not seen in this run; when it is "
				       "repaired, remove the line ('gosan baseline update' does)",
				       r->baseline->file, e->line, e->fingerprint, e->code, e->title),
			  3);
	}
	if (stale > STALE_MAX)
		page_add(p, "gosan: %s: %zu more stale entries: 'gosan baseline stale' lists them",
			 r->baseline->file, stale - STALE_MAX);
}
