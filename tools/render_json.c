/* SPDX-License-Identifier: Apache-2.0
 *
 * render_json.c: the report for machines, schema gosan/1. Every member of the schema is always there; an
 * unknown text is "", an unknown number 0. Members may be added to counters, nowhere else; what only a gate or a
 * baseline has to say stands in members that only their reports have.
 *
 * jansson escapes and checks; we only say what is there. A name that is no valid UTF-8 would make the
 * whole document invalid, so it is replaced by its ASCII part.
 */
#include "baseline.h"
#include "gate.h"
#include "render.h"
#include "suppress.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static json_t *text(const char *s)
{
	json_t *v = json_string(s);

	/* Names come from foreign programs: what is no UTF-8 is shown as far as it is ASCII. */
	if (!v) {
		char clean[512];
		size_t n = 0;

		for (; *s && n < sizeof clean - 1; s++)
			clean[n++] = (unsigned char)*s < 0x80 ? *s : '?';
		clean[n] = '\0';
		v = json_string(clean);
	}
	return v;
}

/* Counters stay below 2^63; ids are small. */
static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

/* Addresses are strings, as in the stream. */
static json_t *address(uint64_t n)
{
	return json_sprintf("0x%" PRIx64, n);
}

static json_t *texts(const char *const *list, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, text(list[i]));
	return array;
}

/* Unsymbolized frames have empty names and a module with an offset: enough for later symbolization. */
static json_t *frames(const struct stack *st)
{
	json_t *array = json_array();

	for (size_t i = 0; i < st->n; i++) {
		const struct frame *f = &st->frames[i];
		json_t *o = json_object();

		json_object_set_new(o, "function", text(f->function));
		json_object_set_new(o, "file", text(f->file));
		json_object_set_new(o, "line", number(f->line));
		json_object_set_new(o, "column", number(f->column));
		json_object_set_new(o, "inlined", json_boolean(f->inlined));
		json_object_set_new(o, "module", text(f->module));
		json_object_set_new(o, "offset", address(f->offset));
		json_array_append_new(array, o);
	}
	return array;
}

/* Only what the schema lists. The address is 0x0 when there is none. */
static json_t *object(const struct object *object)
{
	json_t *o = json_object();

	json_object_set_new(o, "kind", text(object->kind));
	json_object_set_new(o, "name", text(object->name));
	json_object_set_new(o, "address", address(object->address));
	json_object_set_new(o, "size", number(object->size));
	json_object_set_new(o, "created_at", frames(&object->created));
	return o;
}

/* A lock without a name is told by its kind and address. */
static json_t *locks(const struct part *p)
{
	json_t *array = json_array();

	for (size_t i = 0; i < p->n_locks; i++) {
		const struct object *l = &p->locks[i];

		json_array_append_new(array, *l->name ? text(l->name)
						      : json_sprintf("%s 0x%" PRIx64, l->kind, l->address));
	}
	return array;
}

/* Thread and goroutine are both there; 0 is "none". */
static json_t *participants(const struct finding *f)
{
	json_t *array = json_array();

	for (size_t i = 0; i < f->n_parts; i++) {
		const struct part *p = &f->parts[i];
		json_t *o = json_object();

		json_object_set_new(o, "role", text(p->role));
		json_object_set_new(o, "goroutine", number(p->g));
		json_object_set_new(o, "thread", number(p->t));
		json_object_set_new(o, "name", text(p->name));
		json_object_set_new(o, "op", text(p->op));
		json_object_set_new(o, "size", number(p->size));
		json_object_set_new(o, "locks", locks(p));
		json_object_set_new(o, "stack", frames(&p->stack));
		json_object_set_new(o, "created_by", number(p->created_by));
		json_object_set_new(o, "created_at", frames(&p->created));
		json_array_append_new(array, o);
	}
	return array;
}

/* The order of members is that of the documentation; json_object keeps it. */
static json_t *finding(const struct finding *f)
{
	json_t *o = json_object();

	json_object_set_new(o, "code", text(f->code));
	json_object_set_new(o, "kind", text(f->kind));
	json_object_set_new(o, "grade", text(f->grade));
	json_object_set_new(o, "title", text(f->title));
	json_object_set_new(o, "fingerprint", text(f->fingerprint));
	json_object_set_new(o, "count", number(f->count));
	json_object_set_new(o, "object", object(&f->object));
	json_object_set_new(o, "participants", participants(f));
	json_object_set_new(o, "why", text(f->why));
	json_object_set_new(o, "help", text(f->help));
	json_object_set_new(o, "reproduce", text(f->reproduce));
	return o;
}

/* Of a gate: which command lines showed it, in how many of the repetitions. */
static json_t *seen(const struct report *r, const struct finding *f)
{
	json_t *o = json_object(), *array = json_array();

	for (size_t i = 0; i < r->gate->n_rows; i++) {
		const struct gate_row *g = r->gate->rows[i];

		if (gate_row_shows(g, f))
			json_array_append_new(array,
					      text(gate_command(r->arena, g->program, g->argv, g->n_argv)));
	}
	json_object_set_new(o, "runs", number(gate_runs_of(f)));
	json_object_set_new(o, "of", number(r->gate->runs));
	json_object_set_new(o, "processes", array);
	return o;
}

static json_t *counters(const struct report *r)
{
	json_t *o = json_object();

	for (size_t i = 0; i < COUNTER_COUNT; i++)
		json_object_set_new(o, counter_names[i], number(r->counters[i]));
	/* Of this report, after folding; the streams' own count is that before. */
	json_object_set_new(o, "findings", number(r->n_shown));
	json_object_set_new(o, "suppressed", number(r->n_suppressed));
	json_object_set_new(o, "baselined", number(r->n_baselined));
	return o;
}

/* Suppressed findings leave only their number in the counters. */
static json_t *findings(const struct report *r)
{
	json_t *array = json_array();

	for (size_t i = 0; i < r->n_findings; i++)
		if (!r->findings[i]->suppressed && !r->findings[i]->folded)
			json_array_append_new(array, finding(r->findings[i]));
	for (size_t i = 0, k = 0; r->gate && i < r->n_findings; i++)
		if (!r->findings[i]->suppressed && !r->findings[i]->folded)
			json_object_set_new(json_array_get(array, k++), "seen", seen(r, r->findings[i]));
	return array;
}

/* What "gosan baseline" needs of a finding that is known already. */
static json_t *baselined(const struct report *r)
{
	json_t *array = json_array();

	for (size_t i = 0; i < r->n_findings; i++) {
		const struct finding *f = r->findings[i];
		json_t *o;

		if (!f->baselined || f->folded)
			continue;
		json_array_append_new(array, o = json_object());
		json_object_set_new(o, "code", text(f->code));
		json_object_set_new(o, "title", text(f->title));
		json_object_set_new(o, "fingerprint", text(f->fingerprint));
		json_object_set_new(o, "count", number(f->count));
	}
	return array;
}

/* Entries of the baseline that nothing showed. */
static json_t *stale(const struct report *r)
{
	json_t *array = json_array();

	for (size_t i = 0; i < r->baseline->n; i++)
		if (!r->baseline->entries[i].hits)
			json_array_append_new(array, text(r->baseline->entries[i].fingerprint));
	return array;
}

/* A row of the gate: all processes of one command line, or of one program that showed nothing to check. */
static json_t *row(const struct gate_row *g)
{
	json_t *o = json_object(), *array = json_array();
	const char *verdict = g->n_findings ? "findings" : g->checked ? "clean" : "blind";

	for (size_t i = 0; i < g->n_findings; i++)
		json_array_append_new(array, text(g->findings[i]->fingerprint));
	json_object_set_new(o, "program", text(g->program));
	json_object_set_new(o, "argv", texts(g->argv, g->n_argv));
	json_object_set_new(o, "verdict",
			    json_string(g->crashed || g->killed || g->timed_out
						? (g->n_findings ? verdict : "blind")
						: verdict));
	json_object_set_new(o, "exit_status", number((uint64_t)g->status));
	json_object_set_new(o, "count", number(g->processes));
	json_object_set_new(o, "crashed", number(g->crashed));
	json_object_set_new(o, "killed", number(g->killed));
	json_object_set_new(o, "timed_out", number(g->timed_out));
	json_object_set_new(o, "events", number(g->counters[COUNTER_events]));
	json_object_set_new(o, "accesses", number(g->counters[COUNTER_accesses]));
	json_object_set_new(o, "findings", array);
	return o;
}

static json_t *suppressions(const struct report *r)
{
	json_t *array = json_array();

	for (size_t i = 0; i < r->n_suppressions; i++) {
		const struct suppression *s = &r->suppressions[i];
		json_t *o = json_object();

		json_array_append_new(array, o);
		json_object_set_new(o, "file", text(s->file));
		json_object_set_new(o, "line", number(s->line));
		json_object_set_new(o, "suppression", json_sprintf("%s:%s", s->type, s->pattern));
		json_object_set_new(o, "hits", number(s->hits));
		json_object_set_new(o, "expires", text(s->expires));
		json_object_set_new(o, "expired", json_boolean(s->expired));
	}
	return array;
}

static void add_gate(json_t *o, const struct report *r)
{
	const struct gate *g = r->gate;
	json_t *processes = json_array(), *unseen = json_array();

	for (size_t i = 0; i < g->n_rows; i++)
		json_array_append_new(processes, row(g->rows[i]));
	for (size_t i = 0; i < g->n_unseen; i++)
		json_array_append_new(unseen, text(g->unseen[i].path));
	json_object_set_new(o, "runs", number(g->runs));
	json_object_set_new(o, "processes", processes);
	json_object_set_new(o, "unseen", unseen);
	json_object_set_new(o, "suppressions", suppressions(r));
	if (r->baseline)
		json_object_set_new(o, "stale", stale(r));
}

/* One object per run, whatever the number of processes; program and argv are those of the first. */
static void render(const struct report *r, FILE *out, bool color)
{
	/* In the order of enum verdict. */
	static const char *const verdicts[] = {"clean", "findings", "blind"};
	json_t *o = json_object();

	(void)color;
	json_object_set_new(o, "schema", json_string("gosan/1"));
	json_object_set_new(o, "program", text(r->main ? r->main->program : ""));
	json_object_set_new(o, "argv", texts(r->main ? r->main->argv : NULL, r->main ? r->main->n_argv : 0));
	json_object_set_new(o, "verdict", json_string(verdicts[r->verdict]));
	json_object_set_new(o, "exit_status", number((uint64_t)r->exit_status));
	json_object_set_new(o, "counters", counters(r));
	json_object_set_new(o, "not_checked", texts(r->not_checked, r->n_not_checked));
	json_object_set_new(o, "findings", findings(r));
	if (r->baseline)
		json_object_set_new(o, "baselined", baselined(r));
	if (r->gate)
		add_gate(o, r);
	json_dumpf(o, out, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	fputc('\n', out);
	json_decref(o);
}

const struct render_ops render_json = {"json", render};
