/* SPDX-License-Identifier: Apache-2.0
 *
 * recorder.c: streams, one per thread that is alive, and what goes into them.
 *
 * Invariants
 *  - A stream has one writer: the thread that has it. A thread that ended gives it to the next one, under `lock`.
 *  - A record is complete when its first byte is: that one is stored last, and everything behind it is 0. A segment is
 *    mapped, allocated and 0 before its header is written.
 *  - A record that has a number (tick, seq) is complete before the lock is released under which the number was given:
 *    who is killed in between takes nobody along. So no number is missing but the last.
 *  - A stream's g is who made its last record. After a park it is nobody: what comes next begins with a SWITCH, which
 *    says by the tick how much of the others' doing it can follow from.
 */
#include "recorder.h"

#include "mem.h"
#include "object.h"
#include "recfile.h"
#include "tracecodec.h"

#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WINDOW_MAX 16u /* segments that are mapped at once: one system call per MiB */

enum { TIME, STACK, ADDR, OBJ, SEQ, MODE, TICK, ARG, PEER, G, SIZE, ARG2, OBJ2 };
_Static_assert(F_OBJ2 == 1 << OBJ2, "numbers are those of the bits");

struct stream {
	struct gosan_trace_state state;
	uint8_t *segment; /* NULL: none yet */
	size_t at;        /* of the next record in it */
	uint32_t g, visit;
	bool busy; /* a handler came upon its own thread's record */
	uint32_t no;
	uint8_t *window;
	size_t window_segments;
	uint64_t window_first, number; /* segments */
	struct stream *next;           /* of those without a thread */
};

bool gosan_recorder_on, gosan_recorder_memory;
static __thread struct stream *mine __attribute__((tls_model("initial-exec")));
static struct stream *unused;
static char lock_word;
static uint64_t tick; /* passes through the engine; written under its lock */

static struct gosan_rectable actors = {.name = "actors", .row = sizeof(struct gosan_trace_actor), .max = 1u << 24};
static struct gosan_rectable objects = {.name = "objects", .row = sizeof(struct gosan_trace_object), .max = 1u << 26};
static struct gosan_rectable contexts = {.name = "contexts", .row = sizeof(struct gosan_trace_context), .max = 1u << 25};
static struct gosan_rectable stacks = {.name = "stacks", .row = 1, .max = 1u << 31};
static uint64_t stacks_at;

bool gosan_recorder_open_tables(void)
{
	return gosan_rectable_open(&actors) && gosan_rectable_open(&objects) && gosan_rectable_open(&contexts) &&
	       gosan_rectable_open(&stacks);
}

static uint32_t number_of(const struct gosan_g *g)
{
	return g ? g->no : 0;
}

/* ---- segments ---- */

static uint64_t ring_segments(void)
{
	return (uint64_t)gosan_options.trace_mb * ((1u << 20) / GOSAN_TRACE_SEGMENT);
}

/* Windows double: a thread that does little has a file of one segment. A ring is mapped as a whole and stays so. */
static bool next_window(struct stream *s)
{
	size_t n = s->window ? s->window_segments * 2 : 1;
	char name[32];

	if (n > WINDOW_MAX)
		n = WINDOW_MAX;
	if (gosan_options.trace_mb > 0)
		n = ring_segments();
	gosan_recfile_unmap(s->window, s->window_segments * GOSAN_TRACE_SEGMENT);
	snprintf(name, sizeof(name), "stream.%u", s->no);
	s->window_first = s->number;
	s->window_segments = n;
	s->window = gosan_recfile_map(name, s->number * GOSAN_TRACE_SEGMENT, n * GOSAN_TRACE_SEGMENT, NULL);
	return s->window != NULL;
}

/* In a ring the oldest segment is emptied; its magic first, so that a reader never takes it for a mixture. */
static uint8_t *place_for(struct stream *s)
{
	uint64_t ring = gosan_options.trace_mb > 0 ? ring_segments() : 0;
	uint8_t *p;

	if (!s->window || (!ring && s->number - s->window_first >= s->window_segments))
		if (!next_window(s))
			return NULL;
	p = s->window + (ring ? s->number % ring : s->number - s->window_first) * GOSAN_TRACE_SEGMENT;
	if (ring && s->number >= ring) {
		__atomic_store_n(&((struct gosan_trace_segment *)p)->magic, 0, __ATOMIC_RELEASE);
		memset(p, 0, GOSAN_TRACE_SEGMENT);
	}
	return p;
}

static bool next_segment(struct stream *s)
{
	uint8_t *p = place_for(s);
	struct gosan_trace_segment *h = (struct gosan_trace_segment *)p;

	s->segment = p;
	if (!p)
		return false;
	memset(&s->state, 0, sizeof(s->state));
	h->stream = s->no;
	h->number = s->number++;
	h->time = s->state.time = gosan_recfile_time();
	h->tick = s->state.tick = __atomic_load_n(&tick, __ATOMIC_RELAXED);
	h->g = s->g;
	h->visit = s->visit;
	s->at = sizeof(*h);
	__atomic_store_n(&h->magic, GOSAN_TRACE_MAGIC, __ATOMIC_RELEASE);
	gosan_recfile_page->time1 = h->time;
	gosan_recfile_page->ns1 = gosan_recfile_ns();
	return true;
}

/* ---- streams ---- */

static void lock(void)
{
	while (__atomic_test_and_set(&lock_word, __ATOMIC_ACQUIRE))
		;
}

static void unlock(void)
{
	__atomic_clear(&lock_word, __ATOMIC_RELEASE);
}

static __attribute__((noinline)) struct stream *take_stream(void)
{
	struct stream *s;

	lock();
	s = unused;
	if (s)
		unused = s->next;
	unlock();
	if (!s && (s = gosan_mem_alloc(sizeof(*s))) != NULL)
		s->no = __atomic_add_fetch(&gosan_recfile_page->n_streams, 1, __ATOMIC_RELAXED);
	if (s)
		s->g = s->visit = 0;
	return mine = s;
}

/* What a thread does after its end, such as destructors of its thread-local data, takes a stream for itself. */
void gosan_recorder_thread_end(const struct gosan_g *g)
{
	struct stream *s = mine;

	if (!s || g != gosan_self || !g->is_thread)
		return;
	mine = NULL;
	lock();
	s->next = unused;
	unused = s;
	unlock();
}

/* ---- records ---- */

static void write_record(struct stream *s, unsigned op, unsigned fields, const uint64_t *v, const char *text, size_t n)
{
	uint8_t *p;
	size_t len;

	if (__builtin_expect(!s->segment || s->at + GOSAN_TRACE_RECORD_MAX > GOSAN_TRACE_SEGMENT, 0) &&
	    !next_segment(s))
		return;
	p = s->segment + s->at;
	len = gosan_trace_encode(&s->state, op, fields, v, text, n, p);
	__atomic_store_n(p, (uint8_t)op, __ATOMIC_RELEASE);
	s->at += len;
}

static void write_row(const struct gosan_g *g)
{
	struct gosan_trace_actor *row = gosan_rectable_row(&actors, g->no, 1);
	unsigned flags = GOSAN_TRACE_KNOWN;

	if (!row)
		return;
	flags |= g->is_thread ? GOSAN_TRACE_THREAD : 0u;
	flags |= g->is_system ? GOSAN_TRACE_SYSTEM : 0u;
	flags |= g->is_fiber ? GOSAN_TRACE_FIBER : 0u;
	row->id = g->id;
	row->tid = g->tid;
	row->flags |= flags;
	row->parent = number_of(g->parent);
	row->created_stack = g->created_stack;
	row->stack_lo = g->stack_lo;
	row->stack_hi = g->stack_hi;
	memcpy(row->name, g->name, sizeof(row->name));
	if (g->fn_name && !row->fn_name[0])
		strncpy(row->fn_name, g->fn_name, sizeof(row->fn_name) - 1);
}

void gosan_recorder_actor(const struct gosan_g *g)
{
	if (g->no)
		write_row(g);
}

/* Who runs here is another than before, or was asleep; seen: the last pass that it can have seen. What front ends know of somebody is complete by then. */
static __attribute__((noinline)) void write_switch(struct stream *s, uint64_t seen)
{
	struct gosan_g *g = gosan_self;
	uint64_t v[GOSAN_TRACE_FIELDS];

	s->g = number_of(g);
	s->visit = g ? ++g->visits : 1;
	v[TIME] = gosan_recfile_time();
	v[G] = s->g;
	v[ARG] = s->visit;
	v[ARG2] = seen;
	write_record(s, GOSAN_TRACE_SWITCH, F_TIME | F_G | F_ARG | F_ARG2, v, NULL, 0);
	if (g && g->no) {
		struct gosan_trace_actor *row;

		write_row(g);
		row = gosan_rectable_row(&actors, g->no, 1);
		if (row && !row->os_tid)
			row->os_tid = syscall(SYS_gettid);
	}
}

/* A signal handler's record would come into the middle of its thread's: it is lost, and counted. */
static void append(unsigned op, unsigned fields, const uint64_t *v, const char *text, size_t n)
{
	struct stream *s = mine ? mine : take_stream();

	if (__builtin_expect(!s || s->busy, 0)) {
		__atomic_fetch_add(&gosan_recfile_page->lost, 1, __ATOMIC_RELAXED);
		return;
	}
	s->busy = true;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (__builtin_expect(s->g != number_of(gosan_self) || !s->visit, 0) && op != GOSAN_TRACE_ANSWER)
		write_switch(s, fields & F_TICK ? v[TICK] - 1 : __atomic_load_n(&tick, __ATOMIC_ACQUIRE));
	write_record(s, op, fields, v, text, n);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	s->busy = false;
}

/* Of a record under the engine lock. */
static uint64_t next_tick(void)
{
	return __atomic_add_fetch(&tick, 1, __ATOMIC_RELEASE);
}

/* ---- events ---- */

static char *put(char *p, uint64_t v)
{
	for (; v > 0x7f; v >>= 7)
		*p++ = (char)(v | 0x80);
	*p++ = (char)v;
	return p;
}

/* What it waits for: how many, whether that is all, and each object with the operation. */
static size_t wait_text(const struct gosan_g *g, char *text)
{
	char *p = text;

	*p++ = (char)g->wait.n;
	*p++ = (char)g->wait.truncated;
	for (size_t i = 0; i < g->wait.n && i < GOSAN_WAIT_MAX; i++) {
		p = put(p, g->wait.on[i].obj ? g->wait.on[i].obj->id : 0);
		p = put(p, (uint64_t)g->wait.on[i].op);
	}
	return (size_t)(p - text);
}

/* What a front end told of it before its first event, or tells with each (a barrier's parties). */
static void object_row(const struct gosan_obj *obj)
{
	struct gosan_trace_object *row;

	if (obj->seq > 1 && obj->kind != GOSAN_OBJ_BARRIER)
		return;
	row = gosan_rectable_row(&objects, obj->id, 1);
	if (!row)
		return;
	row->addr = obj->addr;
	row->created_by = obj->created_by;
	row->kind = obj->kind;
	row->flags = obj->flags;
	row->created_stack = obj->created_stack;
	row->count = obj->counted ? obj->count + 1 : 0;
}

/* After the record of what ends a visit or a life. */
static void after(const struct gosan_event *ev)
{
	if (ev->op == GOSAN_EV_G_SPAWN && ev->peer)
		write_row(ev->peer);
	if (ev->g != gosan_self || !mine)
		return;
	if (ev->op == GOSAN_EV_G_PARK)
		mine->visit = 0;
}

void gosan_recorder_event(const struct gosan_event *ev)
{
	uint64_t v[GOSAN_TRACE_FIELDS] = {
		[TIME] = gosan_recfile_time(),
		[STACK] = ev->stack,
		[ADDR] = ev->addr,
		[OBJ] = ev->obj ? ev->obj->id : 0,
		[SEQ] = ev->obj ? ev->seq : 0,
		[MODE] = (uint64_t)ev->mode,
		[TICK] = next_tick(),
		[ARG] = (uint64_t)ev->arg,
		[PEER] = number_of(ev->peer),
		[G] = ev->g != gosan_self ? number_of(ev->g) : 0,
		[SIZE] = ev->size,
		[ARG2] = (uint64_t)ev->arg2,
		[OBJ2] = ev->obj2 ? ev->obj2->id : 0,
	};
	unsigned fields = GOSAN_TRACE_EVENT_FIELDS;
	char text[GOSAN_TRACE_TEXT_MAX];
	size_t n = 0;

	if (ev->op == GOSAN_EV_G_PARK) {
		n = wait_text(ev->g, text);
	} else if (ev->text) {
		n = strnlen(ev->text, sizeof(text) - 1);
		memcpy(text, ev->text, n);
	}
	if (ev->obj)
		object_row(ev->obj);
	append(GOSAN_TRACE_EVENT + (unsigned)ev->op, n ? fields | F_TEXT : fields, v, text, n);
	after(ev);
}

static void note_g(const struct gosan_g *g, int mode)
{
	uint64_t v[GOSAN_TRACE_FIELDS];

	write_row(g);
	v[TIME] = gosan_recfile_time();
	v[TICK] = next_tick();
	v[PEER] = g->no;
	v[MODE] = (uint64_t)mode;
	append(GOSAN_TRACE_G_NEW, F_TIME | F_TICK | F_PEER | F_MODE, v, NULL, 0);
}

void gosan_recorder_new_g(const struct gosan_g *g)
{
	note_g(g, 0);
}

void gosan_recorder_new_object(const struct gosan_obj *obj)
{
	uint64_t v[GOSAN_TRACE_FIELDS];

	object_row(obj);
	v[TICK] = next_tick();
	v[OBJ] = obj->id;
	v[SEQ] = obj->seq;
	v[MODE] = obj->dead;
	append(GOSAN_TRACE_OBJ_NEW, F_TICK | F_OBJ | F_SEQ | F_MODE, v, NULL, 0);
}

void gosan_recorder_object_dead(const struct gosan_obj *obj)
{
	uint64_t v[GOSAN_TRACE_FIELDS];

	v[TICK] = next_tick();
	v[OBJ] = obj->id;
	append(GOSAN_TRACE_OBJ_DEAD, F_TICK | F_OBJ, v, NULL, 0);
}

void gosan_recorder_system_begin(const struct gosan_g *sys, const struct gosan_obj *timer)
{
	uint64_t v[GOSAN_TRACE_FIELDS];

	v[TIME] = gosan_recfile_time();
	v[TICK] = next_tick();
	v[PEER] = number_of(sys);
	v[OBJ] = timer ? timer->id : 0;
	append(GOSAN_TRACE_SYSTEM_BEGIN, F_TIME | F_TICK | F_PEER | F_OBJ, v, NULL, 0);
}

void gosan_recorder_finish(enum gosan_end why)
{
	uint64_t v[GOSAN_TRACE_FIELDS];

	for (const struct gosan_g *g = gosan_engine_all(); g; g = g->next)
		write_row(g);
	v[TIME] = gosan_recfile_time();
	v[TICK] = next_tick();
	v[MODE] = why;
	append(GOSAN_TRACE_FINISH, F_TIME | F_TICK | F_MODE, v, NULL, 0);
}

bool gosan_recorder_answer(enum gosan_trace_question question, bool answer)
{
	uint64_t v[GOSAN_TRACE_FIELDS];

	v[MODE] = question;
	v[ARG] = answer;
	if (gosan_recorder_on)
		append(GOSAN_TRACE_ANSWER, F_MODE | F_ARG, v, NULL, 0);
	return answer;
}

void gosan_recorder_lock(enum gosan_trace_op op, const struct gosan_obj *obj, int mode, uint32_t stack)
{
	uint64_t v[GOSAN_TRACE_FIELDS];

	v[OBJ] = obj->id;
	v[SEQ] = obj->seq;
	v[STACK] = stack;
	v[MODE] = (uint64_t)mode;
	append(op, op == GOSAN_TRACE_REQUEST  ? F_OBJ | F_STACK | F_MODE
		   : op >= GOSAN_TRACE_POST ? F_SEQ | F_OBJ | F_STACK
					    : F_SEQ | F_OBJ | F_STACK | F_MODE,
	       v, NULL, 0);
}

void gosan_recorder_atomic(enum gosan_trace_op op, uintptr_t addr, uint64_t seq, int mo, uint32_t arg)
{
	uint64_t v[GOSAN_TRACE_FIELDS];

	v[TIME] = gosan_recfile_time();
	v[ADDR] = addr;
	v[SEQ] = seq;
	v[MODE] = (uint64_t)mo;
	v[STACK] = v[ARG] = arg;
	append(op, op == GOSAN_TRACE_FENCE  ? F_TIME | F_MODE
		   : op == GOSAN_TRACE_LOAD ? F_TIME | F_SEQ | F_STACK | F_ADDR | F_MODE
					    : F_TIME | F_SEQ | F_ADDR | F_MODE | F_ARG,
	       v, NULL, 0);
}

void gosan_recorder_access(enum gosan_trace_op op, uintptr_t addr, size_t size, unsigned flags, uint32_t place)
{
	uint64_t v[GOSAN_TRACE_FIELDS];

	v[TIME] = gosan_recfile_time();
	v[STACK] = place;
	v[ADDR] = addr;
	v[SIZE] = size;
	v[MODE] = flags;
	append(op, op == GOSAN_TRACE_ACCESS ? F_TIME | F_STACK | F_ADDR | F_SIZE | F_MODE : gosan_trace_fields(op), v,
	       NULL, 0);
}

void gosan_recorder_copied(const struct gosan_obj *copy, const struct gosan_obj *original, uint32_t stack)
{
	uint64_t v[GOSAN_TRACE_FIELDS];

	v[TICK] = next_tick();
	v[OBJ] = copy->id;
	v[OBJ2] = original->id;
	v[STACK] = stack;
	append(GOSAN_TRACE_COPIED, F_TICK | F_OBJ | F_OBJ2 | F_STACK, v, NULL, 0);
}

void gosan_recorder_gone(const struct gosan_g *g, unsigned how)
{
	uint64_t v[GOSAN_TRACE_FIELDS];

	v[TIME] = gosan_recfile_time();
	v[PEER] = g->no;
	v[MODE] = how;
	append(GOSAN_TRACE_GONE, F_TIME | F_PEER | F_MODE, v, NULL, 0);
}

/* ---- tables ---- */

/* The count last: it is what says that the stack is complete. */
void gosan_recorder_stack(const uintptr_t *pcs, size_t n)
{
	char text[10 * 64 + 1], *p = text;
	uintptr_t before = 0;
	char *row;

	for (size_t i = 0; i < n; i++) {
		uint64_t d = pcs[i] - before;

		p = put(p, d << 1 ^ (uint64_t)((int64_t)d >> 63));
		before = pcs[i];
	}
	row = gosan_rectable_row(&stacks, stacks_at, sizeof(text) + 1);
	if (!row)
		return;
	memcpy(row + 1, text, (size_t)(p - text));
	__atomic_store_n(row, (char)n, __ATOMIC_RELEASE);
	stacks_at += 1 + (size_t)(p - text);
}

void gosan_recorder_context(uint32_t id, uint64_t pc, uint32_t parent, uint32_t callee)
{
	struct gosan_trace_context *row = gosan_rectable_row(&contexts, id, 1);

	if (row)
		*row = (struct gosan_trace_context){pc, parent, callee};
}

/* ---- fork ---- */

/* Whoever does not exist here has ended; objects keep their ids. */
static void tell_inherited(void)
{
	const struct gosan_obj *obj;
	const struct gosan_g *g = gosan_engine_all(), **by_no;
	uint32_t n = g ? g->no : 0;
	uint64_t v[GOSAN_TRACE_FIELDS];

	by_no = gosan_mem_alloc((n + 1) * sizeof(*by_no)); /* the list has the newest first */
	for (; by_no && g; g = g->next)
		by_no[g->no] = g;
	for (uint32_t i = 1; by_no && i <= n; i++)
		note_g(by_no[i], by_no[i] != gosan_self);
	gosan_mem_free(by_no, (n + 1) * sizeof(*by_no));
	for (uint32_t id = 1; (obj = gosan_object_by_id(id)) != NULL; id++)
		gosan_recorder_new_object(obj);
	v[TIME] = gosan_recfile_time();
	v[TICK] = next_tick();
	append(GOSAN_TRACE_ALONE, F_TIME | F_TICK, v, NULL, 0);
	for (size_t i = 0; gosan_self && i < gosan_self->n_held; i++) {
		const struct gosan_held *h = &gosan_self->held[i];

		v[TICK] = next_tick();
		v[OBJ] = h->obj->id;
		v[STACK] = h->stack;
		v[MODE] = (uint64_t)h->mode;
		append(GOSAN_TRACE_HELD, F_TICK | F_OBJ | F_STACK | F_MODE, v, NULL, 0);
	}
}

/* The parent's streams stay mapped in nobody's hands; its tables are copied. */
void gosan_recorder_begin_child(void)
{
	for (struct gosan_g *g = gosan_engine_all(); g; g = g->next)
		g->visits = 0;
	mine = unused = NULL;
	lock_word = 0;
	tick = 0;
	if (gosan_rectable_fork(&actors) && gosan_rectable_fork(&objects) && gosan_rectable_fork(&contexts) &&
	    gosan_rectable_fork(&stacks))
		tell_inherited();
}
