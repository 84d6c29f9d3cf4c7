/* SPDX-License-Identifier: Apache-2.0
 *
 * source.c: a reader of single C statements, not a parser. It answers only where the statement has a plain
 * shape, and says nothing otherwise: no name is better than a wrong one.
 *
 * What is asked of a line: what does it assign to, what object does its call concern, whose address does
 * it take. The answers are hints for names in reports; verdicts never depend on them. Files are kept
 * whole, because a report comes back to the same few files again and again.
 */
#include "source.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)16 << 20)

/* One file, split into lines in place. */
struct text {
	struct text *next;
	char *name, *bytes;
	size_t n;
	char **lines;
};
static struct text *texts;

/* At most FILE_BYTES_MAX: a "source" that is larger was generated, and its lines tell nothing. */
static char *read_all(const char *file, size_t *ret_size)
{
	FILE *in = fopen(file, "re");
	char *bytes = in ? malloc(FILE_BYTES_MAX) : NULL, *exact;
	size_t n = bytes ? fread(bytes, 1, FILE_BYTES_MAX - 1, in) : 0;

	if (in)
		fclose(in);
	if (!bytes)
		return NULL;
	bytes[n] = '\0';
	*ret_size = n;
	exact = realloc(bytes, n + 1);
	return exact ? exact : bytes;
}

/* A line of its own for what follows the last line end, so that any number up to n is valid. */
static void split(struct text *t, size_t size)
{
	size_t n = 1;

	for (size_t i = 0; i < size; i++)
		n += t->bytes[i] == '\n';
	t->lines = malloc(n * sizeof *t->lines);
	for (char *at = t->bytes; t->lines && at; t->n++) {
		t->lines[t->n] = strsep(&at, "\n");
		t->lines[t->n][strcspn(t->lines[t->n], "\r")] = '\0';
	}
}

/* A file that cannot be read is remembered too, with no lines: asking again costs nothing. */
static struct text *load(const char *file)
{
	struct text *t;
	size_t size = 0;

	for (t = texts; t; t = t->next)
		if (strcmp(t->name, file) == 0)
			return t;
	t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->name = strdup(file);
	t->bytes = read_all(file, &size);
	if (t->bytes)
		split(t, size);
	t->next = texts;
	return texts = t;
}

void source_forget(void)
{
	for (struct text *t = texts, *next; t; t = next) {
		next = t->next;
		free(t->lines);
		free(t->bytes);
		free(t->name);
		free(t);
	}
	texts = NULL;
}

/* The text belongs to the list of files, until source_forget. */
const char *source_line(struct arena *a, const char *file, unsigned line)
{
	struct text *t = *file && line ? load(file) : NULL;

	(void)a;
	return t && line <= t->n ? t->lines[line - 1] : NULL;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static const char *skip_space(const char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

/* The lvalue that ends at `end`: words, "->", ".", "[...]". */
static const char *lvalue_before(struct arena *a, const char *begin, const char *end)
{
	const char *at;

	while (end > begin && isspace((unsigned char)end[-1]))
		end--;
	for (at = end; at > begin; at--) {
		char c = at[-1];

		if (is_word(c) || c == '.' || c == '[' || c == ']')
			continue;
		if (c == '>' && at - begin >= 2 && at[-2] == '-')
			at--;
		else
			break;
	}
	while (at < end && *at == '.')
		at++;
	if (at == end || isdigit((unsigned char)*at))
		return NULL;
	return arena_strndup(a, at, (size_t)(end - at));
}

/* The first "=" that is no comparison and no compound assignment: initialisers have one, too. */
static const char *find_assignment(const char *line)
{
	for (const char *at = line + (*line != '\0'); *at; at++)
		if (*at == '=' && at[1] != '=' && !strchr("=<>!+-*/%&|^", at[-1]))
			return at;
	return NULL;
}

/* Without a call on the right-hand side the line did not make anything. */
const char *source_assigned(struct arena *a, const char *line)
{
	const char *equal = line ? find_assignment(line) : NULL;

	if (!equal || !strchr(equal, '('))
		return NULL;
	return lvalue_before(a, line, equal);
}

/* "go_chan(int) a = go_make(int, 0), b = go_make(int, 0);": the last assignment before the call is the call's. */
const char *source_assigned_at(struct arena *a, const char *line, unsigned column)
{
	const char *equal = line ? find_assignment(line) : NULL, *last = NULL;

	for (; equal && equal - line < (ptrdiff_t)column - 1; equal = find_assignment(equal))
		last = equal;
	return last && strchr(last, '(') ? lvalue_before(a, line, last) : source_assigned(a, line);
}

/* The interface of the runtime and of POSIX threads; a project's own wrappers are not known here. */
static bool is_sync_call(const char *at)
{
	static const char *const prefixes[] = {
		"go_mutex_",     "go_rwmutex_",   "go_waitgroup_",    "go_once_",       "go_cond_",
		"go_send",       "go_recv",       "go_close",         "go_range",       "go_cancel",
		"go_context_",   "go_ticker_",    "go_timer_",        "pthread_mutex_", "pthread_rwlock_",
		"pthread_cond_", "pthread_spin_", "pthread_barrier_", "sem_",           "mtx_",
		"cnd_"};

	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (strncmp(at, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

/* The expression from `at` to the comma or parenthesis that ends it. */
static const char *argument(struct arena *a, const char *at)
{
	int depth = 0;
	const char *end;

	at = skip_space(at);
	if (*at == '&')
		at = skip_space(at + 1);
	for (end = at; *end && !(depth == 0 && (*end == ',' || *end == ')')); end++)
		depth += (*end == '(' || *end == '[') - (*end == ')' || *end == ']');
	if (!*end)
		return NULL;
	while (end > at && isspace((unsigned char)end[-1]))
		end--;
	return end > at ? arena_strndup(a, at, (size_t)(end - at)) : NULL;
}

/* In go_range(v, ch) the object is the second argument. */
const char *source_sync_argument(struct arena *a, const char *line)
{
	/* Only at the beginning of a word: my_go_send is not ours. */
	for (const char *at = line; at && *at; at++) {
		if (!is_word(*at) || (at > line && is_word(at[-1])) || !is_sync_call(at))
			continue;
		const char *open = at + strcspn(at, "(");
		bool range = strncmp(at, "go_range", 8) == 0;

		if (*open && range)
			open += strcspn(open, ",");
		if (*open)
			return argument(a, open + 1);
	}
	return NULL;
}

/* "a && b" takes no address; "a & b" looks like it does, and the caller's question for a local of that
 * name and size sorts it out. */
const char *source_address_of(struct arena *a, const char *line, unsigned index)
{
	for (const char *at = line; at && *at; at++) {
		const char *name = skip_space(at + 1);
		size_t n = 0;

		if (*at != '&' || at[1] == '&' || (at > line && at[-1] == '&'))
			continue;
		while (is_word(name[n]))
			n++;
		if (n && !isdigit((unsigned char)*name) && index-- == 0)
			return arena_strndup(a, name, n);
	}
	return NULL;
}

const char *source_last_component(const char *name)
{
	const char *last = name;

	for (const char *at = name; *at; at++)
		if ((*at == '.' || *at == '>') && is_word(at[1]))
			last = at + 1;
	return last;
}

size_t source_token_length(const char *text)
{
	size_t n = 0;

	while (is_word(text[n]))
		n++;
	return n ? n : 1;
}
