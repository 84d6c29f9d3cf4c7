/* SPDX-License-Identifier: Apache-2.0
 *
 * sarif_rules.c: one reportingDescriptor (3.49) for each kind of finding, found in this run or not: a viewer
 * then knows what was looked for. The help is the page of gosan explain, so the two cannot differ.
 */
#include "sarif.h"

#include "explain.h"
#include "finding.h"

#include <ctype.h>
#include <string.h>

static const struct row {
	const char *code, *kind, *check, *meaning;
	enum gosan_grade grade;
} rows[] = {
#define X(code, kind, check, grade, text) {"GS" #code, kind, check, text, GOSAN_##grade},
	GOSAN_FINDINGS(X)
#undef X
};
#define N_ROWS (sizeof rows / sizeof *rows)

json_t *sarif_message(struct arena *a, const char *text, const char *markdown)
{
	json_t *o = json_object();

	json_object_set_new(o, "text", sarif_text(a, text));
	if (markdown)
		json_object_set_new(o, "markdown", sarif_text(a, markdown));
	return o;
}

/* A stream of a newer library may have codes that this table lacks; such a result goes without a rule. */
int sarif_rule_index(const char *code)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (strcmp(rows[i].code, code) == 0)
			return (int)i;
	return -1;
}

/* "DataRace" of "data-race": names of rules are Pascal case by the standard's advice (3.49.7). */
static const char *pascal(struct arena *a, const char *kind)
{
	char *name = arena_strdup(a, kind), *to = name;

	for (const char *c = kind; *c; c++)
		if (*c != '-')
			*to++ = c == kind || c[-1] == '-' ? (char)toupper((unsigned char)*c) : *c;
	*to = '\0';
	return name;
}

/* GitHub sorts alerts by precision and severity. What follows from the happens-before relation alone is as
 * precise as a finding can be. */
static json_t *properties(const struct row *row)
{
	static const char *const precision[] = {"very-high", "high", "medium"};
	json_t *o = json_object(), *tags = json_array();

	json_array_append_new(tags, json_string("concurrency"));
	json_array_append_new(tags, json_string(row->check));
	json_object_set_new(o, "tags", tags);
	json_object_set_new(o, "precision", json_string(precision[row->grade]));
	json_object_set_new(o, "problem.severity",
			    json_string(row->grade == GOSAN_PROVED ? "error" : "warning"));
	return o;
}

/* Without the pages (half an installation) a rule has its one line and no more. */
static json_t *rule(struct arena *a, const struct row *row)
{
	const char *path, *page = explain_page(a, row->code, &path), *summary = row->meaning;
	json_t *o = json_object(), *level = json_object();

	if (page && *explain_summary(a, page))
		summary = explain_summary(a, page);
	json_object_set_new(level, "level", json_string(row->grade == GOSAN_PROVED ? "error" : "warning"));
	json_object_set_new(o, "id", json_string(row->code));
	json_object_set_new(o, "name", sarif_text(a, pascal(a, row->kind)));
	json_object_set_new(o, "shortDescription", sarif_message(a, row->meaning, NULL));
	json_object_set_new(
		o, "fullDescription",
		sarif_message(a, arena_strndup(a, summary, strnlen(summary, SARIF_TEXT_MAX)), NULL));
	json_object_set_new(o, "help", sarif_message(a, page ? page : summary, page ? page : summary));
	json_object_set_new(o, "defaultConfiguration", level);
	json_object_set_new(o, "properties", properties(row));
	return o;
}

/* All of them, also those whose check was off: ruleIndex then is the row in finding.h, in every file. */
json_t *sarif_rules(struct arena *a)
{
	json_t *array = json_array();

	for (size_t i = 0; i < N_ROWS; i++)
		json_array_append_new(array, rule(a, &rows[i]));
	return array;
}
