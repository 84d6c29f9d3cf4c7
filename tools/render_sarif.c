/* SPDX-License-Identifier: Apache-2.0
 *
 * render_sarif.c: the report as a SARIF 2.1.0 file, for GitHub's code scanning and for editors.
 *
 * One run: the tool with all its rules, the invocation, the findings. What the detector could not see is no
 * result but a notification of the invocation (3.20.21), so that an empty list of results cannot be taken
 * for more than it is. The shape is the OASIS standard's; the limits are GitHub's (sarif.h), and what they
 * cost is a notification, too.
 */
#include "baseline.h"
#include "options.h"
#include "render.h"
#include "sarif.h"
#include "verdict.h"
#include "words.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define SCHEMA "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

/* --- Notifications -------------------------------------------------------------------------------------- */

/* Descriptors of what a notification can be about (3.19.24). */
static const struct notice {
	const char *id, *meaning;
} notices[] = {
	{"GOSAN/blind", "The run cannot be called clean: too little was seen, or it was cut short."},
	{"GOSAN/lost", "Something was seen and could not be kept; a finding may be missing."},
	{"GOSAN/not-checked", "Part of the program was not watched."},
	{"GOSAN/stale", "An entry of the baseline that no finding matched: repaired, or not run."},
	{"GOSAN/limit", "The file would have become too large; something was left out."},
};
enum { BLIND, LOST, NOT_CHECKED, STALE, LIMIT };

/* Full description and help repeat the one sentence: GitHub requires both of every descriptor. */
static json_t *descriptors(struct arena *a)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof notices / sizeof *notices; i++) {
		json_t *o = json_object();

		json_object_set_new(o, "id", json_string(notices[i].id));
		json_object_set_new(o, "shortDescription", sarif_message(a, notices[i].meaning, NULL));
		json_object_set_new(o, "fullDescription", sarif_message(a, notices[i].meaning, NULL));
		json_object_set_new(o, "help", sarif_message(a, notices[i].meaning, NULL));
		json_array_append_new(list, o);
	}
	return list;
}

/* The index saves readers the search by id (3.52.5). */
static void notify(struct arena *a, json_t *list, int which, const char *level, const char *text)
{
	json_t *o = json_object(), *descriptor = json_object();

	json_object_set_new(descriptor, "id", json_string(notices[which].id));
	json_object_set_new(descriptor, "index", json_integer(which));
	json_object_set_new(o, "descriptor", descriptor);
	json_object_set_new(o, "level", json_string(level));
	json_object_set_new(o, "message", sarif_message(a, text, NULL));
	json_array_append_new(list, o);
}

/* In the order of gravity: what makes the verdict worthless first. */
static json_t *notifications(const struct report *r, uint64_t left_out, uint64_t cut)
{
	struct arena *a = r->arena;
	json_t *list = json_array();

	if (r->verdict == VERDICT_BLIND)
		notify(a, list, BLIND, "error", verdict_line(r));
	for (size_t i = 0; i < COUNTER_COUNT; i++)
		if (strstr(counter_names[i], "lost") && r->counters[i])
			notify(a, list, LOST, "warning",
			       arena_printf(a, "%s %s", verdict_number(a, r->counters[i]), counter_texts[i]));
	for (size_t i = 0; i < r->n_not_checked; i++)
		notify(a, list, NOT_CHECKED, "note", arena_printf(a, "not checked: %s", r->not_checked[i]));
	for (size_t i = 0; r->baseline && i < r->baseline->n; i++)
		if (!r->baseline->entries[i].hits)
			notify(a, list, STALE, "note",
			       arena_printf(a, "stale entry of the baseline: %s %s %s",
					    r->baseline->entries[i].fingerprint, r->baseline->entries[i].code,
					    r->baseline->entries[i].title));
	if (left_out)
		notify(a, list, LIMIT, "warning",
		       arena_printf(a, "%s findings were left out: a file may have %s of them and %u MB",
				    verdict_number(a, left_out), verdict_number(a, SARIF_RESULTS_MAX),
				    SARIF_BYTES_MAX >> 20));
	if (cut)
		notify(a, list, LIMIT, "note",
		       arena_printf(a, "%s locations were left out: a result may have %d of them",
				    verdict_number(a, cut), SARIF_LOCATIONS_MAX));
	return list;
}

/* --- The run -------------------------------------------------------------------------------------------- */

/* A directory: with a slash at its end, else what is relative to it would replace its last part (3.14.14). */
static json_t *base_uri(struct arena *a)
{
	char cwd[4096];
	const char *root = gosan_options.source_root;

	if (!root || !*root)
		root = getcwd(cwd, sizeof cwd) ? cwd : "/";
	return sarif_text(a, words_file_uri(a, arena_printf(a, "%s%s", root,
							    root[strlen(root) - 1] == '/' ? "" : "/")));
}

/* No informationUri and no helpUri: a rule's help is in the file, and a link could lead to another version's. */
static json_t *tool(struct arena *a)
{
	json_t *o = json_object(), *driver = json_object();

	json_object_set_new(driver, "name", json_string("gosan"));
	json_object_set_new(driver, "fullName", json_string("gosan " GOSAN_VERSION));
	json_object_set_new(driver, "semanticVersion", json_string(GOSAN_VERSION));
	json_object_set_new(driver, "rules", sarif_rules(a));
	json_object_set_new(driver, "notifications", descriptors(a));
	json_object_set_new(o, "driver", driver);
	return o;
}

/* exitCode is that of gosan, which is the process that made this file. */
static json_t *invocation(const struct report *r, json_t *notes)
{
	struct arena *a = r->arena;
	json_t *o = json_object(), *arguments = json_array();

	for (size_t i = 1; r->main && i < r->main->n_argv; i++)
		json_array_append_new(arguments, sarif_text(a, r->main->argv[i]));
	json_object_set_new(o, "commandLine", sarif_text(a, words_command(r)));
	json_object_set_new(o, "arguments", arguments);
	json_object_set_new(o, "executionSuccessful", json_boolean(r->verdict != VERDICT_BLIND));
	json_object_set_new(o, "exitCode", json_integer(verdict_exit(r)));
	json_object_set_new(o, "exitCodeDescription", sarif_text(a, verdict_line(r)));
	json_object_set_new(o, "toolExecutionNotifications", notes);
	return o;
}

/* Uploads of one category replace each other; each program is a category of its own (3.17.3: the part after
 * the last slash would name the single run, and is empty). */
static json_t *automation(const struct report *r)
{
	const char *path = r->main ? r->main->program : "", *slash = strrchr(path, '/');
	json_t *o = json_object();

	json_object_set_new(
		o, "id",
		sarif_text(r->arena, arena_printf(r->arena, "gosan/%.200s/", slash ? slash + 1 : path)));
	return o;
}

/* The same names as in the JSON report. */
static json_t *counters(const struct report *r)
{
	json_t *o = json_object();

	for (size_t i = 0; i < COUNTER_COUNT; i++)
		json_object_set_new(o, counter_names[i], json_integer((json_int_t)r->counters[i]));
	return o;
}

/* The result when it fits: its length is known only after it was made. */
static bool add_result(const struct report *r, json_t *list, const struct finding *f, size_t *bytes,
		       uint64_t *cut)
{
	uint64_t lost = 0;
	json_t *o = sarif_result(r, f, &lost);
	size_t n = json_dumpb(o, NULL, 0, JSON_INDENT(1));

	if (json_array_size(list) == SARIF_RESULTS_MAX || *bytes + n > SARIF_BYTES_MAX) {
		json_decref(o);
		return false;
	}
	*bytes += n;
	*cut += lost;
	json_array_append_new(list, o);
	return true;
}

/* Errors before warnings, and suppressed ones last: should the file get full, the least is lost. */
static json_t *results(const struct report *r, uint64_t *left_out, uint64_t *cut)
{
	json_t *list = json_array();
	size_t bytes = 0;

	for (int pass = 0; pass < 3; pass++)
		for (size_t i = 0; i < r->n_findings; i++) {
			const struct finding *f = r->findings[i];
			int rank = f->suppressed ? 2 : strcmp(words_level(f), "error") != 0;

			if (f->folded || rank != pass)
				continue;
			if (*left_out || !add_result(r, list, f, &bytes, cut))
				++*left_out;
		}
	return list;
}

/* Notifications come after the results, since they count what those left out. */
static void render(const struct report *r, FILE *out, bool color)
{
	json_t *o = json_object(), *runs = json_array(), *run = json_object(), *bases = json_object();
	json_t *properties = json_object(), *invocations = json_array();
	uint64_t left_out = 0, cut = 0;
	json_t *found = results(r, &left_out, &cut);

	(void)color;
	json_array_append_new(invocations, invocation(r, notifications(r, left_out, cut)));
	json_object_set_new(bases, "SRCROOT", json_pack("{s:o}", "uri", base_uri(r->arena)));
	json_object_set_new(properties, "verdict", sarif_text(r->arena, verdict_line(r)));
	json_object_set_new(properties, "counters", counters(r));
	json_object_set_new(run, "tool", tool(r->arena));
	json_object_set_new(run, "automationDetails", automation(r));
	json_object_set_new(run, "invocations", invocations);
	json_object_set_new(run, "originalUriBaseIds", bases);
	json_object_set_new(run, "columnKind", json_string("unicodeCodePoints"));
	json_object_set_new(run, "results", found);
	json_object_set_new(run, "properties", properties);
	json_array_append_new(runs, run);
	json_object_set_new(o, "$schema", json_string(SCHEMA));
	json_object_set_new(o, "version", json_string("2.1.0"));
	json_object_set_new(o, "runs", runs);
	json_dumpf(o, out, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	fputc('\n', out);
	json_decref(o);
}

const struct render_ops render_sarif = {"sarif", render};
