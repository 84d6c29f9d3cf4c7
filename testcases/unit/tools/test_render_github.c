/* SPDX-License-Identifier: Apache-2.0
 * GitHub: escaping, ten of a level, the rest in a notice, the summary and its mebibyte. */
#include "sample.h"

#include "fingerprint.h"
#include "render.h"
#include "resolve.h"
#include "verdict.h"

#include <sys/stat.h>

void tool_error(const char *fmt, ...)
{
	(void)fmt;
}

static struct report *many(size_t n, const char *title)
{
	struct report *r = sample_report(START RACE("1", "\"0x3\"", "\"0x4\"") END, NULL, NULL, 0);
	struct finding *first;

	resolve_report(r);
	fingerprint_finding(r->arena, r->findings[0]);
	verdict_decide(r, 100, 0, false);
	first = r->findings[0];
	first->title = title;
	sample_stack(r, &first->parts[0].stack, "fill", "/nowhere/a,b:c.c", 41);
	r->n_findings = r->n_shown = n;
	r->findings = arena_alloc(r->arena, n * sizeof(struct finding *));
	for (size_t i = 0; i < n; i++) {
		r->findings[i] = arena_alloc(r->arena, sizeof *first);
		*r->findings[i] = *first;
	}
	return r;
}

static char *render(struct report *r)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	render_github.render(r, out, false);
	fclose(out);
	raw_report_free(r);
	return text;
}

static size_t count(const char *text, const char *word)
{
	size_t n = 0;

	for (; (text = strstr(text, word)) != NULL; text++)
		n++;
	return n;
}

static void escapes(void **state)
{
	char *text = render(many(1, "race on a:b, 100%\nnext"));

	(void)state;
	assert_int_equal(count(text, "\n"), 1);
	assert_non_null(strstr(text, "::error file=/nowhere/a%2Cb%3Ac.c,line=41,endLine=41,col=5,"));
	assert_non_null(strstr(text, "title=GS101%3A race on a%3Ab%2C 100%25%0Anext (proved)::write of"));
	free(text);
}

static void ten_of_a_level(void **state)
{
	char *text = render(many(13, "race"));

	(void)state;
	assert_int_equal(count(text, "::error "), 10);
	assert_int_equal(count(text, "::notice title=gosan%3A 3 more findings::GS101 race at "), 1);
	free(text);
}

static char *summary_of(struct report *r, const char *before)
{
	char *path = sample_file(before), *text;
	struct stat st;

	setenv("GITHUB_STEP_SUMMARY", path, 1);
	free(render(r));
	unsetenv("GITHUB_STEP_SUMMARY");
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size <= 1 << 20);
	text = calloc(1, (size_t)st.st_size + 1);
	FILE *in = fopen(path, "r");
	assert_int_equal(fread(text, 1, (size_t)st.st_size, in), st.st_size);
	fclose(in);
	unlink(path);
	free(path);
	return text;
}

static void summary(void **state)
{
	char *text = summary_of(many(2, "race on a|b <c>"), "earlier\n");

	(void)state;
	assert_int_equal(strncmp(text, "earlier\n### gosan\n", 18), 0);
	assert_int_equal(count(text, "\n| GS101 | race on a\\|b &lt;c> | "), 2);
	assert_int_equal(count(text, "<details>"), 2);
	assert_int_equal(count(text, "left out"), 0);
	free(text);
}

/* Links only when the runner says where the repository is; nothing outside of it is linked. */
static void summary_has_a_limit(void **state)
{
	char *text = summary_of(many(3000, "race"), "");

	(void)state;
	assert_int_equal(count(text, "\n| GS101 |"), 3000);
	assert_int_equal(count(text, "reports were left out"), 1);
	free(text);
}

static void summary_that_cannot_be_written(void **state)
{
	(void)state;
	setenv("GITHUB_STEP_SUMMARY", "/nonexistent/summary", 1);
	char *text = render(many(1, "race"));
	unsetenv("GITHUB_STEP_SUMMARY");
	assert_int_equal(count(text, "::warning title=gosan::cannot write the summary"), 1);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes),
		cmocka_unit_test(ten_of_a_level),
		cmocka_unit_test(summary),
		cmocka_unit_test(summary_has_a_limit),
		cmocka_unit_test(summary_that_cannot_be_written),
	};

	unsetenv("GITHUB_STEP_SUMMARY");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
