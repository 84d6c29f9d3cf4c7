/* SPDX-License-Identifier: Apache-2.0
 * The report for people: its parts, its size, its colours. */
#include "sample.h"

#include "fingerprint.h"
#include "options.h"
#include "render.h"
#include "resolve.h"
#include "source.h"
#include "verdict.h"

static struct report *prepare(const char *stream)
{
	struct report *r = sample_report(stream, NULL, NULL, 0);

	resolve_report(r);
	for (size_t i = 0; i < r->n_findings; i++)
		for (size_t k = 0; k < r->findings[i]->n_parts; k++)
			sample_stack(r, &r->findings[i]->parts[k].stack, k ? "lookup" : "fill", __FILE__,
				     __LINE__);
	for (size_t i = 0; i < r->n_findings; i++)
		fingerprint_finding(r->arena, r->findings[i]);
	fold_findings(r);
	verdict_decide(r, 100, 0, false);
	return r;
}

static char *render(const struct report *r, bool color)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	render_text.render(r, out, color);
	fclose(out);
	return text;
}

static void has_all_parts(void **state)
{
	static const char *const parts[] = {
		"==================\nerror[GS101]: data race on cache.len  (proved)\n",
		"  --> ",
		"write of 4 bytes by goroutine 7 \"filler\"",
		"previous read of 4 bytes by goroutine 1 \"main\"",
		"holding mutex at 0x2000",
		"    #0 fill ",
		"(prog+0x1234)",
		"^",
		"story",
		"<-- unordered",
		"  why: nothing orders them\n",
		"  help: take a lock\n",
		"  where: heap cache.len",
		"  reproduce: gosan run -- ./prog 'a b'\n",
		"  suppress: race:^fill$\n",
		"  fingerprint: ",
		"more: gosan explain GS101\n",
		"SUMMARY: gosan: data race ",
		" in fill\n==================\n",
		("gosan: 1 finding in prog: 1,204 events, 88,210 accesses, 2 goroutines, 0 lost; checked: "
		 "race "),
		"; not checked: libfoo.so; exit 66\n",
	};
	struct report *r = prepare(START RACE("1", "\"0x3\"", "\"0x4\"") END);
	char *text = render(r, false);

	(void)state;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (!strstr(text, parts[i]))
			fail_msg("'%s' is not in\n%s", parts[i], text);
	for (const char *c = text; *c; c++)
		assert_true(*c == '\n' || (*c >= ' ' && *c < 0x7f));
	free(text);
	source_forget();
	raw_report_free(r);
}

/* Whatever comes in: 30 lines of 100 columns, and nothing important lost. */
static void stays_in_its_frame(void **state)
{
	struct report *r = prepare(START RACE("1", "\"0x3\"", "\"0x4\"") END);
	struct finding *f = r->findings[0];
	char *text, *line, *rest, *big = malloc(4000);
	size_t lines = 0;

	(void)state;
	memset(big, 'x', 3999);
	for (size_t i = 20; i < 3999; i += 21)
		big[i] = ' ';
	big[3999] = '\0';
	f->title = f->why = f->help = f->reproduce = f->object.name = big;
	f->parts = realloc(NULL, 40 * sizeof *f->parts);
	for (size_t i = 0; i < 40; i++) {
		f->parts[i] = (struct part){
			.role = "blocked", .name = big, .fn = "w", .op = "chan receive", .g = i + 1};
		sample_stack(r, &f->parts[i].stack, big, __FILE__, __LINE__);
		sample_stack(r, &f->parts[i].created, "main", __FILE__, __LINE__);
	}
	f->n_parts = 40;
	text = rest = render(r, false);
	while ((line = strsep(&rest, "\n")) != NULL && strncmp(line, "gosan:", 6) != 0) {
		lines++;
		if (!strstr(line, "suppress:"))
			assert_true(strlen(line) <= 100);
	}
	assert_true(lines <= 30);
	free(text);
	free(f->parts);
	free(big);
	source_forget();
	raw_report_free(r);
}

static void colour_only_when_asked(void **state)
{
	struct report *r = prepare(START RACE("1", "\"0x3\"", "\"0x4\"") END);
	char *plain = render(r, false), *colour = render(r, true);

	(void)state;
	assert_null(strchr(plain, '\033'));
	assert_non_null(strstr(colour, "\033[1;31merror[GS101]\033[0m: data race"));
	free(plain);
	free(colour);
	source_forget();
	raw_report_free(r);
}

static void clean_and_quiet(void **state)
{
	struct report *r = prepare(START END);
	char *text = render(r, false);

	(void)state;
	assert_string_equal(text, "gosan: clean: 1,204 events, 88,210 accesses, 2 goroutines, 0 lost; "
				  "checked: race deadlock leak "
				  "waitgroup channel lock resource; not checked: libfoo.so\n");
	free(text);
	gosan_options.quiet = true;
	text = render(r, false);
	gosan_options.quiet = false;
	assert_string_equal(text, "");
	free(text);
	raw_report_free(r);
}

/* A hung program: who stands where, alike ones once. */
static void dump_after_timeout(void **state)
{
	struct report *r = sample_report(
		START
		"{\"r\":\"dump\",\"g\":3,\"name\":\"w\",\"state\":\"chan receive\",\"stack\":[\"0x7\"]}\n"
		"{\"r\":\"dump\",\"g\":4,\"name\":\"w\",\"state\":\"chan receive\",\"stack\":[\"0x7\"]}\n"
		"{\"r\":\"dump\",\"g\":1,\"name\":\"main\",\"state\":\"wait\",\"stack\":[\"0x9\"]}\n"
		"{\"r\":\"end\",\"why\":\"timeout\",\"status\":137,\"counters\":{\"events\":5}}\n",
		NULL, NULL, 0);
	char *text;

	(void)state;
	resolve_report(r);
	verdict_decide(r, 100, 137, false);
	text = render(r, false);
	assert_non_null(strstr(text, "goroutine 3 \"w\" and 1 more: chan receive\n"));
	assert_non_null(strstr(text, "goroutine 1 \"main\": wait\n"));
	assert_null(strstr(text, "goroutine 4"));
	assert_non_null(strstr(text, "stopped by --timeout"));
	assert_int_equal(verdict_exit(r), 124);
	free(text);
	raw_report_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_all_parts),          cmocka_unit_test(stays_in_its_frame),
		cmocka_unit_test(colour_only_when_asked), cmocka_unit_test(clean_and_quiet),
		cmocka_unit_test(dump_after_timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
