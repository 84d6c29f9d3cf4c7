/* SPDX-License-Identifier: Apache-2.0
 * Tables and documentation agree: a page with its programs for every code, every option in the manual. */
#include "sample.h"

#include "finding.h"
#include "settings.h"
#include "tool.h"

/* The tool's reporter lives in main.c, which tests don't have. */
void tool_error(const char *fmt, ...)
{
	(void)fmt;
}

static char *read_all(const char *path)
{
	FILE *in = fopen(path, "r");
	char *text = calloc(1, 1 << 18);

	if (!in)
		fail_msg("%s is missing", path);
	assert_true(fread(text, 1, (1 << 18) - 1, in) > 0);
	fclose(in);
	return text;
}

static void check_programs(const char *page, const char *code)
{
	for (const char *at = page; (at = strstr(at, "\n@")) != NULL; at++) {
		char name[128], file[256], path[TOOL_PATH_MAX];
		bool broken = sscanf(at, "\n@broken %127s", name) == 1;

		assert_true(broken || sscanf(at, "\n@fixed %127s", name) == 1);
		snprintf(file, sizeof file, "%s%s%s%s%s", strchr(name, '/') ? "" : "cases/",
			 strchr(name, '/') ? "" : code, strchr(name, '/') ? "" : "/", name,
			 broken ? "_bug.c" : "_ok.c");
		if (where_case(file, path, sizeof path) != 0)
			fail_msg("%s is missing", file);
	}
}

static void every_code_has_a_page(void **state)
{
	static const struct {
		const char *code, *kind;
	} rows[] = {
#define X(code, kind, check, grade, text) {"GS" #code, kind},
		GOSAN_FINDINGS(X)
#undef X
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char file[32], path[TOOL_PATH_MAX], head[128];

		snprintf(file, sizeof file, "%s.md", rows[i].code);
		if (where_page(file, path, sizeof path) != 0)
			fail_msg("%s is missing", path);
		char *page = read_all(path);
		snprintf(head, sizeof head, "# %s %s\n", rows[i].code, rows[i].kind);
		assert_int_equal(strncmp(page, head, strlen(head)), 0);
		assert_non_null(strstr(page, "\nBroken:\n"));
		assert_non_null(strstr(page, "\nCorrect:\n"));
		assert_non_null(strstr(page, "\nWhat to do\n- "));
		check_programs(page, rows[i].code);
		free(page);
	}
}

/* In the manual a dash is written "\-". */
static void every_option_is_in_the_manual(void **state)
{
	char path[TOOL_PATH_MAX + 32];

	(void)state;
	assert_int_equal(where_page("GS101.md", path, TOOL_PATH_MAX), 0);
	snprintf(strstr(path, "explain/GS101.md"), 32, "man/gosan-run.1");
	char *manual = read_all(path);
	for (const struct argp_option *o = settings_argp.options; o->name; o++) {
		char name[128], *to = name;

		if (o->flags & OPTION_HIDDEN)
			continue;
		to = stpcpy(to, "\\-\\-");
		for (const char *c = o->name; *c; c++) {
			if (*c == '-')
				*to++ = '\\';
			*to++ = *c;
		}
		*to = '\0';
		if (!strstr(manual, name))
			fail_msg("%s is not in the manual", name);
	}
	free(manual);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_a_page),
		cmocka_unit_test(every_option_is_in_the_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
