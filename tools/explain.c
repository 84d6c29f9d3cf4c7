/* SPDX-License-Identifier: Apache-2.0
 *
 * explain.c: a page is a Markdown file; a line "@broken NAME" or "@fixed NAME" stands for the program
 * cases/CODE/NAME_bug.c or NAME_ok.c (with a slash in NAME: NAME_bug.c). The programs are not copied into the
 * page, so that what the page shows is what the tests run.
 */
#include "explain.h"

#include "tool.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
static void copy_program(FILE *in, FILE *out)
{
	char line[1024];
	bool head = true;

	while (fgets(line, sizeof line, in)) {
		head = head && strncmp(line, "//", 2) == 0;
		if (!head)
			fputs(line, out);
	}
}

/* A page is still of use without its programs, so a missing one is told in its place. */
static void add_program(FILE *out, const char *code, const char *name, const char *ending)
{
	char file[256], path[TOOL_PATH_MAX];
	FILE *in;

	if (strchr(name, '/'))
		snprintf(file, sizeof file, "%s%s", name, ending);
	else
		snprintf(file, sizeof file, "cases/%s/%s%s", code, name, ending);
	if (where_case(file, path, sizeof path) != 0 && !find_other(code, ending, path, sizeof path)) {
		fprintf(out, "(%s is not installed)\n", file);
		return;
	}
	if ((in = fopen(path, "re")) == NULL)
		return;
	fputs("```c\n", out);
	copy_program(in, out);
	fputs("```\n", out);
	fclose(in);
}

/* Pages are plain enough to be read as they are; only the program lines are replaced. */
static void write_page(FILE *in, FILE *out, const char *code)
{
	char line[1024], name[128];

	while (fgets(line, sizeof line, in)) {
		if (sscanf(line, "@broken %127s", name) == 1)
			add_program(out, code, name, "_bug.c");
		else if (sscanf(line, "@fixed %127s", name) == 1)
			add_program(out, code, name, "_ok.c");
		else
			fputs(line, out);
	}
}

/* In memory, because the terminal is only one of those who show it. */
const char *explain_page(struct arena *a, const char *code, const char **ret_path)
{
	char file[32], path[TOOL_PATH_MAX], *text = NULL;
	size_t n = 0;
	int missing;

	snprintf(file, sizeof file, "%s.md", code);
	missing = where_page(file, path, sizeof path);
	*ret_path = arena_strdup(a, path);
	FILE *in = missing ? NULL : fopen(path, "re");
	FILE *out = in ? open_memstream(&text, &n) : NULL;
	if (out)
		write_page(in, out, code);
	if (in)
		fclose(in);
	if (!out || fclose(out) != 0)
		return NULL;
	char *page = arena_strdup(a, text);
	free(text);
	return page;
}

/* After the heading and an empty line, up to the next empty line. */
const char *explain_summary(struct arena *a, const char *page)
{
	const char *from = strstr(page, "\n\n"), *to = from ? strstr(from + 2, "\n\n") : NULL;

	if (!to)
		return "";
	char *text = arena_strndup(a, from + 2, (size_t)(to - from - 2));
	for (char *c = text; *c; c++)
		if (*c == '\n')
			*c = ' ';
	return text;
}
