/* SPDX-License-Identifier: Apache-2.0
 * SARIF: rules, a thread flow for each goroutine, fingerprints, suppressions, notifications, GitHub's limits. */
#include "sample.h"

#include "fingerprint.h"
#include "render.h"
#include "resolve.h"
#include "sarif.h"
#include "verdict.h"

#include <jansson.h>

void tool_error(const char *fmt, ...)
{
	(void)fmt;
}

static void judge(struct report *r)
{
	resolve_report(r);
	for (size_t i = 0; i < r->n_findings; i++)
		fingerprint_finding(r->arena, r->findings[i]);
	fold_findings(r);
	verdict_decide(r, 100, 0, false);
}

static json_t *render(struct report *r, size_t *ret_size)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	render_sarif.render(r, out, false);
	fclose(out);
	json_t *o = json_loads(text, 0, NULL);
	free(text);
	assert_non_null(o);
	if (ret_size)
		*ret_size = n;
	return o;
}

static json_t *run_of(json_t *o)
{
	return json_array_get(json_object_get(o, "runs"), 0);
}

static json_t *results_of(json_t *o)
{
	return json_object_get(run_of(o), "results");
}

static const char *text_of(json_t *o, const char *one, const char *two)
{
	return json_string_value(json_object_get(json_object_get(o, one), two));
}

static json_t *notes_of(json_t *o)
{
	return json_object_get(json_array_get(json_object_get(run_of(o), "invocations"), 0),
			       "toolExecutionNotifications");
}

static bool has_note(json_t *o, const char *id, const char *text)
{
	for (size_t i = 0; i < json_array_size(notes_of(o)); i++) {
		json_t *note = json_array_get(notes_of(o), i);

		if (strcmp(text_of(note, "descriptor", "id"), id) == 0 &&
		    strstr(text_of(note, "message", "text"), text))
			return true;
	}
	return false;
}

static void one_race(void **state)
{
	struct report *r = sample_report(START RACE("1", "\"0x3\"", "\"0x4\"") END, NULL, NULL, 0);

	(void)state;
	sample_stack(r, &r->findings[0]->parts[0].stack, "fill", "/nowhere/a b.c", 41);
	judge(r);
	sample_stack(r, &r->findings[0]->parts[0].stack, "fill[abi:cxx11](int)", "/nowhere/a b.c", 41);
	sample_stack(r, &r->findings[0]->parts[1].stack, "main", "/nowhere/a b.c", 77);
	r->findings[0]->title = "data race on foo[abi:cxx11](int) \xff";
	json_t *o = render(r, NULL), *result = json_array_get(results_of(o), 0), *flows, *related;

	assert_string_equal(json_string_value(json_object_get(result, "ruleId")), "GS101");
	assert_int_equal(json_integer_value(json_object_get(result, "ruleIndex")), sarif_rule_index("GS101"));
	assert_string_equal(json_string_value(json_object_get(result, "level")), "error");
	assert_string_equal(text_of(result, "partialFingerprints", "primaryLocationLineHash") + 32, ":1");
	assert_int_equal(strncmp(text_of(result, "message", "text"),
				 "data race on foo[abi:cxx11] (int) ?. write of 4 bytes by", 56),
			 0);
	/* Every [text](id) of the message is a related location. */
	related = json_object_get(result, "relatedLocations");
	const char *link = strstr(text_of(result, "message", "text"), "](");
	assert_non_null(link);
	assert_true(atoi(link + 2) < (int)json_array_size(related));
	flows = json_object_get(json_array_get(json_object_get(result, "codeFlows"), 0), "threadFlows");
	assert_int_equal(json_array_size(flows), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(flows, 1), "id")),
			    "goroutine 7 \"filler\"");
	json_t *place =
		json_object_get(json_array_get(json_object_get(result, "locations"), 0), "physicalLocation");
	assert_string_equal(text_of(place, "artifactLocation", "uri"), "file:///nowhere/a%20b.c");
	assert_true(has_note(o, "GOSAN/not-checked", "libfoo.so"));
	assert_false(has_note(o, "GOSAN/blind", ""));
	json_decref(o);
	raw_report_free(r);
}

static void suppressed_and_blind(void **state)
{
	struct report *r = sample_report(START RACE("1", "\"0x3\"", "\"0x4\"") END, NULL, NULL, 0);

	(void)state;
	r->findings[0]->suppressed = true;
	r->processes[0]->counters[COUNTER_lost] = 7;
	judge(r);
	json_t *o = render(r, NULL), *result = json_array_get(results_of(o), 0);

	assert_int_equal(json_array_size(json_object_get(result, "suppressions")), 1);
	assert_true(has_note(o, "GOSAN/lost", "7 events lost"));
	assert_true(has_note(o, "GOSAN/blind", "something was lost"));
	json_decref(o);
	raw_report_free(r);
}

/* n findings, made of one that was read; names that differ. */
static struct report *many(size_t n, size_t name_size)
{
	struct report *r = sample_report(START RACE("1", "\"0x3\"", "\"0x4\"") END, NULL, NULL, 0);
	struct finding *first;
	uint64_t noise = 1;

	judge(r);
	first = r->findings[0];
	r->n_findings = n;
	r->findings = arena_alloc(r->arena, n * sizeof(struct finding *));
	for (size_t i = 0; i < n; i++) {
		struct finding *f = arena_alloc(r->arena, sizeof *f);
		char *title = arena_alloc(r->arena, name_size + 1);

		for (size_t k = 0; k < name_size; k++) {
			noise = noise * 6364136223846793005u + 1442695040888963407u;
			title[k] = (char)('a' + (noise >> 33) % 26);
		}
		*f = *first;
		f->title = title;
		f->grade = i == n - 1 ? "proved" : "likely";
		snprintf(f->fingerprint, sizeof f->fingerprint, "%032zx", i);
		r->findings[i] = f;
	}
	return r;
}

static void too_many_results(void **state)
{
	struct report *r = many(SARIF_RESULTS_MAX + 10, 8);

	/* The number alone is tested: what makes them long, and the test slow, is left out. */
	for (size_t i = 0; i < r->n_findings; i++)
		r->findings[i]->n_parts = r->findings[i]->n_steps = 0;
	json_t *o = render(r, NULL);

	(void)state;
	assert_true(json_array_size(results_of(o)) <= SARIF_RESULTS_MAX);
	assert_true(has_note(o, "GOSAN/limit", "findings were left out"));
	/* The only error comes first, so it is not among them. */
	assert_string_equal(json_string_value(json_object_get(json_array_get(results_of(o), 0), "level")),
			    "error");
	json_decref(o);
	raw_report_free(r);
}

static void too_many_bytes(void **state)
{
	struct report *r = many(500, 200000);
	size_t size;
	json_t *o = render(r, &size);

	(void)state;
	assert_true(size < SARIF_BYTES_MAX + (1u << 20));
	assert_true(has_note(o, "GOSAN/limit", "findings were left out"));
	json_decref(o);
	raw_report_free(r);
}

static void too_many_locations(void **state)
{
	struct report *r = many(1, 8);
	struct finding *f = r->findings[0];
	struct part *parts = arena_alloc(r->arena, 150 * sizeof *parts);

	(void)state;
	for (size_t i = 0; i < 150; i++) {
		parts[i] = f->parts[0];
		parts[i].g = i + 2;
		sample_stack(r, &parts[i].stack, "work", "/nowhere/a.c", (unsigned)i + 1);
	}
	f->parts = parts;
	f->n_parts = 150;
	json_t *o = render(r, NULL), *result = json_array_get(results_of(o), 0);

	assert_true(json_array_size(json_object_get(result, "relatedLocations")) < SARIF_LOCATIONS_MAX);
	assert_true(has_note(o, "GOSAN/limit", "locations were left out"));
	json_decref(o);
	raw_report_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_race),           cmocka_unit_test(suppressed_and_blind),
		cmocka_unit_test(too_many_results),   cmocka_unit_test(too_many_bytes),
		cmocka_unit_test(too_many_locations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
