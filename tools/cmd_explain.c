/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_explain.c: gosan explain CODE|KIND.
 *
 * The pages are read by people in a terminal, so they are shown as they are, without a pager and without
 * colour. They exist for every row of the table in finding.h; a code without a page is an incomplete
 * installation (77), not a mistake of the user.
 */
#include "explain.h"
#include "finding.h"
#include "options.h"
#include "tool.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Code, kind and one line for each kind of finding. */
static const struct row {
	const char *code, *kind, *meaning;
} rows[] = {
#define X(code, kind, check, grade, text) {"GS" #code, kind, text},
	GOSAN_FINDINGS(X)
#undef X
};
#define N_ROWS (sizeof rows / sizeof *rows)

/* Code or kind, in either case of letters: people type what they saw in a report or what they remember. */
static const struct row *find(const char *word)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (strcasecmp(word, rows[i].code) == 0 || strcasecmp(word, rows[i].kind) == 0)
			return &rows[i];
	return NULL;
}

/* Codes are upper case in the table; a lower-case "gs" must not count as two mistakes. */
static int unknown(const char *word)
{
	const char *names[2 * N_ROWS + 1];
	char upper[32];

	for (size_t i = 0; i < N_ROWS; i++) {
		names[i] = rows[i].kind;
		names[N_ROWS + i] = rows[i].code;
	}
	names[2 * N_ROWS] = NULL;
	snprintf(upper, sizeof upper, "%s", word);

	if (strncasecmp(upper, "gs", 2) == 0)
		memcpy(upper, "GS", 2);
	const char *meant = gosan_options_suggest(upper, names);
	if (meant)
		tool_error("explain: unknown code or kind '%s': did you mean '%s'?", word, meant);
	else
		tool_error("explain: unknown code or kind '%s': see gosan explain --list", word);
	return TOOL_USAGE;
}

/* In the order of the table, which is that of the documentation. */
static int list(void)
{
	for (size_t i = 0; i < N_ROWS; i++)
		printf("%s  %-28s %s\n", rows[i].code, rows[i].kind, rows[i].meaning);
	return TOOL_OK;
}

/* A page that is missing is an incomplete installation. */
static int show(const struct row *row)
{
	struct arena *a = arena_new();
	const char *path, *page = explain_page(a, row->code, &path);

	if (page)
		fputs(page, stdout);
	else
		tool_error("explain: %s is missing: install all of gosan", path);
	arena_free(a);
	return page ? TOOL_OK : TOOL_MISSING;
}

int cmd_explain(int argc, char **argv)
{
	const struct row *row;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		puts("usage: gosan explain CODE|KIND   what a finding means, with a broken and a fixed "
		     "program\n"
		     "       gosan explain --list      all codes and kinds");
		return TOOL_OK;
	}
	if (argc == 2 && strcmp(argv[1], "--list") == 0)
		return list();
	if (argc != 2) {
		tool_error("explain: one code or kind is needed: see gosan explain --list");
		return TOOL_USAGE;
	}
	if (argv[1][0] == '-') {
		tool_error("explain: unknown option '%s'", argv[1]);
		return TOOL_USAGE;
	}
	row = find(argv[1]);
	return row ? show(row) : unknown(argv[1]);
}
