/* SPDX-License-Identifier: Apache-2.0
 * Schema gosan/1: every member, its type, nothing else in a finding. */
#include "sample.h"

#include "fingerprint.h"
#include "options.h"
#include "render.h"
#include "resolve.h"
#include "verdict.h"

#include <jansson.h>

static json_t *render(struct report *r, bool judge)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	if (judge) {
		resolve_report(r);
		for (size_t i = 0; i < r->n_findings; i++)
			fingerprint_finding(r->arena, r->findings[i]);
		fold_findings(r);
		verdict_decide(r, 100, 0, false);
	}
	render_json.render(r, out, true);
	fclose(out);
	json_t *o = json_loads(text, 0, NULL);
	free(text);
	assert_non_null(o);
	return o;
}

/* "name:type" words; s string, i integer, b boolean, a array, o object. The object must have these only. */
static void members(const json_t *o, const char *spec)
{
	size_t n = 0;

	for (const char *at = spec; *at; n++, at += strspn(at, " ")) {
		char name[32];
		size_t length = strcspn(at, ":");

		snprintf(name, sizeof name, "%.*s", (int)length, at);
		const json_t *v = json_object_get(o, name);
		char type = at[length + 1];
		bool fits = type == 's'   ? json_is_string(v)
			    : type == 'i' ? json_is_integer(v)
			    : type == 'b' ? json_is_boolean(v)
			    : type == 'a' ? json_is_array(v)
					  : json_is_object(v);
		if (!fits)
			fail_msg("member %s", name);
		at += length + 2;
	}
	assert_int_equal(json_object_size(o), n);
}

static void schema(void **state)
{
	struct report *r = sample_report(START RACE("1", "\"0x3\"", "\"0x4\"") END, NULL, NULL, 0);
	json_t *o = render(r, true), *f = json_array_get(json_object_get(o, "findings"), 0), *p, *frame;

	(void)state;
	members(o, "schema:s program:s argv:a verdict:s exit_status:i counters:o not_checked:a findings:a");
	members(f, "code:s kind:s grade:s title:s fingerprint:s count:i object:o participants:a why:s help:s "
		   "reproduce:s");
	members(json_object_get(f, "object"), "kind:s name:s address:s size:i created_at:a");
	p = json_array_get(json_object_get(f, "participants"), 0);
	members(p,
		"role:s goroutine:i thread:i name:s op:s size:i locks:a stack:a created_by:i created_at:a");
	frame = json_array_get(json_object_get(p, "stack"), 0);
	members(frame, "function:s file:s line:i column:i inlined:b module:s offset:s");
	assert_string_equal(json_string_value(json_object_get(o, "schema")), "gosan/1");
	assert_string_equal(json_string_value(json_object_get(o, "verdict")), "findings");
	assert_string_equal(json_string_value(json_object_get(f, "title")), "data race on cache.len");
	assert_string_equal(json_string_value(json_object_get(f, "reproduce")), "gosan run -- ./prog 'a b'");
	assert_string_equal(json_string_value(json_array_get(json_object_get(p, "locks"), 0)),
			    "mutex 0x2000");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(o, "counters"), "suppressed")),
			 0);
	json_decref(o);
	raw_report_free(r);
}

static void verdicts(void **state)
{
	struct report *clean = sample_report(START END, NULL, NULL, 0),
		      *blind = sample_report(START, NULL, NULL, 0);
	json_t *o = render(clean, true);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(o, "verdict")), "clean");
	assert_int_equal(verdict_exit(clean), 0);
	json_decref(o);
	o = render(blind, true);
	assert_string_equal(json_string_value(json_object_get(o, "verdict")), "blind");
	assert_int_equal(verdict_exit(blind), 77);
	json_decref(o);
	raw_report_free(clean);
	raw_report_free(blind);
}

/* What was cut short is never called clean, and says so. */
static void cut_short_is_not_clean(void **state)
{
	struct report *r = sample_report(START "{\"r\":\"end\",\"why\":\"crash\",\"status\":139,"
					       "\"counters\":{\"events\":1204},\"not_checked\":[]}\n",
					 NULL, NULL, 0);
	json_t *o;

	(void)state;
	verdict_decide(r, 100, 139, false);
	o = render(r, false);
	assert_string_equal(json_string_value(json_object_get(o, "verdict")), "blind");
	assert_string_equal(json_string_value(json_array_get(json_object_get(o, "not_checked"), 0)),
			    "what came after the program died of signal 11");
	assert_int_equal(verdict_exit(r), 139);
	assert_non_null(strstr(verdict_line(r), "gosan: no findings so far: 1,204 events"));
	json_decref(o);
	raw_report_free(r);
}

/* A finding replaces only a zero; a timeout has statuses of its own. */
static void exit_statuses(void **state)
{
	static const struct {
		bool finding, timeout;
		int program, want;
	} t[] = {{true, false, 0, 66}, {true, false, 3, 3},   {true, false, 139, 139}, {false, false, 2, 2},
		 {false, false, 0, 0}, {true, true, 137, 66}, {false, true, 137, 124}};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct report *r =
			sample_report(t[i].finding ? START RACE("1", "", "") END : START END, NULL, NULL, 0);

		verdict_decide(r, 100, t[i].program, t[i].timeout);
		assert_int_equal(verdict_exit(r), t[i].want);
		raw_report_free(r);
	}
}

static void not_utf8(void **state)
{
	struct report *r = sample_report(START RACE("1", "\"0x3\"", "\"0x4\"") END, NULL, NULL, 0);

	(void)state;
	json_decref(render(r, true));
	r->findings[0]->parts[0].name = "w\xff"
					"rk";
	json_t *o = render(r, false), *f = json_array_get(json_object_get(o, "findings"), 0);
	json_t *p = json_array_get(json_object_get(f, "participants"), 0);
	assert_string_equal(json_string_value(json_object_get(p, "name")), "w?rk");
	json_decref(o);
	raw_report_free(r);
}

static void formats_are_named(void **state)
{
	struct render_request q;
	char err[256];

	(void)state;
	assert_int_equal(render_parse("json:/tmp/x:y", &q, err, sizeof err), 0);
	assert_ptr_equal(q.ops, &render_json);
	assert_string_equal(q.file, "/tmp/x:y");
	assert_int_equal(render_parse("text", &q, err, sizeof err), 0);
	assert_string_equal(q.file, "");
	assert_int_equal(render_parse("sarif:x", &q, err, sizeof err), 0);
	assert_int_not_equal(render_parse("jsn:x", &q, err, sizeof err), 0);
	assert_non_null(strstr(err, "did you mean 'json'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema),
		cmocka_unit_test(verdicts),
		cmocka_unit_test(exit_statuses),
		cmocka_unit_test(not_utf8),
		cmocka_unit_test(cut_short_is_not_clean),
		cmocka_unit_test(formats_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
