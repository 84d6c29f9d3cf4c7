/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_dump.c: gosan dump TRACE: the events of a recording as text, in an order that could have been.
 *
 *	     41  goroutine 7 "worker"    chan send       chan jobs, slot 2              pool.c:31 worker
 *
 * No times and no addresses where there are names, so that the dumps of two runs can be compared. A line has the number
 * of its event in the whole recording, which filters don't change. --last counts in a first pass and prints in a
 * second; --by-goroutine keeps lines until the end; all else goes out as it is read.
 */
#include "options.h"
#include "prepare.h"
#include "resolve.h"
#include "tool.h"
#include "tracewords.h"

#include "../runtime/probe.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Of a sort; a program that makes command lines may give many. */
#define FILTERS_MAX 64
/* What stands between the operation and the place: some names long. */
#define PART_MAX 256
/* A dump has millions of short lines. */
#define OUTPUT_BUFFER ((size_t)1 << 18)

/* What was asked for. */
struct job {
	const char *path;                 /* of the recording */
	bool stacks;                      /* below each line */
	bool grouped;                     /* by goroutine */
	bool all;                         /* bookkeeping as well */
	uint64_t last;                    /* 0: all */
	size_t n_who, n_objects, n_ops;   /* filters in use */
	const char *who[FILTERS_MAX];     /* "7", "g7", "t2" */
	const char *objects[FILTERS_MAX]; /* names and addresses */
	const char *ops[FILTERS_MAX];     /* words of the dump */
};

/* One process. */
struct dumper {
	const struct job *job;
	struct arena *a; /* for names and lines that are kept */
	struct trace *t;
	struct tracewords *w;
	uint64_t n;     /* events so far */
	uint64_t *seen; /* by actor: how many went through the filters */
	struct lines {
		size_t n;
		const char **line;
	} * lines;   /* --by-goroutine: by actor */
	size_t room; /* of both tables: a place for each row, and 0 for nobody */
};

enum { GOROUTINE = 0x100, OBJECT, OP, LAST, STACKS, GROUPED, ALL };
static const struct argp_option options[] = {
	{"goroutine", GOROUTINE, "N", 0, "only goroutine N, or thread tN; repeatable", 0},
	{"object", OBJECT, "NAME", 0, "only events on the object of that name or address; repeatable", 0},
	{"op", OP, "WORD", 0, "only such events: lock, 'chan send', access, ...; repeatable", 0},
	{"last", LAST, "N", 0, "only the last N events of each goroutine", 0},
	{"by-goroutine", GROUPED, NULL, 0, "goroutine after goroutine, instead of in one order", 0},
	{"all", ALL, NULL, 0, "also what only keeps the books: births of objects, memory given out", 0},
	{"stacks", STACKS, NULL, 0, "the whole stack of each event", 0},
	{0},
};

/* --- Operations ------------------------------------------------------------------------------------------- */

/* What the words of the two tables leave open: several records are a "lock". */
static const char *op_detail(unsigned op)
{
	switch (op) {
	case GOSAN_TRACE_REQUEST:
	case GOSAN_TRACE_EVENT + GOSAN_EV_LOCK_REQUEST:
		return "asks for ";
	case GOSAN_TRACE_EVENT + GOSAN_EV_WG_WAITED:
	case GOSAN_TRACE_EVENT + GOSAN_EV_COND_WAITED:
	case GOSAN_TRACE_EVENT + GOSAN_EV_ONCE_RETURN:
	case GOSAN_TRACE_EVENT + GOSAN_EV_BARRIER_PASSED:
		return "done with ";
	}
	return "";
}

/* Only accesses have a size and a direction; blocks have places as well, but are no accesses. */
static bool is_access(unsigned op)
{
	return op == GOSAN_TRACE_ACCESS;
}

/* What people call it: reads and writes are not "access" to them. */
static const char *op_word(const struct gosan_trace_rec *r)
{
	if (!is_access(r->op))
		return trace_op_text(r->op);
	if (r->mode & 2)
		return r->mode & 1 ? "atomic write" : "atomic read";
	return r->mode & 1 ? "write" : "read";
}

/* A misspelt word would show an empty dump, which looks like an answer. */
static bool is_word(const char *word)
{
	static const char *const accesses[] = {"access", "write", "read", "atomic write", "atomic read"};

	for (size_t i = 0; i < sizeof accesses / sizeof *accesses; i++)
		if (strcmp(word, accesses[i]) == 0)
			return true;
	for (unsigned op = 1; op < GOSAN_TRACE_EVENT + GOSAN_EV_COUNT; op++)
		if ((op < GOSAN_TRACE_OTHERS || op >= GOSAN_TRACE_EVENT) &&
		    strcmp(word, trace_op_text(op)) == 0)
			return true;
	return false;
}

/* Words that several records share stand in the list several times, which changes no distance. */
static const char *nearest(const char *word)
{
	const char *names[GOSAN_TRACE_EVENT + GOSAN_EV_COUNT + 4] = {"read", "write", "atomic read",
								     "atomic write"};
	size_t n = 4;

	for (unsigned op = 1; op < GOSAN_TRACE_EVENT + GOSAN_EV_COUNT; op++)
		if (op < GOSAN_TRACE_OTHERS || op >= GOSAN_TRACE_EVENT)
			names[n++] = trace_op_text(op);
	names[n] = NULL;
	return gosan_options_suggest(word, names);
}

/* --- The command line ------------------------------------------------------------------------------------- */

static void add_filter(struct argp_state *state, const char **list, size_t *n, const char *arg)
{
	if (*n == FILTERS_MAX)
		argp_error(state, "more than %d of a filter", FILTERS_MAX);
	list[(*n)++] = arg;
}

static void add_op(struct argp_state *state, struct job *job, const char *arg)
{
	const char *meant = is_word(arg) ? NULL : nearest(arg);

	if (meant)
		argp_error(state, "--op: no event is called '%s': did you mean '%s'?", arg, meant);
	if (!is_word(arg))
		argp_error(state, "--op: no event is called '%s'; the words are those of the dump", arg);
	add_filter(state, job->ops, &job->n_ops, arg);
}

/* "7" and "g7" are goroutines, "t2" is a thread. */
static void add_who(struct argp_state *state, struct job *job, const char *arg)
{
	const char *digits = strchr("gt", *arg) ? arg + 1 : arg;

	if (!*arg || !isdigit((unsigned char)*digits) || digits[strspn(digits, "0123456789")])
		argp_error(state, "--goroutine: '%s' is not N, and not tN for a thread", arg);
	add_filter(state, job->who, &job->n_who, arg);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct job *job = state->input;
	char *end;

	switch (key) {
	case GOROUTINE:
		add_who(state, job, arg);
		return 0;
	case OBJECT:
		add_filter(state, job->objects, &job->n_objects, arg);
		return 0;
	case OP:
		add_op(state, job, arg);
		return 0;
	case LAST:
		job->last = strtoull(arg, &end, 10);
		if (!isdigit((unsigned char)*arg) || *end || !job->last)
			argp_error(state, "--last: '%s' is not a number from 1", arg);
		return 0;
	case STACKS:
		job->stacks = true;
		return 0;
	case ALL:
		job->all = true;
		return 0;
	case GROUPED:
		job->grouped = true;
		return 0;
	}
	return prepare_recording(key, arg, state, &job->path);
}

/* --- Filters ---------------------------------------------------------------------------------------------- */

/* The filters of one sort are alternatives, those of different sorts all hold. A goroutine may be named with or without
 * its letter; a thread needs it. */
static bool wants_who(struct dumper *d, uint32_t number)
{
	const char *name = d->job->n_who ? tracewords_actor_short(d->w, number) : "";

	for (size_t i = 0; i < d->job->n_who; i++) {
		const char *who = d->job->who[i];

		if (strcmp(who, name) == 0 || (*name == 'g' && strcmp(who, name + 1) == 0))
			return true;
	}
	return !d->job->n_who;
}

/* By address, by name, or by kind and name as the dump writes it. Names are looked up once for each object. */
static bool is_object(struct dumper *d, uint32_t id, const char *word)
{
	const struct gosan_trace_object *row = trace_object(d->t, id);
	char *end;

	if (!row)
		return false;
	if (strncmp(word, "0x", 2) == 0 && strtoull(word, &end, 16) == row->addr && !*end)
		return true;
	return strcmp(word, tracewords_object_name(d->w, id)) == 0 ||
	       strcmp(word, tracewords_object(d->w, id)) == 0;
}

/* Memory has a name, too. */
static bool wants_object(struct dumper *d, const struct gosan_trace_rec *r)
{
	for (size_t i = 0; i < d->job->n_objects; i++) {
		const char *word = d->job->objects[i];
		char *end;

		if (is_object(d, r->obj, word) || is_object(d, r->obj2, word))
			return true;
		if (!r->addr)
			continue;
		if (strncmp(word, "0x", 2) == 0 && strtoull(word, &end, 16) == r->addr && !*end)
			return true;
		if (strcmp(word, tracewords_memory(d->w, r->addr, r->size)) == 0)
			return true;
	}
	return !d->job->n_objects;
}

/* What the program did not do itself. */
static bool is_bookkeeping(unsigned op)
{
	switch (op) {
	case GOSAN_TRACE_G_NEW:
	case GOSAN_TRACE_OBJ_NEW:
	case GOSAN_TRACE_OBJ_DEAD:
	case GOSAN_TRACE_SYSTEM_BEGIN:
	case GOSAN_TRACE_DROP:
	case GOSAN_TRACE_FORGET:
	case GOSAN_TRACE_ATOMIC_FORGET:
	case GOSAN_TRACE_BENIGN_FORGET:
	case GOSAN_TRACE_GONE:
		return true;
	}
	return false;
}

/* A word that is asked for is shown, also when it is one of bookkeeping. */
static bool wants_op(const struct job *job, const struct gosan_trace_rec *r)
{
	for (size_t i = 0; i < job->n_ops; i++)
		if (strcmp(job->ops[i], op_word(r)) == 0 || strcmp(job->ops[i], trace_op_text(r->op)) == 0)
			return true;
	return !job->n_ops && (job->all || !is_bookkeeping(r->op));
}

/* The cheapest question first: names cost. */
static bool wants(struct dumper *d, const struct trace_event *e)
{
	return wants_op(d->job, &e->rec) && wants_who(d, e->g) && wants_object(d, &e->rec);
}

/* --- Lines ------------------------------------------------------------------------------------------------ */

__attribute__((format(printf, 2, 3))) static void add(char *text, const char *fmt, ...)
{
	size_t n = strlen(text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(text + n, PART_MAX - n, fmt, args);
	va_end(args);
}

/* The members whose meaning depends on the event. */
static void add_arguments(const struct gosan_trace_rec *r, char *text)
{
	switch (r->op) {
	case GOSAN_TRACE_EVENT + GOSAN_EV_G_PARK:
		add(text, "%s%s", *text ? ": " : "", tracewords_wait(r->arg));
		return;
	case GOSAN_TRACE_EVENT + GOSAN_EV_CHAN_MAKE:
		add(text, ", capacity %" PRId64, r->arg);
		return;
	case GOSAN_TRACE_EVENT + GOSAN_EV_CHAN_SEND:
	case GOSAN_TRACE_EVENT + GOSAN_EV_CHAN_RECV:
		add(text, ", slot %" PRId64, r->arg);
		return;
	case GOSAN_TRACE_EVENT + GOSAN_EV_WG_ADD:
		add(text, ", %+" PRId64 " makes %" PRId64, r->arg, r->arg2);
		return;
	case GOSAN_TRACE_EVENT + GOSAN_EV_CHAN_RECV_CLOSED:
		add(text, ", closed");
		return;
	case GOSAN_TRACE_EVENT + GOSAN_EV_COND_WAKE:
		add(text, "%s", r->mode & 1 ? ", all" : "");
		return;
	case GOSAN_TRACE_EVENT + GOSAN_EV_FAULT:
		add(text, "%s%.*s", *text ? ": " : "", (int)strcspn(r->text, "\n"), r->text);
		return;
	case GOSAN_TRACE_STORE:
		add(text, "%s", r->arg ? ", read-modify-write" : "");
		return;
	case GOSAN_TRACE_FINISH:
		add(text, "status %" PRId64, r->arg);
		return;
	}
}

/* The rows of trace.def and of event.def from REQUEST to RELEASE: their mode is that of a lock. */
static bool is_lock(unsigned op)
{
	return (op >= GOSAN_TRACE_REQUEST && op <= GOSAN_TRACE_RELEASE) ||
	       (op >= GOSAN_TRACE_EVENT + GOSAN_EV_LOCK_REQUEST &&
		op <= GOSAN_TRACE_EVENT + GOSAN_EV_LOCK_RELEASE);
}

/* An address of the stack says nothing, and is another one in each run. */
static const char *memory_name(struct dumper *d, uint32_t actor, const struct gosan_trace_rec *r)
{
	const struct gosan_trace_actor *row = trace_actor(d->t, actor);

	if (row && r->addr >= row->stack_lo && r->addr < row->stack_hi)
		return "its stack";
	return tracewords_memory(d->w, r->addr, r->size);
}

/* What it is about: objects, memory, another goroutine. */
static void describe(struct dumper *d, const struct trace_event *e, char *text)
{
	const struct gosan_trace_rec *r = &e->rec;

	*text = '\0';
	if (r->obj)
		add(text, "%s%s", op_detail(r->op), tracewords_object(d->w, r->obj));
	else if (r->addr)
		add(text, "%s", memory_name(d, e->g, r));
	if (r->size && r->addr)
		add(text, ", %" PRIu64 " byte%s", r->size, r->size == 1 ? "" : "s");
	if (is_lock(r->op))
		add(text, "%s%s", r->mode & GO_LOCK_READ ? ", for reading" : "",
		    r->mode & GO_LOCK_TRY ? ", tried" : "");
	if (r->obj2)
		add(text, "%s%s", *text ? ", with " : "with ", tracewords_object(d->w, r->obj2));
	if (r->peer)
		add(text, "%s%s", *text ? ", " : "", tracewords_actor(d->w, r->peer));
	add_arguments(r, text);
}

/* Indented below the line, so that the dump can still be read and cut by columns. */
static const char *stack_text(struct dumper *d, const struct stack *s)
{
	const char *text = "";

	for (size_t i = 0; i < s->n; i++)
		text = arena_printf(d->a, "%s             #%zu %s %s\n", text, i,
				    resolve_function(&s->frames[i]), resolve_place(d->a, &s->frames[i]));
	return text;
}

/* The number, who, what, on what, where: columns for the eye, with two blanks at least between them for programs. */
static void print_line(struct dumper *d, const struct trace_event *e, FILE *out)
{
	const struct gosan_trace_rec *r = &e->rec;
	bool is_place = tracewords_is_place(r->op);
	const char *at = tracewords_where(d->w, r->stack, is_place);
	char what[PART_MAX];

	describe(d, e, what);
	fprintf(out, "%7" PRIu64 "  %-24s %-16s %s%s", d->n, tracewords_actor(d->w, e->g), op_word(r), what,
		e->gap ? " (something before is missing)" : "");
	if (at)
		fprintf(out, "%*s  %s", strlen(what) < 36 ? 36 - (int)strlen(what) : 0, "", at);
	fputc('\n', out);
	if (d->job->stacks)
		fputs(stack_text(d, tracewords_stack(d->w, r->stack, is_place)), out);
}

/* --- Passes ----------------------------------------------------------------------------------------------- */

/* An actor that has no row is nobody: 0. */
static uint32_t whose(struct dumper *d, const struct trace_event *e)
{
	return e->g < d->room ? e->g : 0;
}

/* A line for later, with its stack. */
static void keep(struct dumper *d, const struct trace_event *e)
{
	struct lines *l = &d->lines[whose(d, e)];
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	print_line(d, e, out);
	fclose(out);
	l->line = arena_grow(d->a, l->line, l->n, sizeof *l->line);
	l->line[l->n++] = arena_strdup(d->a, text);
	free(text);
}

/* The first pass of --last: how many of each goroutine's events go through the filters. */
static void count_all(struct dumper *d, uint64_t *total)
{
	struct trace_event e;

	while (trace_next(d->t, &e) > 0)
		if (wants(d, &e))
			total[whose(d, &e)]++;
	trace_rewind(d->t);
}

/* In the order of their births, which is that of their rows. */
static void print_groups(const struct dumper *d)
{
	for (uint32_t i = 0; i < d->room; i++) {
		if (!d->lines[i].n)
			continue;
		printf("%s\n", tracewords_actor(d->w, i));
		for (size_t k = 0; k < d->lines[i].n; k++)
			fputs(d->lines[i].line[k], stdout);
	}
}

/* Filters look at the record, --last counts what they leave. */
static void run(struct dumper *d)
{
	uint64_t *total = arena_alloc(d->a, (d->room + 1) * sizeof *total);
	struct trace_event e;

	if (d->job->last)
		count_all(d, total);
	while (trace_next(d->t, &e) > 0) {
		d->n++;
		if (!wants(d, &e))
			continue;
		uint64_t before = d->seen[whose(d, &e)]++;
		if (d->job->last && before + d->job->last < total[whose(d, &e)])
			continue;
		if (d->job->grouped)
			keep(d, &e);
		else
			print_line(d, &e, stdout);
	}
	if (d->job->grouped)
		print_groups(d);
}

/* Each process has an arena and names of its own: modules lie elsewhere in each. What is missing is told at its end, when
 * the reader knows. 0, or the exit status. */
static int dump_process(const struct job *job, const char *path, bool alone)
{
	struct dumper d = {.job = job, .a = arena_new()};
	char err[TOOL_ERROR_MAX];
	int error = trace_open(&d.t, path, err, sizeof err);

	if (error) {
		tool_error("dump: %s", err);
		arena_free(d.a);
		return TOOL_UNREADABLE;
	}
	d.w = tracewords_new(d.a, d.t);
	d.room = trace_actor_room(d.t) + 1;
	d.seen = arena_alloc(d.a, d.room * sizeof *d.seen);
	d.lines = arena_alloc(d.a, d.room * sizeof *d.lines);
	if (!alone)
		printf("process %d: %s\n", (int)trace_info(d.t)->pid, trace_info(d.t)->program);
	run(&d);
	fflush(stdout);
	tracewords_loss(d.t, stderr, "gosan: dump: ");
	tracewords_free(d.w);
	trace_close(d.t);
	arena_free(d.a);
	return ferror(stdout) ? TOOL_INTERNAL : TOOL_OK;
}

/* A process that cannot be read doesn't keep the others from being shown; the status says that there was one. */
int cmd_dump(int argc, char **argv)
{
	struct job job = {0};
	const struct argp argp = {
		options, parse, "TRACE", "Print the events of a recording (gosan run --trace=TRACE) as text.",
		NULL,    NULL,  NULL};
	const struct argp_option *const tables[] = {options, NULL};
	struct trace_list list;
	char err[TOOL_ERROR_MAX];
	int status = prepare_words("dump", tables, argv);

	if (status >= 0)
		return status;
	argp_parse(&argp, argc, argv, 0, NULL, &job);
	setvbuf(stdout, NULL, _IOFBF, OUTPUT_BUFFER);
	if (trace_list_read(&list, job.path, err, sizeof err) != 0) {
		tool_error("dump: %s", err);
		return TOOL_UNREADABLE;
	}
	status = TOOL_OK;
	for (size_t i = 0; i < list.n; i++) {
		int one = dump_process(&job, list.path[i], list.n == 1);

		status = status ? status : one;
	}
	trace_list_free(&list);
	return status;
}
