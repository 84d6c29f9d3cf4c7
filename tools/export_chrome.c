/* SPDX-License-Identifier: Apache-2.0
 *
 * export_chrome.c: a recording as Chrome's trace JSON, which Perfetto and chrome://tracing open.
 *
 *	goroutine 7 "worker"   | running |  chan receive  |ready| running |
 *	                                                  ^ arrow from whoever woke it
 *	OS thread 3            | main | worker  |   main            | worker |
 *
 * A lane (tid) for each goroutine or thread, and in programs with goroutines one for each thread of the system, with
 * whom it ran. Slices of a lane follow each other and none is empty, so they nest trivially; an arrow ("s" to "f", an id
 * of its own) begins within a slice of the waker and ends at the slice that the wake-up begins. Findings are instant
 * events on the lanes of all their participants.
 *
 * Times in a recording are those of the threads' own clocks and may stand a little before what caused them: on a lane
 * they never go back.
 */
#include "export.h"
#include "raw.h"
#include "replay.h"
#include "resolve.h"
#include "source.h"
#include "tmpdir.h"
#include "tracewords.h"
#include "words.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define THREAD_LANES 1000000u /* tids of the system's threads are above */
#define WAITS_SHOWN  4

/* A row of the picture. */
struct lane {
	uint64_t since;     /* ns at which its slice began, or its last one ended */
	const char *what;   /* name of the slice; NULL: none is open */
	const char *detail; /* on what it waits, or "" */
	const char *place;  /* where it does, or "" */
	bool named;         /* the lane's own name was written */
	bool blocked;       /* the slice is a wait */
	bool ready;         /* the slice is between a wake-up and the first thing it does */
};

struct chrome {
	struct export_job *x;
	struct tracewords *w;
	struct lane *actors;  /* by row */
	struct lane *streams; /* by number: what a thread of the system ran */
	size_t n_actors, n_streams;
	uint32_t *runs;   /* by stream: who */
	bool goroutines;  /* there are any, so streams get lanes */
	uint64_t last_ns; /* the latest time of all */
	uint64_t flows;   /* arrows so far: each has a number of its own, for a close wakes many */
	bool started;     /* something was written: a comma comes first */
};

/* --- JSON ------------------------------------------------------------------------------------------------- */

/* A string of JSON without its quotes. Names come from programs and from files: whatever is no text became "?", and no
 * control character is left but tab and line feed. */
static const char *escape(struct chrome *c, const char *text)
{
	const char *clean = words_clean(c->x->a, text);
	size_t n = strlen(clean);
	char *out = arena_alloc(c->x->a, 2 * n + 1), *at = out;

	for (; *clean; clean++) {
		if (strchr("\"\\\n\t", *clean))
			*at++ = '\\';
		*at++ = *clean == '\n' ? 'n' : *clean == '\t' ? 't' : *clean;
	}
	*at = '\0';
	return out;
}

/* Microseconds with all nanoseconds in them. */
#define TIME   "%" PRIu64 ".%03u"
#define AT(ns) (ns) / 1000, (unsigned)((ns) % 1000)
/* One process a file, so its number is the same in all events. */
#define PID(c) ((int)trace_info((c)->x->t)->pid)

/* JSON allows no comma after the last event, so each brings the one before it. */
static void begin(struct chrome *c)
{
	fputs(c->started ? ",\n" : "\n", c->x->out);
	c->started = true;
	c->x->n++;
}

/* Perfetto sorts lanes by this index: goroutines by their numbers, the system's threads below all of them. */
static void name_lane(struct chrome *c, uint32_t tid, const char *name)
{
	begin(c);
	fprintf(c->x->out,
		"{\"ph\":\"M\",\"pid\":%d,\"tid\":%u,\"name\":\"thread_name\",\"args\":{\"name\":\"%s\"}}",
		PID(c), tid, escape(c, name));
	begin(c);
	fprintf(c->x->out,
		"{\"ph\":\"M\",\"pid\":%d,\"tid\":%u,\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":"
		"%u}}",
		PID(c), tid, tid);
}

/* A complete event ("X") rather than a begin and an end: one line, and it cannot be left open when the file is cut. The
 * category lets a viewer colour what is blocked. */
static void write_slice(struct chrome *c, uint32_t tid, const struct lane *l, uint64_t end)
{
	begin(c);
	fprintf(c->x->out,
		"{\"ph\":\"X\",\"pid\":%d,\"tid\":%u,\"ts\":" TIME ",\"dur\":" TIME
		",\"name\":\"%s\",\"cat\":\"%s\","
		"\"args\":{\"on\":\"%s\",\"at\":\"%s\"}}",
		PID(c), tid, AT(l->since), AT(end - l->since), escape(c, l->what),
		l->blocked ? "blocked"
		: l->ready ? "ready"
			   : "running",
		escape(c, l->detail), escape(c, l->place));
}

/* --- Lanes ------------------------------------------------------------------------------------------------ */

/* What the lane shows from ns on; what NULL: nothing. Returns when it begins: not before its last slice ended, and
 * that has a nanosecond at least. */
static uint64_t change(struct chrome *c, struct lane *l, uint32_t tid, uint64_t ns, const char *what)
{
	if (l->what) {
		ns = ns > l->since ? ns : l->since + 1;
		write_slice(c, tid, l, ns);
	} else if (ns < l->since)
		ns = l->since;
	l->since = ns;
	l->what = what;
	l->detail = l->place = "";
	l->blocked = l->ready = false;
	if (ns > c->last_ns)
		c->last_ns = ns;
	return ns;
}

/* Named when it is first needed: a program of a million goroutines has lanes for those that did something. Row 0 is
 * for whoever has no row. */
static struct lane *lane_of(struct chrome *c, uint32_t actor)
{
	struct lane *l = &c->actors[actor < c->n_actors ? actor : 0];

	if (!l->named) {
		l->named = true;
		name_lane(c, (uint32_t)(l - c->actors), tracewords_actor(c->w, actor));
	}
	return l;
}

/* Does the lane show what goes on? The system acts for moments that nobody knows the ends of. */
static bool is_system(const struct chrome *c, uint32_t actor)
{
	const struct gosan_trace_actor *row = trace_actor(c->x->t, actor);

	return !row || row->flags & GOSAN_TRACE_SYSTEM;
}

/* It does something, so it runs. */
static void run(struct chrome *c, uint32_t actor, uint64_t ns)
{
	struct lane *l = lane_of(c, actor);

	if (!is_system(c, actor) && (!l->what || l->blocked || l->ready))
		change(c, l, (uint32_t)(l - c->actors), ns, "running");
}

/* A moment of the system, long enough to be seen. */
static uint64_t moment(struct chrome *c, uint32_t actor, uint64_t ns, const char *what)
{
	struct lane *l = lane_of(c, actor);
	uint32_t tid = (uint32_t)(l - c->actors);
	uint64_t begin_ns = change(c, l, tid, ns, what);

	change(c, l, tid, begin_ns + 1, NULL);
	return begin_ns;
}

/* Objects in the text of a park: how many, a flag, and numbers and operations as varints. */
static const char *waited_for(struct chrome *c, const struct gosan_trace_rec *r)
{
	const char *text = r->obj ? tracewords_object(c->w, r->obj) : "";
	size_t n = r->text_size > 1 ? (unsigned char)r->text[0] : 0, at = 2;

	for (size_t i = 0; !r->obj && i < n && at < r->text_size; i++) {
		uint64_t v[2] = {0, 0};

		for (size_t k = 0; k < 2; k++)
			for (unsigned shift = 0; at < r->text_size && shift < 63; shift += 7) {
				unsigned char byte = (unsigned char)r->text[at++];

				v[k] |= (uint64_t)(byte & 0x7f) << shift;
				if (!(byte & 0x80))
					break;
			}
		if (i == WAITS_SHOWN)
			return arena_printf(c->x->a, "%s, ...", text);
		if (v[0] && v[0] <= UINT32_MAX)
			text = arena_printf(c->x->a, "%s%s%s", text, *text ? ", " : "",
					    tracewords_object(c->w, (uint32_t)v[0]));
	}
	return text;
}

/* Blocked from here on, for this reason, on these objects or on this goroutine (a join), at this place. */
static void park(struct chrome *c, const struct trace_event *e)
{
	struct lane *l = lane_of(c, e->g);
	const char *at = tracewords_where(c->w, e->rec.stack, false);

	change(c, l, (uint32_t)(l - c->actors), e->ns, tracewords_wait(e->rec.arg));
	l->blocked = true;
	l->detail = waited_for(c, &e->rec);
	if (e->rec.peer)
		l->detail = tracewords_actor(c->w, e->rec.peer);
	l->place = at ? at : "";
}

/* "bp":"e" binds the end to the slice that is there, not to the next one that begins. */
static void write_flow(struct chrome *c, const char *phase, uint32_t tid, uint64_t ns, const char *what)
{
	begin(c);
	fprintf(c->x->out,
		"{\"ph\":\"%s\",\"pid\":%d,\"tid\":%u,\"ts\":" TIME ",\"id\":%" PRIu64
		",\"name\":\"%s\",\"cat\":\"wake-up\"%s}",
		phase, PID(c), tid, AT(ns), c->flows, what, *phase == 'f' ? ",\"bp\":\"e\"" : "");
}

/* An arrow from a to b; b's slice begins at its end. */
static void arrow(struct chrome *c, uint32_t a, uint32_t b, uint64_t ns, const char *what)
{
	struct lane *from = lane_of(c, a), *to = lane_of(c, b);
	uint64_t begins;

	if (is_system(c, a))
		ns = moment(c, a, ns, what);
	else if (ns < from->since)
		ns = from->since;
	begins = change(c, to, (uint32_t)(to - c->actors), ns, "ready");
	to->ready = true;
	c->flows++;
	write_flow(c, "s", (uint32_t)(from - c->actors), ns, what);
	write_flow(c, "f", (uint32_t)(to - c->actors), begins, what);
}

/* Threads say themselves that they woke. */
static void ready(struct chrome *c, const struct trace_event *e)
{
	uint32_t woken = e->rec.peer ? e->rec.peer : e->g;

	if (woken != e->g && !is_system(c, woken))
		arrow(c, e->g, woken, e->ns, "wakes");
	else
		run(c, woken, e->ns);
}

/* Nothing is shown after the end of a goroutine. */
static void end(struct chrome *c, uint32_t actor, uint64_t ns)
{
	struct lane *l = lane_of(c, actor);

	if (!is_system(c, actor))
		change(c, l, (uint32_t)(l - c->actors), ns, NULL);
}

/* Whom the system's thread runs. */
/* A stream is what one thread of the system did, or several in turn. When it lets go of a goroutine is not recorded, only
 * whom it runs next; so an idle thread shows its last one. */
static void occupy(struct chrome *c, const struct trace_event *e)
{
	if (!c->goroutines || e->stream >= c->n_streams || c->runs[e->stream] == e->runs)
		return;
	struct lane *l = &c->streams[e->stream];
	uint32_t tid = THREAD_LANES + e->stream;
	if (!l->named)
		name_lane(c, tid, arena_printf(c->x->a, "OS thread %u", e->stream));
	l->named = true;
	c->runs[e->stream] = e->runs;
	change(c, l, tid, e->ns, e->runs ? tracewords_actor(c->w, e->runs) : NULL);
}

/* Four kinds of events change a lane; any other of somebody who is on a thread says that it runs. What others do on its
 * behalf says nothing. */
static void record(struct chrome *c, const struct trace_event *e)
{
	unsigned op = e->rec.op;

	occupy(c, e);
	if (e->ns > c->last_ns)
		c->last_ns = e->ns;
	if (op == GOSAN_TRACE_EVENT + GOSAN_EV_G_SPAWN && e->rec.peer) {
		run(c, e->g, e->ns);
		arrow(c, e->g, e->rec.peer, e->ns, "go");
	} else if (op == GOSAN_TRACE_EVENT + GOSAN_EV_G_READY)
		ready(c, e);
	else if (op == GOSAN_TRACE_EVENT + GOSAN_EV_G_PARK)
		park(c, e);
	else if (op == GOSAN_TRACE_EVENT + GOSAN_EV_G_END)
		end(c, e->g, e->ns);
	else if (op == GOSAN_TRACE_GONE && e->rec.peer &&
		 !(e->rec.mode & (GOSAN_TRACE_GONE_DEAF | GOSAN_TRACE_GONE_BACK)))
		end(c, e->rec.peer, e->ns);
	else if (e->g && e->g == e->runs && op >= GOSAN_TRACE_REQUEST)
		run(c, e->g, e->ns);
}

/* --- Findings --------------------------------------------------------------------------------------------- */

/* Findings have the numbers that people see. Few findings, few participants: a walk will do. */
static uint32_t actor_of(const struct chrome *c, const struct part *p)
{
	for (uint32_t i = 1; i < c->n_actors; i++) {
		const struct gosan_trace_actor *row = trace_actor(c->x->t, i);

		if (row && !(row->flags & GOSAN_TRACE_SYSTEM) && row->id == p->g &&
		    (p->g || row->tid == p->t))
			return i;
	}
	return 0;
}

/* At the moment of the event at which it was found; judgements over the whole run at its end. */
static void pin(struct chrome *c, const struct finding *f)
{
	uint64_t start = trace_info(c->x->t)->start_ns;
	uint64_t ns = f->ns > start ? f->ns - start : c->last_ns;

	for (size_t i = 0; i < f->n_parts; i++) {
		uint32_t actor = actor_of(c, &f->parts[i]);

		if (!actor)
			continue;
		lane_of(c, actor);
		begin(c);
		fprintf(c->x->out,
			"{\"ph\":\"i\",\"s\":\"t\",\"pid\":%d,\"tid\":%u,\"ts\":" TIME ",\"name\":\"%s "
			"%s\",\"cat\":\"finding\",\"args\":{\"title\":\"%s\",\"role\":\"%s\",\"why\":\"%s\"}"
			"}",
			PID(c), actor, AT(ns), escape(c, f->code), escape(c, f->kind), escape(c, f->title),
			escape(c, f->parts[i].role), escape(c, f->why));
	}
}

/* The recording is replayed: what the run found is what this finds. */
static int pin_findings(struct chrome *c, char *err, size_t err_size)
{
	char dir[4096], path[4160], page[4160];
	struct report *r = raw_report_new();
	int error = tmpdir_make(dir, sizeof dir, "gosan-export");

	if (!error) {
		snprintf(path, sizeof path, "%s/0", dir);
		error = replay_process(c->x->process, path, err, err_size);
		snprintf(path, sizeof path, "%s/0.raw", dir);
		snprintf(page, sizeof page, "%s/0.ctr", dir);
		if (!error)
			error = raw_read_pair(r, path, page, err, err_size);
		tmpdir_remove(dir);
	} else
		snprintf(err, err_size, "%s: %s", dir, strerror(-error));
	if (!error)
		resolve_report(r);
	for (size_t i = 0; !error && i < r->n_findings; i++)
		pin(c, r->findings[i]);
	source_forget();
	raw_report_free(r);
	return error;
}

/* --- All of it -------------------------------------------------------------------------------------------- */

/* How many streams there are shows only in the records. A pthread program has its threads as lanes already. */
static void count_lanes(struct chrome *c)
{
	struct trace_event e;

	while (trace_next(c->x->t, &e) > 0)
		if (e.stream >= c->n_streams)
			c->n_streams = e.stream + 1;
	trace_rewind(c->x->t);
	for (uint32_t i = 1; i < c->n_actors; i++) {
		const struct gosan_trace_actor *row = trace_actor(c->x->t, i);

		c->goroutines |= row && row->id;
	}
}

/* What was going on at the end of the recording goes on to the end of the picture: who never woke is seen at once. */
static void close_lanes(struct chrome *c)
{
	uint64_t ns = c->last_ns + 1;

	for (uint32_t i = 0; i < c->n_actors; i++)
		if (c->actors[i].what)
			change(c, &c->actors[i], i, ns, NULL);
	for (uint32_t i = 0; i < c->n_streams; i++)
		if (c->streams[i].what)
			change(c, &c->streams[i], THREAD_LANES + i, ns, NULL);
}

/* Events need no order in the file: viewers sort by time. So findings come last, when all lanes are known. */
int export_chrome(struct export_job *x, char *err, size_t err_size)
{
	struct chrome c = {.x = x, .w = tracewords_new(x->a, x->t), .n_actors = trace_actor_room(x->t) + 1};
	struct trace_event e;
	int error;

	count_lanes(&c);
	c.actors = arena_alloc(x->a, c.n_actors * sizeof *c.actors);
	c.streams = arena_alloc(x->a, c.n_streams * sizeof *c.streams);
	c.runs = arena_alloc(x->a, c.n_streams * sizeof *c.runs);
	fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", x->out);
	begin(&c);
	fprintf(x->out, "{\"ph\":\"M\",\"pid\":%d,\"name\":\"process_name\",\"args\":{\"name\":\"%s\"}}",
		PID(&c), escape(&c, trace_info(x->t)->program));
	while (trace_next(x->t, &e) > 0)
		record(&c, &e);
	close_lanes(&c);
	error = pin_findings(&c, err, err_size);
	fputs("\n]}\n", x->out);
	tracewords_free(c.w);
	return error;
}
