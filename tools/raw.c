/* SPDX-License-Identifier: Apache-2.0
 *
 * raw.c: raw streams to reports.
 *
 * A stream is written by a process that may die at any moment, so only the last line may be broken. The
 * reader trusts nothing: a missing or wrongly typed member counts as empty, a line that is no JSON object
 * and not the last is an error that names it. A "start" in the middle of a file is an exec: what follows
 * belongs to a new image with other modules.
 *
 * Readers of files from dying processes are a place for fuzzing: nothing here depends on a length, a count
 * or an order that the file claims. Memory is bounded by the size of the file times a small constant.
 */
#include "raw.h"

#include "finding.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const counter_names[COUNTER_COUNT] = {
#define X(name, text) #name,
	GOSAN_COUNTERS(X)
#undef X
};
const char *const counter_texts[COUNTER_COUNT] = {
#define X(name, text) text,
	GOSAN_COUNTERS(X)
#undef X
};

/* The names of all kinds, from the table that the analyzers use: code and kind can never disagree. */
static const struct kind {
	const char *code, *kind, *check;
} kinds[] = {
#define X(code, kind, check, grade, text) {"GS" #code, kind, check},
	GOSAN_FINDINGS(X)
#undef X
};

/* p is the image that the lines belong to: the one of the last "start". */
struct reader {
	struct report *r;
	struct process *p;
};

/* A copy in the arena; "" for what is missing or no string, so that nobody downstream checks for NULL. */
static const char *string(struct reader *rd, const json_t *o, const char *name)
{
	return arena_strdup(rd->r->arena, json_string_value(json_object_get(o, name)));
}

/* Negative numbers have no meaning in any member; they count as missing. */
static uint64_t number(const json_t *o, const char *name)
{
	json_int_t v = json_integer_value(json_object_get(o, name));

	return v < 0 ? 0 : (uint64_t)v;
}

/* Addresses are hex strings, because JSON numbers lose bits above 2^53 in many readers. */
static uint64_t hex_value(const json_t *v)
{
	const char *s = json_string_value(v);

	return s ? strtoull(s, NULL, 16) : (uint64_t)json_integer_value(v);
}

static uint64_t hex(const json_t *o, const char *name)
{
	return hex_value(json_object_get(o, name));
}

static const char **strings(struct reader *rd, const json_t *o, const char *name, size_t *ret_n)
{
	const json_t *array = json_object_get(o, name);
	size_t n = json_array_size(array);
	const char **list = arena_alloc(rd->r->arena, (n + 1) * sizeof *list);

	for (size_t i = 0; i < n; i++)
		list[i] = arena_strdup(rd->r->arena, json_string_value(json_array_get(array, i)));
	*ret_n = n;
	return list;
}

/* Addresses only; frames come later, and only for findings that are looked at. */
static void stack(struct reader *rd, const json_t *o, const char *name, struct stack *ret)
{
	const json_t *array = json_object_get(o, name);

	ret->n_pcs = json_array_size(array);
	ret->pcs = arena_alloc(rd->r->arena, ret->n_pcs * sizeof *ret->pcs);
	for (size_t i = 0; i < ret->n_pcs; i++)
		ret->pcs[i] = hex_value(json_array_get(array, i));
}

/* alloc_offset 0 is a good offset; absent is -1. */
static void object(struct reader *rd, const json_t *o, struct object *ret)
{
	const json_t *offset = json_object_get(o, "alloc_offset");

	ret->kind = string(rd, o, "kind");
	ret->name = ret->stable_name = string(rd, o, "name");
	ret->address = hex(o, "address");
	ret->size = number(o, "size");
	ret->of = number(o, "of");
	ret->of_t = number(o, "of_t");
	ret->block_size = number(o, "block_size");
	ret->alloc_offset = json_is_integer(offset) ? (int64_t)json_integer_value(offset) : -1;
	stack(rd, o, "created", &ret->created);
}

/* A lock of a participant is an object whose `created` is the stack of its acquisition. */
static void part(struct reader *rd, const json_t *o, struct part *ret)
{
	const json_t *locks = json_object_get(o, "locks");

	ret->role = string(rd, o, "role");
	ret->name = string(rd, o, "name");
	ret->fn = string(rd, o, "fn");
	ret->op = string(rd, o, "op");
	ret->g = number(o, "g");
	ret->t = number(o, "t");
	ret->size = number(o, "size");
	ret->created_by = number(o, "created_by");
	ret->created_by_t = number(o, "created_by_t");
	stack(rd, o, "stack", &ret->stack);
	stack(rd, o, "created", &ret->created);
	ret->n_locks = json_array_size(locks);
	ret->locks = arena_alloc(rd->r->arena, ret->n_locks * sizeof *ret->locks);
	for (size_t i = 0; i < ret->n_locks; i++) {
		const json_t *l = json_array_get(locks, i);

		object(rd, l, &ret->locks[i]);
		stack(rd, l, "stack", &ret->locks[i].created);
	}
}

static void story(struct reader *rd, const json_t *o, struct finding *f)
{
	const json_t *steps = json_object_get(o, "story");

	f->n_steps = json_array_size(steps);
	f->steps = arena_alloc(rd->r->arena, f->n_steps * sizeof *f->steps);
	for (size_t i = 0; i < f->n_steps; i++) {
		const json_t *s = json_array_get(steps, i);

		f->steps[i].g = number(s, "g");
		f->steps[i].t = number(s, "t");
		f->steps[i].pc = hex(s, "pc");
		f->steps[i].text = string(rd, s, "text");
	}
}

/* A code that this version does not know is shown all the same, as its own kind. */
static void classify(struct finding *f)
{
	f->kind = f->check = f->code;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].code, f->code) == 0) {
			f->kind = kinds[i].kind;
			f->check = kinds[i].check;
		}
}

/* Findings of all processes stand in one list, in the order in which they were written. */
static void on_finding(struct reader *rd, const json_t *o)
{
	struct report *r = rd->r;
	struct finding *f = arena_alloc(r->arena, sizeof *f);
	const json_t *parts = json_object_get(o, "participants");

	f->key = number(o, "key");
	f->code = string(rd, o, "code");
	f->grade = string(rd, o, "grade");
	f->title = string(rd, o, "title");
	f->why = string(rd, o, "why");
	f->help = string(rd, o, "help");
	f->reproduce = "";
	f->count = 1;
	f->ns = number(o, "ns");
	f->process = rd->p;
	classify(f);
	object(rd, json_object_get(o, "object"), &f->object);
	f->n_parts = json_array_size(parts);
	f->parts = arena_alloc(r->arena, f->n_parts * sizeof *f->parts);
	for (size_t i = 0; i < f->n_parts; i++)
		part(rd, json_array_get(parts, i), &f->parts[i]);
	story(rd, o, f);
	r->findings = arena_grow(r->arena, r->findings, r->n_findings, sizeof(struct finding *));
	r->findings[r->n_findings++] = f;
}

/* Keys are unique within one image. The count is a total, not an increment; a smaller one is stale. */
static void on_again(struct reader *rd, const json_t *o)
{
	uint64_t key = number(o, "key"), count = number(o, "count");

	for (size_t i = 0; i < rd->r->n_findings; i++) {
		struct finding *f = rd->r->findings[i];

		if (f->process == rd->p && f->key == key && count > f->count)
			f->count = count;
	}
}

/* What is left of the count; the finding stays listed until the image is read, since it may come again. */
static void on_taken_back(struct reader *rd, const json_t *o)
{
	uint64_t key = number(o, "key");

	for (size_t i = 0; i < rd->r->n_findings; i++)
		if (rd->r->findings[i]->process == rd->p && rd->r->findings[i]->key == key)
			rd->r->findings[i]->count = number(o, "count");
}

/* `why` stays empty until an end is read: that is how a killed process is recognised. */
static void on_start(struct reader *rd, const json_t *o)
{
	struct report *r = rd->r;
	struct process *p = arena_alloc(r->arena, sizeof *p);

	p->pid = (pid_t)number(o, "pid");
	p->ppid = (pid_t)number(o, "ppid");
	p->program = string(rd, o, "program");
	p->cwd = string(rd, o, "cwd");
	p->options = string(rd, o, "options");
	p->argv = strings(rd, o, "argv", &p->n_argv);
	p->why = "";
	r->processes = arena_grow(r->arena, r->processes, r->n_processes, sizeof(struct process *));
	r->processes[r->n_processes++] = p;
	rd->p = p;
}

/* Modules are never removed: a finding may refer to a library that was unloaded since. */
static void on_module(struct reader *rd, const json_t *o)
{
	struct process *p = rd->p;

	p->modules = arena_grow(rd->r->arena, p->modules, p->n_modules, sizeof *p->modules);
	p->modules[p->n_modules++] = (struct module){
		.path = string(rd, o, "path"),
		.build_id = string(rd, o, "build_id"),
		.base = hex(o, "base"),
		.start = hex(o, "start"),
		.end = hex(o, "end"),
		.instrumented = json_is_true(json_object_get(o, "instrumented")),
		.own_tsan = json_is_true(json_object_get(o, "own_tsan")),
		.go = json_is_true(json_object_get(o, "go")),
	};
}

static void on_dump(struct reader *rd, const json_t *o)
{
	struct process *p = rd->p;
	struct dump *d;

	p->dumps = arena_grow(rd->r->arena, p->dumps, p->n_dumps, sizeof *p->dumps);
	d = &p->dumps[p->n_dumps++];
	*d = (struct dump){.g = number(o, "g"), .t = number(o, "t")};
	d->name = string(rd, o, "name");
	d->state = string(rd, o, "state");
	d->detail = string(rd, o, "detail");
	stack(rd, o, "stack", &d->stack);
	stack(rd, o, "created", &d->created);
}

/* Counters by name: a library of another version may have more or fewer of them. */
static void on_end(struct reader *rd, const json_t *o)
{
	struct process *p = rd->p;
	const json_t *counters = json_object_get(o, "counters");

	p->why = string(rd, o, "why");
	p->status = (int)json_integer_value(json_object_get(o, "status"));
	p->not_checked = strings(rd, o, "not_checked", &p->n_not_checked);
	for (size_t i = 0; i < COUNTER_COUNT; i++)
		p->counters[i] = number(counters, counter_names[i]);
}

/* Of a process that will have no end line: a killed one, from its recording. */
static void on_not_checked(struct reader *rd, const json_t *o)
{
	rd->p->not_checked = strings(rd, o, "list", &rd->p->n_not_checked);
	rd->p->status = (int)json_integer_value(json_object_get(o, "status"));
}

/* A row for each record of the format in finding.h. */
static const struct {
	const char *name;
	void (*fn)(struct reader *, const json_t *);
} records[] = {
	{"start", on_start},
	{"module", on_module},
	{"finding", on_finding},
	{"again", on_again},
	{"dump", on_dump},
	{"end", on_end},
	{"taken_back", on_taken_back},
	{"not_checked", on_not_checked},
};

/* Records of a kind that this version doesn't know are skipped: the format may grow. */
static int record(struct reader *rd, const json_t *o)
{
	const char *name = json_string_value(json_object_get(o, "r"));

	if (!name)
		return -EBADMSG;
	if (!rd->p && strcmp(name, "start") != 0)
		return -EBADMSG;
	if (strcmp(name, "start") == 0 && number(o, "v") != 1)
		return -EPROTO;
	for (size_t i = 0; i < sizeof records / sizeof *records; i++)
		if (strcmp(records[i].name, name) == 0)
			records[i].fn(rd, o);
	return 0;
}

/* One sentence that names file and line; the caller knows what the file was for. */
static int explain(int error, const char *path, size_t line, char *err, size_t err_size)
{
	if (error == -EPROTO)
		snprintf(err, err_size, "%s:%zu: written by another version of gosan", path, line);
	else if (error == -EBADMSG)
		snprintf(err, err_size, "%s:%zu: not a line of a gosan stream", path, line);
	else
		snprintf(err, err_size, "%s: %s", path, strerror(-error));
	return error;
}

/* A last line without its line end was torn by the death of its writer, and so may be one with a line
 * end but broken inside. A first line that isn't even the beginning of an object is another kind of
 * file. */
static int read_lines(struct reader *rd, FILE *in, const char *path, char *err, size_t err_size)
{
	char *text = NULL;
	size_t room = 0, line = 0;
	ssize_t n;
	int error = 0;

	/* One character of look-ahead tells whether this is the last line, which alone may be broken. */
	while (!error && (n = getline(&text, &room, in)) > 0) {
		line++;
		if (text[n - 1] != '\n') {
			error = line == 1 && *text != '{' ? -EBADMSG : 0;
			break;
		}
		json_t *o = json_loadb(text, (size_t)n, JSON_ALLOW_NUL, NULL);
		int next = getc(in);
		bool last = next == EOF;

		if (!last)
			ungetc(next, in);
		if (json_is_object(o))
			error = record(rd, o);
		else if (!last || line == 1)
			error = -EBADMSG;
		json_decref(o);
	}
	free(text);
	if (!error && ferror(in))
		error = -EIO;
	return error ? explain(error, path, line, err, err_size) : 0;
}

/* What was taken back altogether never was. */
static void drop_taken_back(struct report *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n_findings; i++)
		if (r->findings[i]->count)
			r->findings[kept++] = r->findings[i];
	r->n_findings = kept;
}

/* May be called for several files: processes and findings add up. */
int raw_read_file(struct report *r, const char *path, char *err, size_t err_size)
{
	struct reader rd = {.r = r};
	FILE *in = fopen(path, "re");

	if (!in)
		return explain(-errno, path, 0, err, err_size);
	int error = read_lines(&rd, in, path, err, err_size);
	fclose(in);
	drop_taken_back(r);
	return error;
}

/* A process that was killed left no "end"; its counter page is still good. */
static void read_counter_page(struct process *p, const char *path)
{
	struct gosan_counters page;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	/* A page of another version has another size: then there are no counters, which is better than
	 * wrong ones. */
	if (read(fd, &page, sizeof page) == (ssize_t)sizeof page)
		memcpy(p->counters, &page, sizeof page);
	close(fd);
}

_Static_assert(sizeof(struct gosan_counters) == sizeof(uint64_t) * COUNTER_COUNT, "one word per counter");

/* Counter pages and strangers are skipped. */
static int is_raw(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');

	return dot && strcmp(dot, ".raw") == 0;
}

/* The page lies beside the stream, under its name, and belongs to the last image in it. */
int raw_read_pair(struct report *r, const char *path, const char *counters, char *err, size_t err_size)
{
	size_t before = r->n_processes;
	int error = raw_read_file(r, path, err, err_size);

	if (!error && r->n_processes > before && !*r->processes[r->n_processes - 1]->why)
		read_counter_page(r->processes[r->n_processes - 1], counters);
	return error;
}

/* In the order of process ids, so that the order of findings is that of the processes' starts, mostly. */
int raw_read_dir(struct report *r, const char *dir, char *err, size_t err_size)
{
	struct dirent **names;
	int n = scandir(dir, &names, is_raw, versionsort), error = 0;

	if (n < 0)
		return explain(-errno, dir, 0, err, err_size);
	for (int i = 0; i < n; i++) {
		char path[4096], page[4096];
		int stem = (int)strlen(names[i]->d_name) - 4;

		snprintf(path, sizeof path, "%s/%s", dir, names[i]->d_name);
		snprintf(page, sizeof page, "%s/%.*s.ctr", dir, stem, names[i]->d_name);
		if (!error)
			error = raw_read_pair(r, path, page, err, err_size);
		free(names[i]);
	}
	free(names);
	if (!error && r->n_processes == 0) {
		snprintf(err, err_size, "%s: no gosan stream in this directory", dir);
		return -ENODATA;
	}
	return error;
}

/* A report lives in its own arena, and ends with it. */
struct report *raw_report_new(void)
{
	struct arena *a = arena_new();
	struct report *r = arena_alloc(a, sizeof *r);

	r->arena = a;
	return r;
}

void raw_report_free(struct report *r)
{
	if (r)
		arena_free(r->arena);
}
