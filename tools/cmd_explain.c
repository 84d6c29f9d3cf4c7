/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_explain.c: gosan explain CODE|KIND. The page is a Markdown file; a line "@broken NAME" or "@fixed NAME"
 * stands for the program cases/CODE/NAME_bug.c or NAME_ok.c (with a slash in NAME: NAME_bug.c): the very files that the tests run.
 *
 * The pages are read by people in a terminal, so they are shown as they are, without a pager and without
 * colour. They exist for every row of the table in finding.h; a code without a page is an incomplete
 * installation (77), not a mistake of the user.
 */
#include "finding.h"
#include "options.h"
#include "tool.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
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

/* Any program of the code with that ending, should the named one be gone. */
static bool find_other(const char *code, const char *ending, char *ret, size_t size)
{
	char dir[TOOL_PATH_MAX];
	struct dirent **names;
	bool found = false;
	char folder[64];

	snprintf(folder, sizeof folder, "cases/%s", code);
	int n = where_case(folder, dir, sizeof dir) == 0 ? scandir(dir, &names, NULL, alphasort) : -1;

	for (int i = 0; i < n; i++) {
		size_t length = strlen(names[i]->d_name), tail = strlen(ending);

		if (!found && length > tail && strcmp(names[i]->d_name + length - tail, ending) == 0)
			found = snprintf(ret, size, "%s/%s", dir, names[i]->d_name) < (int)size;
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return found;
}

/* The head of a test program says what the test expects; a reader of the page wants the program. */
static void copy_program(FILE *in)
{
	char line[1024];
	bool head = true;

	while (fgets(line, sizeof line, in)) {
		head = head && strncmp(line, "//", 2) == 0;
		if (!head)
			fputs(line, stdout);
	}
}

/* The programs are not copied into the page: what the page shows is what the tests run. */
static void show_program(const char *code, const char *name, const char *ending)
{
	char file[256], path[TOOL_PATH_MAX];
	FILE *in;

	if (strchr(name, '/'))
		snprintf(file, sizeof file, "%s%s", name, ending);
	else
		snprintf(file, sizeof file, "cases/%s/%s%s", code, name, ending);
	if (where_case(file, path, sizeof path) != 0 && !find_other(code, ending, path, sizeof path)) {
		printf("(%s is not installed)\n", file);
		return;
	}
	if ((in = fopen(path, "re")) == NULL)
		return;
	puts("```c");
	copy_program(in);
	puts("```");
	fclose(in);
}

/* Pages are plain enough to be read as they are; only the program lines are replaced. */
static int show(const struct row *row)
{
	char file[32], path[TOOL_PATH_MAX], line[1024], name[128];
	FILE *in;

	snprintf(file, sizeof file, "%s.md", row->code);
	if (where_page(file, path, sizeof path) != 0 || (in = fopen(path, "re")) == NULL) {
		tool_error("explain: %s is missing: install all of gosan", path);
		return TOOL_MISSING;
	}
	while (fgets(line, sizeof line, in)) {
		if (sscanf(line, "@broken %127s", name) == 1)
			show_program(row->code, name, "_bug.c");
		else if (sscanf(line, "@fixed %127s", name) == 1)
			show_program(row->code, name, "_ok.c");
		else
			fputs(line, stdout);
	}
	fclose(in);
	return TOOL_OK;
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
