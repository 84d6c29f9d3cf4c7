/* SPDX-License-Identifier: Apache-2.0
 *
 * render_junit.c: the report as test results, in the dialect that Jenkins' xunit schema describes and GitLab,
 * GitHub actions and IDEs read.
 *
 *   testsuites > testsuite > testcase (a program with its arguments)
 *                              failure   one for each finding: message = title, type = code
 *                              error     the program failed by itself, or its run was cut short
 *                              skipped   nothing could be checked
 *
 * Readers that take only the first failure of a case still learn from its text how many there are. Times are
 * left out: they would be the program's own under the detector, which nobody asked for.
 */
#include "gate.h"
#include "render.h"
#include "verdict.h"
#include "words.h"
#include "xml.h"

#include <inttypes.h>
#include <string.h>

enum outcome { PASSED, FAILED, ERROR, SKIPPED };

/* One test: all processes of one program with the same arguments. */
struct test {
	const char *program, *name;
	size_t n_findings;
	const struct finding **findings;
	const char *error, *error_type; /* NULL: none */
	const char *skipped;            /* why, or NULL */
	const char *log;                /* or NULL */
};

struct tests {
	struct arena *a;
	struct test *list;
	size_t n;
};

/* Named by its last component and its arguments: readers group by name, and directories differ between machines. */
static struct test *test_add(struct tests *t, const char *program, const char *const *argv, size_t n_argv)
{
	const char *slash = strrchr(program, '/'), *name = slash ? slash + 1 : program;

	t->list = arena_grow(t->a, t->list, t->n, sizeof *t->list);
	t->list[t->n] = (struct test){.program = name, .name = name};
	for (size_t i = 1; i < n_argv; i++)
		t->list[t->n].name = arena_printf(t->a, "%s %s", t->list[t->n].name, argv[i]);
	return &t->list[t->n++];
}

/* Not a failure: what the test itself has to say about it stands in its own log, not in ours. */
static void set_status(struct tests *t, struct test *test, int status)
{
	test->error_type = "exit-status";
	test->error = arena_printf(t->a, "the program's own status is %d", status);
}

/* The program that was run, its children included; the verdict is its log. */
static void collect_run(const struct report *r, struct tests *t)
{
	const struct process *p = r->main;
	struct test *test = test_add(t, p ? p->program : "", p ? p->argv : NULL, p ? p->n_argv : 0);

	test->log = verdict_line(r);
	if (r->cut) {
		test->error_type = "cut-short";
		test->error = r->cut;
	} else if (r->exit_status) {
		set_status(t, test, r->exit_status);
	} else if (r->verdict == VERDICT_BLIND) {
		test->skipped = verdict_line(r);
	}
	test->findings = arena_alloc(t->a, r->n_findings * sizeof *test->findings);
	for (size_t i = 0; i < r->n_findings; i++)
		if (words_shown(r->findings[i]))
			test->findings[test->n_findings++] = r->findings[i];
}

/* A finding that several programs of a gate showed is a failure of each. */
static void collect_row(const struct gate_row *row, struct tests *t)
{
	struct test *test = test_add(t, row->program, row->argv, row->n_argv);

	test->findings = row->findings;
	test->n_findings = row->n_findings;
	if (row->timed_out || row->crashed || row->killed) {
		test->error_type = "cut-short";
		test->error = row->timed_out ? "stopped by --timeout"
			      : row->crashed ? "it crashed"
					     : "it was killed";
	} else if (row->status) {
		set_status(t, test, row->status);
	}
}

/* The gate's own case carries its verdict: it fails by no finding, which are the programs', but by what it could
 * not see. */
static void collect_gate(const struct report *r, struct tests *t)
{
	struct test *own = test_add(t, "gate", NULL, 0);

	own->log = verdict_line(r);
	if (r->cut) {
		own->error_type = "cut-short";
		own->error = r->cut;
	} else if (r->verdict == VERDICT_BLIND) {
		own->skipped = verdict_line(r);
	}
	for (size_t i = 0; i < r->gate->n_rows; i++)
		if (*gate_row_result(r->gate->rows[i]))
			collect_row(r->gate->rows[i], t);
}

/* One word for the counts of the suite. An error outweighs findings: the test did not get to its end, so more may be
 * hidden. */
static enum outcome outcome(const struct test *t)
{
	return t->error ? ERROR : t->n_findings ? FAILED : t->skipped ? SKIPPED : PASSED;
}

/* --- What a case says -------------------------------------------------------------------------------------- */

/* The text is the report for people, since most readers show it as it is. */
static void add_failure(struct xml *x, const struct report *r, const struct finding *f, size_t i, size_t n)
{
	xml_open(x, "failure");
	xml_attr(x, "message", "%s", f->title);
	xml_attr(x, "type", "%s", f->code);
	if (n > 1)
		xml_text(x, arena_printf(x->a, "finding %zu of %zu in this test\n", i, n));
	xml_text(x, render_text_plain(r, f));
	xml_close(x);
}

/* Without text: the message says all. */
static void add_word(struct xml *x, const char *element, const char *type, const char *message)
{
	xml_open(x, element);
	if (type)
		xml_attr(x, "type", "%s", type);
	xml_attr(x, "message", "%s", message);
	xml_void(x);
}

/* In the order that Jenkins' schema wants. Dots separate packages for the readers of class names. */
static void add_case(struct xml *x, const struct report *r, const struct test *t)
{
	xml_open(x, "testcase");
	xml_attr(x, "classname", "gosan.%s", t->program);
	xml_attr(x, "name", "%s", t->name);
	if (t->error)
		add_word(x, "error", t->error_type, t->error);
	else if (outcome(t) == SKIPPED)
		add_word(x, "skipped", NULL, t->skipped);
	for (size_t i = 0; i < t->n_findings; i++)
		add_failure(x, r, t->findings[i], i + 1, t->n_findings);
	if (t->log)
		xml_element(x, "system-err", NULL, t->log);
	xml_close(x);
}

/* --- The file ---------------------------------------------------------------------------------------------- */

/* Cases are counted, not their findings; a case is one of the three. */
static void add_counts(struct xml *x, const struct tests *t, bool skipped)
{
	size_t n[4] = {0};

	for (size_t i = 0; i < t->n; i++)
		n[outcome(&t->list[i])]++;
	xml_attr(x, "tests", "%zu", t->n);
	xml_attr(x, "failures", "%zu", n[FAILED]);
	xml_attr(x, "errors", "%zu", n[ERROR]);
	if (skipped)
		xml_attr(x, "skipped", "%zu", n[SKIPPED]);
}

static void add_property(struct xml *x, const char *name, const char *value)
{
	xml_open(x, "property");
	xml_attr(x, "name", "%s", name);
	xml_attr(x, "value", "%s", value);
	xml_void(x);
}

/* The verdict's facts, for whoever keeps test reports and wants to know later how much was seen. */
static void add_properties(struct xml *x, const struct report *r)
{
	xml_open(x, "properties");
	add_property(x, "gosan.version", GOSAN_VERSION);
	add_property(x, "gosan.verdict", verdict_line(r));
	for (size_t i = 0; i < COUNTER_COUNT; i++)
		add_property(x, arena_printf(x->a, "gosan.%s", counter_names[i]),
			     arena_printf(x->a, "%" PRIu64, r->counters[i]));
	for (size_t i = 0; i < r->n_not_checked; i++)
		add_property(x, "gosan.not_checked", r->not_checked[i]);
	xml_close(x);
}

/* One suite: a run of gosan. Jenkins and GitLab show suites as groups, and the programs are the tests. */
static void render(const struct report *r, FILE *out, bool color)
{
	struct tests t = {.a = r->arena};
	struct xml x;

	(void)color;
	if (r->gate)
		collect_gate(r, &t);
	else
		collect_run(r, &t);
	if (xml_begin(&x, r->arena) != 0)
		return;
	xmlTextWriterSetIndent(x.w, 1);
	xmlTextWriterStartDocument(x.w, "1.0", "UTF-8", NULL);
	xml_open(&x, "testsuites");
	xml_attr(&x, "name", "gosan");
	add_counts(&x, &t, false);
	xml_open(&x, "testsuite");
	xml_attr(&x, "name", "gosan");
	add_counts(&x, &t, true);
	add_properties(&x, r);
	for (size_t i = 0; i < t.n; i++)
		add_case(&x, r, &t.list[i]);
	xml_close(&x);
	xml_close(&x);
	xmlTextWriterEndDocument(x.w);
	xml_finish(&x, out);
}

const struct render_ops render_junit = {"junit", render};
