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
#include "render.h"
#include "verdict.h"
#include "words.h"
#include "xml.h"

#include <inttypes.h>
#include <string.h>

/* One test: all processes of one program with the same arguments. */
struct test {
	const struct process *p;
	size_t failures;
};

struct tests {
	struct test *list;
	size_t n;
};

static bool same_test(const struct process *a, const struct process *b)
{
	if (strcmp(a->program, b->program) != 0 || a->n_argv != b->n_argv)
		return false;
	for (size_t i = 0; i < a->n_argv; i++)
		if (strcmp(a->argv[i], b->argv[i]) != 0)
			return false;
	return true;
}

/* Shells and other helpers of a test do nothing that is watched. */
static bool is_test(const struct report *r, const struct process *p)
{
	return p == r->main || p->counters[COUNTER_goroutines] || p->counters[COUNTER_accesses] ||
	       p->counters[COUNTER_events];
}

static struct test *test_of(struct tests *t, const struct process *p)
{
	for (size_t i = 0; i < t->n; i++)
		if (same_test(t->list[i].p, p))
			return &t->list[i];
	return NULL;
}

static struct test *test_add(const struct report *r, struct tests *t, const struct process *p)
{
	struct test *known = test_of(t, p);

	if (known)
		return known;
	t->list = arena_grow(r->arena, t->list, t->n, sizeof *t->list);
	t->list[t->n] = (struct test){.p = p};
	return &t->list[t->n++];
}

/* A finding makes its program a test, whatever was counted there. */
static struct tests collect(const struct report *r)
{
	struct tests t = {0};

	for (size_t i = 0; i < r->n_processes; i++)
		if (is_test(r, r->processes[i]))
			test_add(r, &t, r->processes[i]);
	for (size_t i = 0; i < r->n_findings; i++)
		if (words_shown(r->findings[i]))
			test_add(r, &t, r->findings[i]->process)->failures++;
	return t;
}

/* Dots separate packages for the readers of class names. */
static const char *class_name(struct arena *a, const struct process *p)
{
	const char *slash = strrchr(p->program, '/');

	return arena_printf(a, "gosan.%s", slash ? slash + 1 : p->program);
}

static const char *case_name(struct arena *a, const struct process *p)
{
	const char *slash = strrchr(p->program, '/'), *name = slash ? slash + 1 : p->program;

	for (size_t i = 1; i < p->n_argv; i++)
		name = arena_printf(a, "%s %s", name, p->argv[i]);
	return name;
}

/* --- What a case says -------------------------------------------------------------------------------------- */

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

static void add_word(struct xml *x, const char *element, const char *type, const char *message)
{
	xml_open(x, element);
	if (type)
		xml_attr(x, "type", "%s", type);
	xml_attr(x, "message", "%s", message);
	xml_void(x);
}

/* The verdict is one for the whole run; it stands with the program that was asked for. */
enum outcome { PASSED, FAILED, ERROR, SKIPPED };
static enum outcome outcome(const struct report *r, const struct test *t)
{
	if (t->p == r->main && (r->cut || r->exit_status))
		return ERROR;
	if (t->failures)
		return FAILED;
	return t->p == r->main && r->verdict == VERDICT_BLIND ? SKIPPED : PASSED;
}

static void add_outcome(struct xml *x, const struct report *r, const struct test *t)
{
	if (outcome(r, t) == ERROR)
		add_word(x, "error", r->cut ? "cut-short" : "exit-status",
			 r->cut ? r->cut
				: arena_printf(x->a, "the program's own status is %d", r->exit_status));
	else if (outcome(r, t) == SKIPPED)
		add_word(x, "skipped", NULL, verdict_line(r));
}

static void add_case(struct xml *x, const struct report *r, const struct test *t)
{
	size_t n = 0;

	xml_open(x, "testcase");
	xml_attr(x, "classname", "%s", class_name(x->a, t->p));
	xml_attr(x, "name", "%s", case_name(x->a, t->p));
	/* Jenkins' schema wants this order. */
	add_outcome(x, r, t);
	for (size_t i = 0; i < r->n_findings; i++)
		if (words_shown(r->findings[i]) && same_test(r->findings[i]->process, t->p))
			add_failure(x, r, r->findings[i], ++n, t->failures);
	if (t->p == r->main)
		xml_element(x, "system-err", NULL, verdict_line(r));
	xml_close(x);
}

/* --- The file ---------------------------------------------------------------------------------------------- */

/* Cases are counted, not their findings; a case is one of the three. */
static void add_counts(struct xml *x, const struct report *r, const struct tests *t, bool skipped)
{
	size_t n[4] = {0};

	for (size_t i = 0; i < t->n; i++)
		n[outcome(r, &t->list[i])]++;
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

static void render(const struct report *r, FILE *out, bool color)
{
	struct tests t = collect(r);
	struct xml x;

	(void)color;
	if (xml_begin(&x, r->arena) != 0)
		return;
	xmlTextWriterSetIndent(x.w, 1);
	xmlTextWriterStartDocument(x.w, "1.0", "UTF-8", NULL);
	xml_open(&x, "testsuites");
	xml_attr(&x, "name", "gosan");
	add_counts(&x, r, &t, false);
	xml_open(&x, "testsuite");
	xml_attr(&x, "name", "gosan");
	add_counts(&x, r, &t, true);
	add_properties(&x, r);
	for (size_t i = 0; i < t.n; i++)
		add_case(&x, r, &t.list[i]);
	xml_close(&x);
	xml_close(&x);
	xmlTextWriterEndDocument(x.w);
	xml_finish(&x, out);
}

const struct render_ops render_junit = {"junit", render};
