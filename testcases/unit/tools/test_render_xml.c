/* SPDX-License-Identifier: Apache-2.0
 * JUnit and HTML: well-formed whatever the names are; failures, errors and skips; the drawing. */
#include "sample.h"

#include "fingerprint.h"
#include "render.h"
#include "resolve.h"
#include "verdict.h"
#include "words.h"

#include <libxml/parser.h>
#include <libxml/xpath.h>

void tool_error(const char *fmt, ...)
{
	(void)fmt;
}

static struct report *sample(int exit_status)
{
	struct report *r = sample_report(START RACE("1", "\"0x3\"", "\"0x4\"") END, NULL, NULL, 0);

	resolve_report(r);
	fingerprint_finding(r->arena, r->findings[0]);
	verdict_decide(r, 100, exit_status, false);
	return r;
}

static xmlDocPtr render(const struct render_ops *ops, struct report *r)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	ops->render(r, out, false);
	fclose(out);
	xmlDocPtr doc = xmlReadMemory(text, (int)n, "report", NULL, XML_PARSE_NONET);
	free(text);
	raw_report_free(r);
	assert_non_null(doc);
	return doc;
}

/* The number, or the string, that an XPath expression gives. */
static void expect(xmlDocPtr doc, const char *path, const char *want)
{
	xmlXPathContextPtr c = xmlXPathNewContext(doc);
	xmlXPathObjectPtr o = xmlXPathEvalExpression(BAD_CAST path, c);

	if (!o)
		fail_msg("%s", path);
	xmlChar *text = xmlXPathCastToString(o);
	if (strcmp((char *)text, want) != 0)
		fail_msg("%s is '%s', not '%s'", path, text, want);
	xmlFree(text);
	xmlXPathFreeObject(o);
	xmlXPathFreeContext(c);
}

static void junit_findings(void **state)
{
	struct report *r = sample(0);

	(void)state;
	r->findings[0]->title = "race on \x01<a>&\"b\" \xc3\x28 ]]>";
	xmlDocPtr doc = render(&render_junit, r);
	expect(doc, "count(//testcase)", "1");
	expect(doc, "//testcase/@name", "prog a b");
	expect(doc, "//testsuite/@failures", "1");
	expect(doc, "//failure/@type", "GS101");
	expect(doc, "//failure/@message", "race on ?<a>&\"b\" ?( ]]>");
	expect(doc, "contains(//failure, 'error[GS101]')", "true");
	xmlFreeDoc(doc);
}

static void junit_failed_by_itself(void **state)
{
	xmlDocPtr doc = render(&render_junit, sample(3));

	(void)state;
	expect(doc, "//testsuite/@errors", "1");
	expect(doc, "//error/@message", "the program's own status is 3");
	expect(doc, "count(//failure)", "1");
	xmlFreeDoc(doc);
}

static void junit_blind(void **state)
{
	struct report *r = sample_report(START END, NULL, NULL, 0);

	(void)state;
	r->processes[0]->counters[COUNTER_lost] = 1;
	resolve_report(r);
	verdict_decide(r, 100, 0, false);
	xmlDocPtr doc = render(&render_junit, r);
	expect(doc, "//testsuite/@skipped", "1");
	expect(doc, "contains(//skipped/@message, 'something was lost')", "true");
	xmlFreeDoc(doc);
}

static void html_page(void **state)
{
	struct report *r = sample(0);

	(void)state;
	r->findings[0]->title = "race on <script>alert(1)</script> & \xff";
	xmlDocPtr doc = render(&render_html, r);
	expect(doc, "count(//script)", "0");
	expect(doc, "count(//article)", "1");
	expect(doc, "//article/h2/text()[last()]", " race on <script>alert(1)</script> & ?");
	expect(doc, "//table[1]/tbody/tr/td/a/@href", "#finding-1");
	expect(doc, "string(//article/@id)", "finding-1");
	expect(doc, "count(//svg/*[@class='lane'])", "2");
	/* The go statement of the story starts the second lane, and the last step clashes with the read. */
	expect(doc, "count(//svg/*[@class='spawn'])", "1");
	expect(doc, "count(//svg/*[@class='clash'])", "1");
	expect(doc, "contains(//svg/desc, 'write 4 bytes, unordered')", "true");
	xmlFreeDoc(doc);
}

static void html_waits(void **state)
{
	struct report *r = sample(0);
	struct finding *f = r->findings[0];

	(void)state;
	f->steps[0] = (struct step){.g = 7, .at = f->steps[0].at, .text = "lock mu"};
	f->steps[1] = (struct step){.g = 1, .at = f->steps[0].at, .text = "lock mu  <-- waits"};
	f->n_steps = 2;
	f->parts[1].role = "blocked";
	xmlDocPtr doc = render(&render_html, r);
	expect(doc, "count(//svg/*[@class='waits'])", "1");
	expect(doc, "count(//svg/rect)", "1");
	xmlFreeDoc(doc);
}

static void clean_text(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	assert_string_equal(words_clean(a, "a\tb\nc\rd\x7f"), "a\tb\nc?d?");
	assert_string_equal(words_clean(a, "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"),
			    "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
	/* Overlong, surrogate, too high, cut short, non-character. */
	assert_string_equal(words_clean(a, "\xc0\x80"), "??");
	assert_string_equal(words_clean(a, "\xed\xa0\x80"), "???");
	assert_string_equal(words_clean(a, "\xf4\x90\x80\x80"), "????");
	assert_string_equal(words_clean(a, "\xe2\x82"), "??");
	assert_string_equal(words_clean(a, "\xef\xbf\xbf"), "?");
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(junit_findings), cmocka_unit_test(junit_failed_by_itself),
		cmocka_unit_test(junit_blind),    cmocka_unit_test(html_page),
		cmocka_unit_test(html_waits),     cmocka_unit_test(clean_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
