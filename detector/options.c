/* SPDX-License-Identifier: Apache-2.0
 *
 * options.c: GOSAN_OPTIONS. The table options.def is the parser, the defaults and the help.
 *
 * Invariant: a string setting points into `text`, where separators were overwritten by NUL, or to a
 * literal. A second parse adds to the first: later settings win.
 */
#include "options.h"

#include "finding.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than a shell's line: GOSAN_OPTIONS is written by hand, and by the tool from its command line. */
#define TEXT_MAX 8192
#define WORD_MAX 40 /* longer words have no suggestion */

struct gosan_options gosan_options = {
#define X(type, name, def, help) .name = def,
#include "options.def"
#undef X
};

/* The types in options.def, by their names there. */
enum type { BOOL, INT, STR };

/* A row of the table, with where its value lives. */
struct setting {
	const char *name, *def, *help;
	enum type type;
	void *value;
};

static const struct setting settings[] = {
#define X(type, name, def, help) {#name, #def, help, type, &gosan_options.name},
#include "options.def"
#undef X
};
/* Rows of the table. */
#define N_SETTINGS (sizeof(settings) / sizeof(settings[0]))

/* Where the values of all parses so far live: settings are read for the whole life of the process. */
static char text[TEXT_MAX];
static size_t text_used;

/* Edit distance with swaps of neighbours as one edit (optimal string alignment), three rows of the matrix at a
 * time. Words that are too long for a row are as far away as can be. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1], n = strlen(b), i, j;

	if (n > WORD_MAX || strlen(a) > WORD_MAX)
		return WORD_MAX;
	for (j = 0; j <= n; j++)
		rows[0][j] = j;
	for (i = 1; a[i - 1]; i++) {
		size_t *row = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];

		row[0] = i;
		for (j = 1; j <= n; j++) {
			size_t best = up[j - 1] + (a[i - 1] != b[j - 1]);

			if (up[j] + 1 < best)
				best = up[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    up2[j - 2] + 1 < best)
				best = up2[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[(i - 1) % 3][n];
}

/* Close is: at most a third of the longer word differs. A worse guess would mislead more than none. */
const char *gosan_options_suggest(const char *word, const char *const *names)
{
	const char *best = NULL;
	size_t least = WORD_MAX;

	for (; *names; names++) {
		size_t d = distance(word, *names), n = strlen(*names), m = strlen(word);

		if (d < least && d * 3 <= (n > m ? n : m) + 1) {
			least = d;
			best = *names;
		}
	}
	return best;
}

/* The sentence for a word that is in no list. */
static int unknown(const char *what, const char *word, const char *const *names, char *err, size_t size)
{
	const char *close = gosan_options_suggest(word, names);

	if (close)
		snprintf(err, size, "unknown %s '%s': did you mean '%s'?", what, word, close);
	else
		snprintf(err, size, "unknown %s '%s'; help=1 lists the known ones", what, word);
	return -EINVAL;
}

/* What people write for yes and no, whatever tool they come from. */
static bool parse_bool(const char *s, bool *ret)
{
	static const char *const words[2][4] = {{"0", "false", "no", "off"}, {"1", "true", "yes", "on"}};

	for (size_t v = 0; v < 2; v++)
		for (size_t i = 0; i < 4; i++)
			if (strcmp(s, words[v][i]) == 0) {
				*ret = v != 0;
				return true;
			}
	return false;
}

/* Decimal, octal or hexadecimal as in C; the whole word or nothing. */
static bool parse_int(const char *s, int *ret)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(s, &end, 0);
	if (end == s || *end || errno || v < INT_MIN || v > INT_MAX)
		return false;
	*ret = (int)v;
	return true;
}

/* No setting counts below zero, and of an exit status only a byte arrives: 256 would be a success. */
static int in_range(const struct setting *s, char *err, size_t size)
{
	int *value = s->value, most = value == &gosan_options.exitcode ? 255 : INT_MAX;

	if (*value >= 0 && *value <= most)
		return 0;
	snprintf(err, size, "%d is not a value for %s: use 0 to %d", *value, s->name, most);
	return -EINVAL;
}

/* 0, or -EINVAL and the sentence. The caller gives up on failure. */
static int assign(const struct setting *s, const char *value, char *err, size_t size)
{
	switch (s->type) {
	case BOOL:
		if (parse_bool(value, s->value))
			return 0;
		snprintf(err, size, "'%s' is not a value for %s: use 0 or 1", value, s->name);
		return -EINVAL;
	case INT:
		if (parse_int(value, s->value))
			return in_range(s, err, size);
		snprintf(err, size, "'%s' is not a value for %s: use a whole number", value, s->name);
		return -EINVAL;
	case STR:
		*(const char **)s->value = value;
		return 0;
	}
	return -EINVAL;
}

/* key=value, or key alone for a switch. Cuts the word at its equals sign. */
static int parse_one(char *word, char *err, size_t size)
{
	const char *names[N_SETTINGS + 1] = {NULL};
	char *value = strchr(word, '=');

	for (size_t i = 0; i < N_SETTINGS; i++)
		names[i] = settings[i].name;
	if (value)
		*value++ = 0;
	for (size_t i = 0; i < N_SETTINGS; i++) {
		if (strcmp(word, settings[i].name) != 0)
			continue;
		if (value)
			return assign(&settings[i], value, err, size);
		if (settings[i].type == BOOL)
			return assign(&settings[i], "1", err, size);
		snprintf(err, size, "%s needs a value: %s=...", word, word);
		return -EINVAL;
	}
	return unknown("key", word, names, err, size);
}

/* The checks, in the order of the first finding of each. */
static const char *const check_names[] = {"race",    "deadlock", "leak",     "waitgroup",
					  "channel", "lock",     "resource", NULL};

/* Is `name` (n bytes) in the comma-separated list? */
static bool listed(const char *list, const char *name, size_t n)
{
	while (*list) {
		size_t len = strcspn(list, ",");

		if (len == n && strncmp(list, name, n) == 0)
			return true;
		list += len + (list[len] == ',');
	}
	return false;
}

/* A misspelt check would silently check less than was asked for: so every name must be a known one. */
static int check_list(const char *list, bool all_allowed, char *err, size_t size)
{
	char word[WORD_MAX];

	while (*list) {
		size_t len = strcspn(list, ","), i = 0;

		snprintf(word, sizeof(word), "%.*s", (int)(len < sizeof(word) ? len : sizeof(word) - 1),
			 list);
		while (check_names[i] && strcmp(check_names[i], word) != 0)
			i++;
		if (len && !check_names[i] && !(all_allowed && strcmp(word, "all") == 0))
			return unknown("check", word, check_names, err, size);
		list += len + (list[len] == ',');
	}
	return 0;
}

/* Empty words are allowed: GOSAN_OPTIONS=$OLD:key=value with OLD unset. The lists are looked at last, when all
 * settings are known. */
int gosan_options_parse(const char *input, char *err, size_t err_size)
{
	size_t n = strlen(input) + 1;
	char *at = text + text_used;
	int rc;

	if (n > sizeof(text) - text_used) {
		snprintf(err, err_size, "the settings are longer than %d bytes", TEXT_MAX);
		return -EINVAL;
	}
	memcpy(at, input, n);
	text_used += n;
	for (char *next; at; at = next) {
		next = strchr(at, ':');
		if (next)
			*next++ = 0;
		rc = *at ? parse_one(at, err, err_size) : 0;
		if (rc)
			return rc;
	}
	rc = check_list(gosan_options.checks, true, err, err_size);
	return rc ? rc : check_list(gosan_options.no_checks, true, err, err_size);
}

/* no_checks wins over checks. */
bool gosan_check_on(const char *check)
{
	size_t n = strlen(check);

	if (listed(gosan_options.no_checks, check, n) || listed(gosan_options.no_checks, "all", 3))
		return false;
	return listed(gosan_options.checks, check, n) || listed(gosan_options.checks, "all", 3);
}

/* As snprintf: the size that a big enough buffer needs, whatever fitted. */
size_t gosan_options_help(char *buf, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < N_SETTINGS; i++) {
		const struct setting *s = &settings[i];
		int n = snprintf(used < size ? buf + used : NULL, used < size ? size - used : 0,
				 "  %-16s %s (default %s)\n", s->name, s->help, s->def);

		if (n > 0)
			used += (size_t)n;
	}
	return used;
}
