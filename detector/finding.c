/* SPDX-License-Identifier: Apache-2.0
 *
 * finding.c: from a filled record to a line of the stream, once per bug.
 *
 * Everything here runs under the engine lock, so one record and one table suffice. The table is never
 * rehashed: a program with more different bugs than it has room gets them reported more than once.
 */
#include "finding.h"

#include "depot.h"
#include "finding_hook.h"
#include "mem.h"
#include "stream.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Far more than anybody reads; a table that is full costs repeated reports, no lost ones. */
#define SEEN_MAX  4096u /* a power of two */
#define TAKES_MAX 1024u

/* A bug that was seen. */
struct seen {
	uint64_t hash; /* 0: free */
	uint32_t key;
	uint32_t inherited : 1; /* reported by the process that forked this one */
	uint32_t count : 31;
};

/* g takes part in a finding of this code. */
struct takes {
	int code;
	const struct gosan_g *g;
};

/* A row of GOSAN_FINDINGS. */
struct description {
	int code;
	const char *kind, *check;
	enum gosan_grade grade;
};

static const struct description descriptions[] = {
#define X(code, kind, check, grade, meaning) {code, kind, check, GOSAN_##grade},
	GOSAN_FINDINGS(X)
#undef X
};
#define N_DESCRIPTIONS (sizeof(descriptions) / sizeof(descriptions[0]))

/* Set by the process around us, before there can be findings. */
void (*gosan_finding_seen)(const struct gosan_finding *f);
void (*gosan_finding_halt)(void);

/* One record at a time: begin to emit happens under one hold of the engine lock. It is too large for the
 * stacks that analyzers run on. */
static struct gosan_finding record;
static struct seen seen[SEEN_MAX];
static struct takes takes[TAKES_MAX];
static size_t n_takes;
static uint32_t n_keys;
static uint64_t last; /* number of the emission << 32 | key */

static const struct description *describe(int code)
{
	for (size_t i = 0; i < N_DESCRIPTIONS; i++)
		if (descriptions[i].code == code)
			return &descriptions[i];
	return NULL;
}

const char *gosan_finding_kind(int code)
{
	const struct description *d = describe(code);

	return d ? d->kind : "unknown";
}

/* An unknown code is a mistake of an analyzer; its finding is never emitted. */
struct gosan_finding *gosan_finding_begin(int code)
{
	const struct description *d = describe(code);

	memset(&record, 0, sizeof(record));
	record.code = code;
	record.grade = d ? d->grade : GOSAN_POSSIBLE;
	record.obj_kind = "";
	return &record;
}

/* Whoever does not fit is counted, and gets a scratch record that nobody reads: callers need no branch. */
struct gosan_part *gosan_finding_part(struct gosan_finding *f, const char *role, const struct gosan_g *g,
				      const char *op, uint32_t stack)
{
	static struct gosan_part scratch;
	struct gosan_part *p = &scratch;

	if (f->n_parts < GOSAN_PARTS_MAX)
		p = &f->parts[f->n_parts++];
	else
		f->n_more++;
	memset(p, 0, sizeof(*p));
	p->role = role;
	p->g = g;
	p->op = op;
	p->stack = stack;
	return p;
}

/* In order of acquisition, so that the outermost are the ones that stay when there are too many. */
void gosan_finding_locks(struct gosan_part *p)
{
	p->n_locks = 0;
	for (size_t i = 0; p->g && i < p->g->n_held && p->n_locks < GOSAN_LOCKS_MAX; i++) {
		p->locks[p->n_locks].obj = p->g->held[i].obj;
		p->locks[p->n_locks].stack = p->g->held[i].stack;
		p->n_locks++;
	}
}

/* A step more than there is room for is dropped: the first ones set the scene. */
void gosan_finding_story(struct gosan_finding *f, const struct gosan_g *g, uint32_t stack, const char *fmt,
			 ...)
{
	struct gosan_story *s;
	va_list ap;

	if (f->n_story == GOSAN_STORY_MAX)
		return;
	s = &f->story[f->n_story++];
	s->g = g;
	s->stack = stack;
	va_start(ap, fmt);
	vsnprintf(s->text, sizeof(s->text), fmt, ap);
	va_end(ap);
}

/* The words of the JSON contract for object kinds. */
const char *gosan_finding_kind_name(enum gosan_obj_kind kind)
{
	switch (kind) {
	case GOSAN_OBJ_CHAN:
		return "chan";
	case GOSAN_OBJ_MUTEX:
		return "mutex";
	case GOSAN_OBJ_RWMUTEX:
		return "rwmutex";
	case GOSAN_OBJ_WAITGROUP:
		return "waitgroup";
	case GOSAN_OBJ_ONCE:
		return "once";
	case GOSAN_OBJ_COND:
		return "cond";
	case GOSAN_OBJ_CONTEXT:
		return "context";
	case GOSAN_OBJ_TICKER:
		return "ticker";
	case GOSAN_OBJ_TIMER:
		return "timer";
	case GOSAN_OBJ_SEM:
		return "semaphore";
	case GOSAN_OBJ_BARRIER:
		return "barrier";
	case GOSAN_OBJ_FD:
		return "descriptor";
	case GOSAN_OBJ_ATOMIC:
		return "atomic";
	case GOSAN_OBJ_SPIN:
		return "spin lock";
	case GOSAN_OBJ_OTHER:
		break;
	}
	return "object";
}

/* ---- the same bug? ---- */

/* Finalizer of splitmix64 (Steele, Lea, Flood, OOPSLA 2014): every input bit reaches every output bit. */
static uint64_t mix(uint64_t h)
{
	h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
	return h ^ (h >> 31);
}

/* Which side came first must not matter: the participants' hashes are summed. Stacks are interned, so equal
 * ids are equal stacks. */
static uint64_t hash_of(const struct gosan_finding *f)
{
	uint64_t sum = f->dedup;

	for (size_t i = 0; !f->dedup && i < f->n_parts; i++)
		sum += mix(gosan_depot_id(f->parts[i].stack) + UINT64_C(0x9e3779b97f4a7c15));
	return mix(sum ^ ((uint64_t)f->code << 32)) | 1;
}

/* The entry of this hash, or a free one, or NULL when the table is full. */
static struct seen *look_up(uint64_t hash)
{
	for (size_t i = 0; i < SEEN_MAX; i++) {
		struct seen *s = &seen[(hash + i) & (SEEN_MAX - 1)];

		if (s->hash == hash || s->hash == 0)
			return s;
	}
	return NULL;
}

/* Remembered once per code and goroutine. When the table is full a root cause may be reported along with its
 * consequence, which is noise and not a lie. */
static void take_part(int code, const struct gosan_g *g)
{
	if (g && n_takes < TAKES_MAX && !gosan_finding_has(code, g))
		takes[n_takes++] = (struct takes){code, g};
}

/* Linear, for few: the tables hold what was reported, not what happened. */
bool gosan_finding_has(int code, const struct gosan_g *g)
{
	for (size_t i = 0; i < n_takes; i++)
		if (takes[i].code == code && takes[i].g == g)
			return true;
	return false;
}

/* ---- the line ---- */

/* The object of a finding is a synchronisation object or a piece of memory. The name stays empty: the tool
 * has the debug information, we have the address. */
static void write_object(const struct gosan_finding *f)
{
	const struct gosan_obj *o = f->obj;

	gosan_stream_open_object("object");
	gosan_stream_text("kind", o ? gosan_finding_kind_name(o->kind) : f->obj_kind);
	gosan_stream_text("name", "");
	gosan_stream_hex("address", o ? o->addr : f->addr);
	gosan_stream_uint("size", f->size);
	gosan_stream_stack("created", o ? o->created_stack : f->obj_created);
	gosan_stream_uint("alloc_offset", f->block && f->addr >= f->block ? f->addr - f->block : 0);
	gosan_stream_uint("block_size", f->block_size);
	gosan_stream_uint("of", f->stack_of ? f->stack_of->id : 0);
	gosan_stream_uint("of_t", f->stack_of ? f->stack_of->tid : 0);
	gosan_stream_close_object();
}

/* Locks with the stacks of their acquisitions: a report can say where each was taken. */
static void write_locks(const struct gosan_part *p)
{
	gosan_stream_open_list("locks");
	for (size_t i = 0; i < p->n_locks; i++) {
		const struct gosan_obj *o = p->locks[i].obj;

		gosan_stream_open_object(NULL);
		gosan_stream_text("kind", o ? gosan_finding_kind_name(o->kind) : "object");
		gosan_stream_hex("address", o ? o->addr : 0);
		gosan_stream_stack("stack", p->locks[i].stack);
		gosan_stream_close_object();
	}
	gosan_stream_close_list();
}

/* A thread has t and no g, a goroutine g and no t; so it is with who created it. */
static void write_part(const struct gosan_part *p)
{
	const struct gosan_g *g = p->g;

	gosan_stream_open_object(NULL);
	gosan_stream_text("role", p->role);
	gosan_stream_uint("g", g ? g->id : 0);
	gosan_stream_uint("t", g ? g->tid : 0);
	gosan_stream_text("name", g ? g->name : "");
	gosan_stream_text("fn", g ? g->fn_name : "");
	gosan_stream_text("op", p->op);
	gosan_stream_uint("size", p->size);
	gosan_stream_stack("stack", p->stack);
	write_locks(p);
	gosan_stream_uint("created_by", g && g->parent ? g->parent->id : 0);
	gosan_stream_uint("created_by_t", g && g->parent ? g->parent->tid : 0);
	gosan_stream_stack("created", g ? g->created_stack : 0);
	gosan_stream_close_object();
}

/* One step is placed by the innermost frame of its stack. */
static void write_story(const struct gosan_finding *f)
{
	gosan_stream_open_list("story");
	for (size_t i = 0; i < f->n_story; i++) {
		const struct gosan_story *s = &f->story[i];
		size_t n;
		const uintptr_t *pcs = gosan_depot_get(s->stack, &n);

		gosan_stream_open_object(NULL);
		gosan_stream_uint("g", s->g ? s->g->id : 0);
		gosan_stream_uint("t", s->g ? s->g->tid : 0);
		gosan_stream_hex("pc", n ? pcs[0] : 0);
		gosan_stream_text("text", s->text);
		gosan_stream_close_object();
	}
	gosan_stream_close_list();
}

/* Placeholders like {fn:0x..} in texts refer to code and data of modules too. */
static void name_modules_in(const char *text)
{
	for (const char *p = strchr(text, '{'); p; p = strchr(p + 1, '{')) {
		const char *colon = p + strcspn(p, ":}");
		uintptr_t v = 0;

		if (strncmp(colon, ":0x", 3) != 0)
			continue;
		for (colon += 3; strchr("0123456789abcdef", *colon) && *colon; colon++)
			v = v << 4 | (uintptr_t)(*colon <= '9' ? *colon - '0' : *colon - 'a' + 10);
		gosan_stream_module_of(v);
	}
}

/* All modules that the finding's line refers to, before that line: a reader needs no second pass. Data counts
 * as well as code: a global variable's module names it. */
static void name_modules(const struct gosan_finding *f)
{
	gosan_stream_module_of(f->obj ? f->obj->addr : f->addr);
	gosan_stream_modules(f->obj ? f->obj->created_stack : f->obj_created);
	for (size_t i = 0; i < f->n_parts; i++) {
		const struct gosan_part *p = &f->parts[i];

		gosan_stream_modules(p->stack);
		gosan_stream_modules(p->g ? p->g->created_stack : 0);
		for (size_t j = 0; j < p->n_locks; j++) {
			gosan_stream_modules(p->locks[j].stack);
			gosan_stream_module_of(p->locks[j].obj ? p->locks[j].obj->addr : 0);
		}
	}
	for (size_t i = 0; i < f->n_story; i++) {
		gosan_stream_modules(f->story[i].stack);
		name_modules_in(f->story[i].text);
	}
	name_modules_in(f->title);
	name_modules_in(f->why);
	name_modules_in(f->help);
}

/* The module lines are written first: one line cannot be begun inside another. */
static bool write_finding(const struct gosan_finding *f, uint32_t key)
{
	static const char *const grades[] = {"proved", "likely", "possible"};
	char code[16];

	snprintf(code, sizeof(code), "GS%03d", f->code);
	name_modules(f);
	if (!gosan_stream_begin("finding"))
		return false;
	gosan_stream_uint("key", key);
	gosan_stream_text("code", code);
	gosan_stream_text("grade", grades[f->grade]);
	if (gosan_engine_replayed_ns)
		gosan_stream_uint("ns", gosan_engine_replayed_ns);
	gosan_stream_text("title", f->title);
	write_object(f);
	gosan_stream_open_list("participants");
	for (size_t i = 0; i < f->n_parts; i++)
		write_part(&f->parts[i]);
	gosan_stream_close_list();
	gosan_stream_uint("more", f->n_more);
	gosan_stream_text("why", f->why);
	gosan_stream_text("help", f->help);
	write_story(f);
	gosan_stream_end_line();
	return true;
}

static void write_count(const char *record_name, const struct seen *s)
{
	if (s->inherited || !gosan_stream_begin(record_name))
		return;
	gosan_stream_uint("key", s->key);
	gosan_stream_uint("count", s->count);
	gosan_stream_end_line();
}

/* At the end, one line per bug that was seen more than once, instead of one per time. */
static void write_again(void)
{
	for (size_t i = 0; i < SEEN_MAX; i++) {
		const struct seen *s = &seen[i];

		if (s->hash != 0 && s->count >= 2)
			write_count("again", s);
	}
}

/* Told at once: the process may be killed before its end. Its place in the table stays, so that the bug gets the
 * same key should it come for real. */
void gosan_finding_take_back(uint64_t emission)
{
	uint32_t key = (uint32_t)emission;

	for (size_t i = 0; key && i < SEEN_MAX; i++) {
		struct seen *s = &seen[i];

		if (s->key != key || s->count == 0)
			continue;
		s->count--;
		write_count("taken_back", s);
		if (s->count == 0)
			__atomic_fetch_sub(&gosan_counters->findings, 1, __ATOMIC_RELAXED);
		return;
	}
}

uint64_t gosan_finding_last(void)
{
	return last;
}

/* Seen before. After it was taken back for the last time, the reader must be told that it is back. */
static void repeat(struct seen *s)
{
	last = ((last >> 32) + 1) << 32 | s->key;
	if (s->count++ == 0) {
		write_count("again", s);
		GOSAN_COUNT(findings);
	}
}

/* The child keeps the table: what its parent reported is no news when the child meets it again. */
void gosan_finding_forked(void)
{
	for (size_t i = 0; i < SEEN_MAX; i++)
		seen[i].inherited = seen[i].hash != 0;
}

bool gosan_finding_emit(struct gosan_finding *f)
{
	const struct description *d = describe(f->code);
	uint64_t hash = hash_of(f);
	struct seen *s = look_up(hash);

	/* A bug whose check is off still explains a stall: rules ask gosan_finding_has. */
	for (size_t i = 0; i < f->n_parts; i++)
		take_part(f->code, f->parts[i].g);
	if (!d || !gosan_check_on(d->check)) {
		last = last >> 32 << 32;
		return false;
	}
	if (s && s->hash) {
		repeat(s);
		return false;
	}
	if (s)
		*s = (struct seen){.hash = hash, .key = n_keys + 1, .count = 1};
	n_keys++;
	last = ((last >> 32) + 1) << 32 | n_keys;
	gosan_stream_before_end = write_again; /* the stream knows nothing of repetitions */
	GOSAN_COUNT(findings);
	/* The stream may be opened by this: so before the line is written. */
	if (gosan_finding_seen)
		gosan_finding_seen(f);
	write_finding(f, n_keys);
	if (gosan_finding_halt)
		gosan_finding_halt();
	return true;
}
