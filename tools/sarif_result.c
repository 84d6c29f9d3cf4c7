/* SPDX-License-Identifier: Apache-2.0
 *
 * sarif_result.c: one finding as a result (3.27).
 *
 *   message            title, who did what where (links into relatedLocations), why
 *   locations          one: where a reader should look first
 *   relatedLocations   the other participants, locks held, births of goroutines and of the object
 *   codeFlows          one, with a threadFlow for each goroutine; executionOrder ties them together
 *   stacks             of the participants
 *   fingerprints       ours; GitHub reads primaryLocationLineHash and nothing else, so it stands there, too
 */
#include "sarif.h"

#include "gate.h"
#include "objname.h"
#include "resolve.h"
#include "suppress.h"
#include "words.h"

#include <inttypes.h>
#include <string.h>

#define FRAMES_MAX 32 /* of a stack; deeper ones are recursion or a framework */

json_t *sarif_text(struct arena *a, const char *text)
{
	return json_string(words_clean(a, text));
}

/* --- Locations ----------------------------------------------------------------------------------------- */

/* A file of the sources is named relative to SRCROOT (3.14.14), so that the repository's viewer finds it. A
 * frame without a line is an address in a module. */
static json_t *physical(struct arena *a, const struct frame *f)
{
	json_t *o = json_object(), *artifact = json_object();
	bool line = *f->file && f->line;
	const char *uri = words_uri(a, line ? f->file : *f->module ? f->module : "unknown");

	json_object_set_new(artifact, "uri", sarif_text(a, uri));
	if (line && words_inside(a, f))
		json_object_set_new(artifact, "uriBaseId", json_string("SRCROOT"));
	json_object_set_new(o, "artifactLocation", artifact);
	if (line) {
		unsigned column = f->column ? f->column : 1;

		/* One character wide: the debug information knows where a statement begins, not where it
		 * ends. */
		json_object_set_new(o, "region",
				    json_pack("{s:i,s:i,s:i,s:i}", "startLine", (int)f->line, "startColumn",
					      (int)column, "endLine", (int)f->line, "endColumn",
					      (int)column + 1));
	} else {
		json_object_set_new(o, "address",
				    json_pack("{s:I,s:s}", "relativeAddress", (json_int_t)f->offset, "kind",
					      "instruction"));
	}
	return o;
}

/* id < 0: none; text NULL: none. */
static json_t *location(struct arena *a, const struct frame *f, int id, const char *text)
{
	json_t *o = json_object();

	if (id >= 0)
		json_object_set_new(o, "id", json_integer(id));
	json_object_set_new(o, "physicalLocation", physical(a, f));
	if (*f->function) {
		json_t *logical = json_object(), *list = json_array();

		json_object_set_new(logical, "fullyQualifiedName", sarif_text(a, f->function));
		json_object_set_new(logical, "kind", json_string("function"));
		json_array_append_new(list, logical);
		json_object_set_new(o, "logicalLocations", list);
	}
	if (text)
		json_object_set_new(o, "message", sarif_message(a, text, NULL));
	return o;
}

/* relatedLocations under construction; ids are positions. */
struct related {
	struct arena *a;
	json_t *list;
	uint64_t cut;
};

/* Its id, or -1 when there is no room. */
static int relate(struct related *r, const struct frame *f, const char *text)
{
	size_t n = json_array_size(r->list);

	/* The primary location counts, too. */
	if (n + 1 >= SARIF_LOCATIONS_MAX) {
		r->cut++;
		return -1;
	}
	json_array_append_new(r->list, location(r->a, f, (int)n, text));
	return (int)n;
}

/* Where it was created and where it took its locks: what one wants to click at after the access itself. */
static void relate_part(struct related *r, const struct part *p)
{
	const char *who = resolve_who(r->a, p->g, p->t, p->name);
	const struct frame *made = words_frame(r->a, &p->created);

	if (made)
		relate(r, made, arena_printf(r->a, "%s was created here", who));
	for (size_t i = 0; i < p->n_locks; i++) {
		const struct frame *at = words_frame(r->a, &p->locks[i].created);

		if (at)
			relate(r, at,
			       arena_printf(r->a, "%s took %s here", who, objname_label(r->a, &p->locks[i])));
	}
}

/* --- The message --------------------------------------------------------------------------------------- */

/* "foo[abi:cxx11](int)" would be taken for a link (3.11.6). */
static const char *unlinked(struct arena *a, const char *text)
{
	const char *out = "";

	for (const char *at; (at = strstr(text, "](")) != NULL; text = at + 1)
		out = arena_printf(a, "%s%.*s ", out, (int)(at - text) + 1, text);
	return arena_printf(a, "%s%s", out, text);
}

/* Title, a clause for each participant with a link to its place, why. The title comes first and ends with a
 * stop: viewers with little room show the first sentence (3.11.3). */
static const char *message(struct related *r, const struct finding *f)
{
	struct arena *a = r->a;
	const char *text = arena_printf(a, "%s.", unlinked(a, f->title)), *join = " ";

	for (size_t i = 0; i < f->n_parts; i++) {
		const struct part *p = &f->parts[i];
		const struct frame *at = words_frame(a, &p->stack);
		const char *what = words_part(a, f, p);
		int id = at ? relate(r, at, what) : -1;

		text = arena_printf(a, "%s%s%s", text, join, unlinked(a, what));
		if (id >= 0)
			text = arena_printf(a, "%s at [%s](%d)", text, resolve_place(a, at), id);
		join = "; ";
	}
	return arena_printf(a, "%s%s %s.", text, f->n_parts ? "." : "", unlinked(a, f->why));
}

/* --- Flows and stacks ----------------------------------------------------------------------------------- */

/* Steps that are about the finding itself carry an arrow. */
static json_t *flow_location(struct arena *a, const struct step *s, size_t order)
{
	json_t *o = json_object();

	json_object_set_new(o, "location", location(a, &s->at, -1, s->text));
	json_object_set_new(o, "executionOrder", json_integer((json_int_t)order + 1));
	json_object_set_new(o, "importance", json_string(strstr(s->text, "<--") ? "essential" : "important"));
	return o;
}

/* The id names the goroutine as everywhere else in the report, so that a reader finds it in the message. */
static json_t *thread_flow(struct arena *a, const char *who, json_t *locations)
{
	json_t *o = json_object();

	json_object_set_new(o, "id", sarif_text(a, who));
	json_object_set_new(o, "message", sarif_message(a, who, NULL));
	json_object_set_new(o, "locations", locations);
	return o;
}

/* Has an earlier step, or an earlier participant, the same goroutine? */
static bool told(const struct finding *f, size_t n_steps, size_t n_parts, uint64_t g, uint64_t t)
{
	for (size_t i = 0; i < n_steps; i++)
		if (f->steps[i].g == g && f->steps[i].t == t)
			return true;
	for (size_t i = 0; i < n_parts; i++)
		if (f->parts[i].g == g && f->parts[i].t == t && f->parts[i].stack.n)
			return true;
	return false;
}

/* The column of the goroutine that takes step number `first`. */
static json_t *column(struct arena *a, const struct finding *f, size_t first)
{
	json_t *locations = json_array();
	const struct step *mine = &f->steps[first];

	for (size_t i = first; i < f->n_steps && i < SARIF_STEPS_MAX; i++)
		if (f->steps[i].g == mine->g && f->steps[i].t == mine->t)
			json_array_append_new(locations, flow_location(a, &f->steps[i], i));
	return thread_flow(a, words_step_who(a, f, mine), locations);
}

/* A participant that has no step in the story still has its place. */
static json_t *lone(struct arena *a, const struct finding *f, const struct part *p)
{
	json_t *locations = json_array(), *o = json_object();

	json_object_set_new(o, "location", location(a, words_frame(a, &p->stack), -1, words_deed(a, f, p)));
	json_object_set_new(o, "importance", json_string("essential"));
	json_array_append_new(locations, o);
	return thread_flow(a, resolve_who(a, p->g, p->t, p->name), locations);
}

/* One flow, a thread flow for each goroutine (3.36, 3.37). */
static json_t *flows(struct arena *a, const struct finding *f)
{
	json_t *list = json_array(), *flow = json_object(), *threads = json_array();

	for (size_t i = 0; i < f->n_steps && i < SARIF_STEPS_MAX; i++)
		if (!told(f, i, 0, f->steps[i].g, f->steps[i].t))
			json_array_append_new(threads, column(a, f, i));
	for (size_t i = 0; i < f->n_parts; i++)
		if (f->parts[i].stack.n && !told(f, f->n_steps, i, f->parts[i].g, f->parts[i].t))
			json_array_append_new(threads, lone(a, f, &f->parts[i]));
	if (json_array_size(threads)) {
		json_object_set_new(flow, "message", sarif_message(a, f->title, NULL));
		json_object_set(flow, "threadFlows", threads);
		json_array_append(list, flow);
	}
	json_decref(threads);
	json_decref(flow);
	return list;
}

/* Inlined calls are frames of their own, in the order of a debugger: the innermost first (3.44.3). */
static json_t *stacks(struct arena *a, const struct finding *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->n_parts; i++) {
		const struct part *p = &f->parts[i];
		json_t *o = json_object(), *frames = json_array();

		for (size_t k = 0; k < p->stack.n && k < FRAMES_MAX; k++) {
			json_t *frame = json_object();

			json_object_set_new(frame, "location", location(a, &p->stack.frames[k], -1, NULL));
			json_object_set_new(frame, "module", sarif_text(a, p->stack.frames[k].module));
			json_array_append_new(frames, frame);
		}
		json_object_set_new(o, "message",
				    sarif_message(a, resolve_who(a, p->g, p->t, p->name), NULL));
		json_object_set_new(o, "frames", frames);
		/* Stacks are a set: two participants that stand at one place in one goroutine are one. */
		bool again = false;
		for (size_t k = 0; k < json_array_size(list); k++)
			again |= json_equal(json_array_get(list, k), o);
		if (again)
			json_decref(o);
		else
			json_array_append_new(list, o);
	}
	return list;
}

/* --- The result ----------------------------------------------------------------------------------------- */

/* Only a person's decision suppresses; it stands outside of the sources, hence "external" (3.35.2). With a
 * baseline each result says whether it was known. */
static void set_suppression(json_t *o, const struct report *r, const struct finding *f)
{
	const char *by = f->baselined ? "known to the baseline" : "matched by the suppressions file";

	json_object_set_new(o, "suppressions",
			    f->suppressed ? json_pack("[{s:s,s:s}]", "kind", "external", "justification", by)
					  : json_array());
	if (r->baseline)
		json_object_set_new(o, "baselineState", json_string(f->baselined ? "unchanged" : "new"));
}

/* In how many repetitions a gate saw it tells a flaky finding from a steady one. */
static void set_properties(const struct report *r, json_t *o, const struct finding *f)
{
	struct arena *a = r->arena;
	json_t *p = json_object();

	json_object_set_new(p, "kind", sarif_text(a, f->kind));
	json_object_set_new(p, "grade", sarif_text(a, f->grade));
	json_object_set_new(p, "help", sarif_text(a, f->help));
	if (*f->object.kind || f->object.address)
		json_object_set_new(p, "where", sarif_text(a, words_where(a, f)));
	json_object_set_new(p, "reproduce", sarif_text(a, f->reproduce));
	json_object_set_new(p, "suppress", sarif_text(a, suppress_line(a, f)));
	if (r->gate && r->gate->runs > 1)
		json_object_set_new(
			p, "seen",
			sarif_text(a, arena_printf(a, "in %u of %u runs", gate_runs_of(f), r->gate->runs)));
	json_object_set_new(o, "properties", p);
}

/* The number after the colon tells equal hashes of one file apart; ours are never equal (folding sees to that). */
static void set_identity(struct arena *a, json_t *o, const struct finding *f)
{
	json_t *ours = json_object(), *partial = json_object();

	json_object_set_new(ours, "gosan/v1", sarif_text(a, f->fingerprint));
	json_object_set_new(partial, "primaryLocationLineHash",
			    sarif_text(a, arena_printf(a, "%s:1", f->fingerprint)));
	json_object_set_new(o, "fingerprints", ours);
	json_object_set_new(o, "partialFingerprints", partial);
	/* An exclusive count is what the standard asks for; ours is that. */
	json_object_set_new(o, "occurrenceCount", json_integer((json_int_t)(f->count ? f->count : 1)));
}

/* The message goes first, since its links take the first ids of the related locations: the participants' own places
 * are then the last to be cut. A result without any place still needs a location, or GitHub refuses the file. */
json_t *sarif_result(const struct report *report, const struct finding *f, uint64_t *ret_cut)
{
	static const struct frame nowhere = {.function = "", .file = "", .module = ""};
	struct arena *a = report->arena;
	struct related r = {.a = a, .list = json_array()};
	json_t *o = json_object(), *locations = json_array();
	const struct part *part;
	const struct frame *at = words_primary(a, f, &part), *birth = words_frame(a, &f->object.created);
	int rule = sarif_rule_index(f->code);

	json_object_set_new(o, "ruleId", sarif_text(a, f->code));
	if (rule >= 0)
		json_object_set_new(o, "ruleIndex", json_integer(rule));
	json_object_set_new(o, "kind", json_string("fail"));
	json_object_set_new(o, "level", json_string(words_level(f)));
	json_object_set_new(o, "message", sarif_message(a, message(&r, f), NULL));
	json_array_append_new(locations,
			      location(a, at ? at : &nowhere, -1, part ? words_deed(a, f, part) : NULL));
	json_object_set_new(o, "locations", locations);
	for (size_t i = 0; i < f->n_parts; i++)
		relate_part(&r, &f->parts[i]);
	if (birth)
		relate(&r, birth, words_where(a, f));
	json_object_set_new(o, "relatedLocations", r.list);
	json_object_set_new(o, "codeFlows", flows(a, f));
	json_object_set_new(o, "stacks", stacks(a, f));
	set_identity(a, o, f);
	set_suppression(o, report, f);
	set_properties(report, o, f);
	*ret_cut += r.cut + (f->n_steps > SARIF_STEPS_MAX ? f->n_steps - SARIF_STEPS_MAX : 0);
	return o;
}
