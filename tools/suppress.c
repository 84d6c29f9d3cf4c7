/* SPDX-License-Identifier: Apache-2.0
 *
 * suppress.c: types to findings, patterns to names.
 *
 * A suppression file is code: people write it once and forget it. So every mistake in it is an error with
 * file and line, and what it no longer matches is said at the end of each run.
 */
#include "suppress.h"

#include "finding.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Names of other tools for what we call otherwise. "" matches nothing: accepted, so that one file serves
 * both tools, but of no use here. */
static const struct {
	const char *type, *check;
} aliases[] = {
	{"thread", "thread-leak"}, {"mutex", "lock"}, {"race_top", "race"}, {"signal", ""},
	{"called_from_lib", ""},
};

/* Every check, kind and code, straight from the table of findings. */
static const char *const own_types[] = {
#define X(code, kind, check, grade, text) check, kind, "GS" #code,
	GOSAN_FINDINGS(X)
#undef X
		"fingerprint",
};

/* An unknown type would silently suppress nothing. */
static bool known_type(const char *type)
{
	for (size_t i = 0; i < sizeof own_types / sizeof *own_types; i++)
		if (strcmp(own_types[i], type) == 0)
			return true;
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
		if (strcmp(aliases[i].type, type) == 0)
			return true;
	return false;
}

/* Check, kind and code are all accepted: the first is what reports offer, the last what people look up. */
static bool type_fits(const char *type, const struct finding *f)
{
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
		if (strcmp(aliases[i].type, type) == 0)
			type = aliases[i].check;
	/* A leaked context or thread is a leak to whoever comes from LeakSanitizer. */
	if (strcmp(type, "leak") == 0 && strstr(f->kind, "leak"))
		return true;
	return strcmp(type, f->check) == 0 || strcmp(type, f->kind) == 0 || strcmp(type, f->code) == 0;
}

/* Unanchored patterns may match anywhere, as ThreadSanitizer's do ("race:foo" also matches foobar): as if they began
 * with a "*". After a mismatch only the last "*" takes one character more: whatever an earlier one could gain, it
 * gains too. So the time is at most the product of the lengths, whatever the file says. */
bool suppress_match(const char *pattern, const char *text)
{
	const char *star = *pattern == '^' ? NULL : pattern, *from = text;

	pattern += *pattern == '^';
	for (;;) {
		bool at_end = *pattern == '$' && pattern[1] == '\0';

		if (*pattern == '\0' || (at_end && *text == '\0'))
			return true;
		if (*pattern == '*') {
			star = ++pattern;
			from = text;
		} else if (!at_end && *pattern == *text) {
			pattern++;
			text++;
		} else if (star && *from) {
			pattern = star;
			text = ++from;
		} else
			return false;
	}
}

/* Any frame of the first n, not only the innermost: suppressing by library or by caller is common. */
static bool match_stack(const char *pattern, const struct stack *st, size_t n)
{
	for (size_t i = 0; i < st->n && i < n; i++) {
		const struct frame *f = &st->frames[i];

		if (suppress_match(pattern, f->function) || suppress_match(pattern, f->file) ||
		    suppress_match(pattern, f->module))
			return true;
	}
	return false;
}

/* Creation stacks are not looked at: everything is created by main in the end. */
static bool match_finding(const char *pattern, const struct finding *f)
{
	const size_t all = SIZE_MAX;

	if (*f->object.name && suppress_match(pattern, f->object.name))
		return true;
	for (size_t i = 0; i < f->n_parts; i++) {
		const struct part *p = &f->parts[i];

		if (match_stack(pattern, &p->stack, all) || (*p->fn && suppress_match(pattern, p->fn)))
			return true;
		for (size_t k = 0; k < p->n_locks; k++)
			if (*p->locks[k].name && suppress_match(pattern, p->locks[k].name))
				return true;
	}
	/* Nothing else to go by: what was created and never used. */
	return f->n_parts == 0 && match_stack(pattern, &f->object.created, all);
}

/* "race_top": the function that makes the access, and nothing else. */
static bool match_top(const char *pattern, const struct finding *f)
{
	for (size_t i = 0; i < f->n_parts; i++)
		if (match_stack(pattern, &f->parts[i].stack, 1))
			return true;
	return false;
}

/* A fingerprint means one bug of one kind, so its line needs no type. */
static bool applies(const struct suppression *s, const struct finding *f)
{
	if (s->expired)
		return false;
	if (strcmp(s->type, "fingerprint") == 0)
		return strcmp(s->pattern, f->fingerprint) == 0;
	if (!type_fits(s->type, f))
		return false;
	return strcmp(s->type, "race_top") == 0 ? match_top(s->pattern, f) : match_finding(s->pattern, f);
}

/* The first line that fits gets the hit: a general line further down shows as unused then, which is how
 * doubles are found. */
void suppress_findings(struct report *r)
{
	for (size_t i = 0; i < r->n_findings; i++)
		for (size_t k = 0; k < r->n_suppressions; k++) {
			struct suppression *s = &r->suppressions[k];

			if (r->findings[i]->suppressed || !applies(s, r->findings[i]))
				continue;
			r->findings[i]->suppressed = true;
			s->hits++;
		}
}

/* In place; suppression files are edited by hand on all systems. */
static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && strchr(" \t\r\n", end[-1]))
		*--end = '\0';
	return text + strspn(text, " \t");
}

static int bad_line(char *err, size_t err_size, const char *path, unsigned line, const char *what)
{
	snprintf(err, err_size, "%s:%u: %s", path, line, what);
	return -EINVAL;
}

/* The day as its user's calendar has it; ISO dates compare as text. */
static bool is_past(const char *date)
{
	char today[16];
	time_t now = time(NULL);
	struct tm tm;

	return localtime_r(&now, &tm) && strftime(today, sizeof today, "%Y-%m-%d", &tm) &&
	       strcmp(date, today) < 0;
}

/* Written as strptime would write it: "2027-1-31" would compare wrong, "2027-02-30" is no day. */
static bool is_date(const char *text)
{
	struct tm tm = {.tm_mday = 0};
	char again[16];
	const char *end = strptime(text, "%Y-%m-%d", &tm);

	tm.tm_hour = 12;
	tm.tm_isdst = -1;
	return end && !*end && mktime(&tm) != -1 && strftime(again, sizeof again, "%Y-%m-%d", &tm) &&
	       strcmp(again, text) == 0;
}

/* Cut " expires=DATE" off the pattern, in place. False: there is one, but it is no date. */
static bool take_expiry(struct arena *a, char *pattern, const char **ret_date)
{
	static const char key[] = "expires=";
	char *word = strrchr(pattern, ' '), *tab = strrchr(pattern, '\t');

	*ret_date = "";
	if (!word || tab > word)
		word = tab;
	word = word ? word + 1 : pattern;
	if (strncmp(word, key, sizeof key - 1) != 0)
		return true;
	*ret_date = arena_strdup(a, word + sizeof key - 1);
	*word = '\0';
	trim(pattern);
	return is_date(*ret_date);
}

/* The pattern may contain colons (C++ names) and blanks; the type may not. */
static int add_line(struct report *r, const char *path, unsigned line, char *text, char *err, size_t err_size)
{
	char *colon, *pattern, *type = trim(text), what[160];
	struct suppression *list = r->suppressions;
	const char *expires;

	if (*type == '\0' || *type == '#')
		return 0;
	colon = strchr(type, ':');
	if (!colon)
		return bad_line(err, err_size, path, line, "no colon: a suppression is 'type:pattern'");
	*colon = '\0';
	if (!known_type(trim(type))) {
		snprintf(what, sizeof what,
			 "unknown type '%.40s': use race, deadlock, leak, waitgroup, channel, "
			 "lock, resource, a kind, a code or fingerprint",
			 type);
		return bad_line(err, err_size, path, line, what);
	}
	pattern = trim(colon + 1);
	if (!take_expiry(r->arena, pattern, &expires))
		return bad_line(err, err_size, path, line, "expires= needs a day as YYYY-MM-DD");
	if (!*pattern)
		return bad_line(err, err_size, path, line, "empty pattern");
	list = arena_grow(r->arena, list, r->n_suppressions, sizeof *list);
	list[r->n_suppressions++] = (struct suppression){.type = arena_strdup(r->arena, type),
							 .pattern = arena_strdup(r->arena, pattern),
							 .expires = arena_strdup(r->arena, expires),
							 .expired = *expires && is_past(expires),
							 .file = arena_strdup(r->arena, path),
							 .line = line};
	r->suppressions = list;
	return 0;
}

int suppress_read(struct report *r, const char *path, char *err, size_t err_size)
{
	FILE *in = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;
	unsigned line = 0;
	int error = 0;

	if (!in) {
		error = -errno;
		snprintf(err, err_size, "suppressions: %s: %s", path, strerror(-error));
		return error;
	}
	/* The first bad line ends it: one message is enough. */
	while (!error && getline(&text, &room, in) >= 0)
		error = add_line(r, path, ++line, text, err, err_size);
	if (!error && ferror(in)) {
		error = -EIO;
		snprintf(err, err_size, "suppressions: %s: cannot be read", path);
	}
	free(text);
	fclose(in);
	return error;
}

/* As narrow as a line that a person would write: this check, this function. */
const char *suppress_line(struct arena *a, const struct finding *f)
{
	for (size_t i = 0; i < f->n_parts; i++) {
		const struct stack *st = &f->parts[i].stack;

		for (size_t k = 0; k < st->n; k++)
			if (*st->frames[k].function && strncmp(st->frames[k].module, "libc.so", 7) != 0)
				return arena_printf(a, "%s:^%s$", f->check, st->frames[k].function);
	}
	return arena_printf(a, "fingerprint:%s", f->fingerprint);
}
