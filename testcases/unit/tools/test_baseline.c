/* SPDX-License-Identifier: Apache-2.0
 * The file of known findings: what is read, what is refused and with which line, what an update writes. */
#include "sample.h"

#include "baseline.h"
#include "fingerprint.h"

#include <errno.h>

#define A "0123456789abcdef0123456789abcdef"
#define B "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define C "cccccccccccccccccccccccccccccccc"

static char *read_back(const char *path)
{
	static char text[4096];
	FILE *in = fopen(path, "r");

	assert_non_null(in);
	text[fread(text, 1, sizeof text - 1, in)] = '\0';
	fclose(in);
	return text;
}

/* Comments stay with their entry, the head on top, a tail at the end; what is sorted stays as it is. */
static void comments_and_order(void **state)
{
	static const struct {
		const char *before, *after;
	} rows[] = {
		{"", ""},
		{"# head\n\n# why\n" B " GS101 b\n# why not\n" A " GS201 a\n# tail\n",
		 "# head\n\n# why not\n" A " GS201 a\n# why\n" B " GS101 b\n# tail\n"},
		{"\n\n" A "  GS101\ttitle with  blanks \r\n\n" B "\n",
		 A " GS101 title with  blanks\n" B "\n"},
		/* What a merge can leave. */
		{"# one\n" A " GS101 a\n# two\n" A " GS101 a\n", "# one\n# two\n" A " GS101 a\n"},
		{A " GS101 a", A " GS101 a\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *path = sample_file(rows[i].before), err[512] = "";
		struct arena *a = arena_new();
		struct baseline b;

		if (baseline_read(&b, a, path, err, sizeof err) != 0 ||
		    baseline_write(&b, err, sizeof err) != 0)
			fail_msg("row %zu: %s", i, err);
		assert_string_equal(read_back(path), rows[i].after);
		unlink(path);
		free(path);
		arena_free(a);
	}
}

static void bad_lines(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{A " GS101 a\nrace:^bump$\n", ":2: no fingerprint"},
		{"0123 GS101 a\n", ":1: no fingerprint"},
		{A "0 GS101 a\n", ":1: no fingerprint"},
		{A " data-race a\n", ":1: no code"},
		{A " GS a\n", ":1: no code"},
		{A " GS101x a\n", ":1: no code"},
		{"\n<<<<<<< ours\n" A " GS101 a\n", ":2: a merge conflict"},
		{A " GS101 a\n=======\n", ":2: a merge conflict"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *path = sample_file(rows[i].text), err[512] = "";
		struct arena *a = arena_new();
		struct baseline b;

		assert_int_equal(baseline_read(&b, a, path, err, sizeof err), -EBADMSG);
		if (strncmp(err, path, strlen(path)) != 0 || !strstr(err, rows[i].says))
			fail_msg("row %zu: %s", i, err);
		unlink(path);
		free(path);
		arena_free(a);
	}
}

/* Missing is told apart, since an update makes it; a directory is neither. */
static void not_a_file(void **state)
{
	struct arena *a = arena_new();
	struct baseline b;
	char err[512];

	(void)state;
	assert_int_equal(baseline_read(&b, a, "/nonexistent/base", err, sizeof err), -ENOENT);
	assert_non_null(strstr(err, "gosan baseline update"));
	assert_int_equal(b.n, 0);
	assert_int_not_equal(baseline_write(&b, err, sizeof err), 0);
	assert_non_null(strstr(err, "cannot be written"));
	assert_int_not_equal(baseline_read(&b, a, "/tmp", err, sizeof err), 0);
	arena_free(a);
}

static void a_new_file_has_a_head(void **state)
{
	struct arena *a = arena_new();
	struct baseline b;
	char path[] = "/tmp/gosan-test-dir-XXXXXX", file[64], err[512];

	(void)state;
	assert_non_null(mkdtemp(path));
	snprintf(file, sizeof file, "%s/base", path);
	assert_int_equal(baseline_read(&b, a, file, err, sizeof err), -ENOENT);
	baseline_add(&b, C, "GS101", "a title\nof two lines");
	baseline_add(&b, A, "GS301", "");
	assert_int_equal(baseline_write(&b, err, sizeof err), 0);
	const char *text = read_back(file);
	assert_int_equal(text[0], '#');
	assert_non_null(strstr(text, "\n\n" A " GS301\n" C " GS101 a title of two lines\n"));
	unlink(file);
	rmdir(path);
	arena_free(a);
}

/* Known and suppressed: the suppression wins, so that an entry which a suppression covers shows as stale. */
static void known_findings(void **state)
{
	struct report *r = sample_report(
		START RACE("1", "\"0x3\"", "\"0x4\"") RACE("2", "\"0x3\"", "\"0x4\"") END, NULL, NULL, 0);
	struct baseline b = {.a = r->arena, .head = "", .tail = "", .file = "base"};

	(void)state;
	for (size_t i = 0; i < 2; i++)
		fingerprint_finding(r->arena, r->findings[i]);
	baseline_add(&b, r->findings[0]->fingerprint, "GS101", "");
	b.entries[0].hits = 0;
	r->baseline = &b;
	r->findings[1]->suppressed = true;
	baseline_findings(r);
	assert_true(r->findings[0]->baselined && r->findings[0]->suppressed);
	assert_false(r->findings[1]->baselined);
	assert_int_equal(b.entries[0].hits, 1);
	raw_report_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comments_and_order), cmocka_unit_test(bad_lines),
		cmocka_unit_test(not_a_file),         cmocka_unit_test(a_new_file_has_a_head),
		cmocka_unit_test(known_findings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
