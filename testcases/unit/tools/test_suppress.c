/* SPDX-License-Identifier: Apache-2.0
 * Patterns, types, files that are wrong, and who gets the hit. */
#include "sample.h"

#include "fingerprint.h"
#include "suppress.h"

#include <errno.h>
#include <time.h>

static void patterns(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool match;
	} t[] = {
		{"bump", "bump", true},
		{"bump", "a_bump_b", true},
		{"^bump", "a_bump", false},
		{"^bump$", "bump", true},
		{"^bump$", "bumps", false},
		{"bump$", "a_bump", true},
		{"b*p", "bump", true},
		{"^b*p$", "bumpx", false},
		{"*", "", true},
		{"a*b*c", "xaYbZcW", true},
		{"a*b*c", "acb", false},
		{"^*$", "anything", true},
		{"$", "x", true},
		{"^$", "x", false},
		{"a$b", "a$b", true},
		{"a*bc$", "abcabc", true},
		{"^a*bc", "abxbc", true},
		{"*$", "", true},
		{"^a**b$", "ab", true},
		{"", "", true},
		{"x*$", "", false},
		/* Not in a lifetime, when every star may try everything. */
		{"*a*a*a*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++)
		if (suppress_match(t[i].pattern, t[i].text) != t[i].match)
			fail_msg("%s on %s", t[i].pattern, t[i].text);
}

static struct report *sample(void)
{
	struct report *r = sample_report(START RACE("1", "\"0x3\"", "\"0x4\""), NULL, NULL, 0);

	sample_stack(r, &r->findings[0]->parts[0].stack, "fill", "/src/cache.c", 41);
	sample_stack(r, &r->findings[0]->parts[1].stack, "lookup", "/src/cache.c", 77);
	r->findings[0]->parts[0].locks[0].name = "mu";
	fingerprint_finding(r->arena, r->findings[0]);
	return r;
}

static bool suppressed_by(const char *line)
{
	struct report *r = sample();
	char *path = sample_file(line), err[512];

	assert_int_equal(suppress_read(r, path, err, sizeof err), 0);
	suppress_findings(r);
	bool result = r->findings[0]->suppressed;
	assert_int_equal(r->suppressions[r->n_suppressions - 1].hits, result);
	unlink(path);
	free(path);
	raw_report_free(r);
	return result;
}

static void types_and_places(void **state)
{
	struct report *r = sample();
	char line[128];

	(void)state;
	assert_true(suppressed_by("race:fill\n"));
	assert_true(suppressed_by("# all of ours\n\n  race:^fill$  \n"));
	assert_true(suppressed_by("race:look*\n"));
	assert_true(suppressed_by("data-race:cache.c\n"));
	assert_true(suppressed_by("GS101:^prog$\n"));
	assert_true(suppressed_by("race:cache.len"));
	assert_true(suppressed_by("race_top:fill\n"));
	assert_false(suppressed_by("race_top:cache.len\n")); /* no function */
	assert_false(suppressed_by("race_top:^mu$\n"));
	assert_true(suppressed_by("race:^mu$\n"));
	assert_false(suppressed_by("race:^filler$x\n"));
	assert_false(suppressed_by("deadlock:fill\n"));
	assert_false(suppressed_by("GS102:fill\n"));
	assert_false(suppressed_by("called_from_lib:prog\n"));
	snprintf(line, sizeof line, "fingerprint:%s\n", r->findings[0]->fingerprint);
	assert_true(suppressed_by(line));
	assert_false(suppressed_by("fingerprint:00000000000000000000000000000000\n"));
	raw_report_free(r);
}

/* The line that a report offers does what it promises. */
static void offered_line_works(void **state)
{
	struct report *r = sample();

	(void)state;
	assert_string_equal(suppress_line(r->arena, r->findings[0]), "race:^fill$");
	assert_true(suppressed_by(suppress_line(r->arena, r->findings[0])));
	raw_report_free(r);
}

static void expect_error(const char *text, const char *message)
{
	struct report *r = sample();
	char *path = sample_file(text), err[512] = "";

	assert_int_equal(suppress_read(r, path, err, sizeof err), -EINVAL);
	assert_non_null(strstr(err, message));
	unlink(path);
	free(path);
	raw_report_free(r);
}

/* The last day counts; the pattern may have blanks. */
static void expiry(void **state)
{
	char line[64], today[16];
	time_t now = time(NULL);

	(void)state;
	strftime(today, sizeof today, "%Y-%m-%d", localtime(&now));
	snprintf(line, sizeof line, "race:^fill$ expires=%s\n", today);
	assert_true(suppressed_by(line));
	assert_true(suppressed_by("race:^fill$\texpires=9999-12-31"));
	assert_false(suppressed_by("race:^fill$ expires=2001-01-01\n"));
	assert_false(suppressed_by("race:fill it expires=9999-12-31\n"));
	expect_error("race:a\nrace:fill expires=tomorrow\n", ":2: expires= needs a day");
	expect_error("race:fill expires=2027-02-30\n", "expires= needs a day");
	expect_error("race:fill expires=2027-1-31\n", "expires= needs a day");
	expect_error("race: expires=2027-01-31\n", "empty pattern");
}

static void bad_files_are_named(void **state)
{
	struct report *r = sample();
	char err[512] = "";

	(void)state;
	expect_error("race:ok\nrase:x\n", ":2: unknown type 'rase'");
	expect_error("race\n", ":1: no colon");
	expect_error("\n\nleak:\n", ":3: empty pattern");
	assert_int_equal(suppress_read(r, "/nowhere", err, sizeof err), -ENOENT);
	assert_non_null(strstr(err, "/nowhere"));
	raw_report_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns),
		cmocka_unit_test(types_and_places),
		cmocka_unit_test(offered_line_works),
		cmocka_unit_test(expiry),
		cmocka_unit_test(bad_files_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
