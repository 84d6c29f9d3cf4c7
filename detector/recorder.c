/* SPDX-License-Identifier: Apache-2.0
 *
 * recorder.c: streams, one per thread that is alive, and what goes into them.
 *
 *      stream.3  | segment 0      | segment 1      | segment 2 (being filled)
 *                | hdr rec rec .. | hdr rec rec .. | hdr rec rec 0 0 0 0 ...
 *                                                    at ----------^
 *                  \____ unmapped again _________/   \__ window: mapped, allocated, zero __/
 *
 * Why files and no buffer in memory: what was stored to a mapping is the kernel's, and is there when the process is gone,
 * however it went. Why a stream per thread: nobody waits for anybody, and a thread's records need no lock. Why numbers
 * per object: a counter that all threads share costs more than the record, and more with each processor; an object's
 * number is given under a lock that is held anyway. The engine's ticks are the same thing: its lock is the object.
 *
 * Goroutines change their threads, so a stream has the records of many and a goroutine's records lie in many streams. Each
 * stay of a goroutine on a thread is a visit; its number is all that is needed to put the pieces together.
 *
 * Invariants
 *  - A stream has one writer: the thread that has it. A thread that ended gives it to the next one, under `lock`.
 *  - A record is complete when its first byte is: that one is stored last, and everything behind it is 0. A segment is
 *    mapped, allocated and 0 before its header is written.
 *  - A record that has a number (tick, seq) is complete before the lock is released under which the number was given:
 *    who is killed in between takes nobody along. So no number is missing but the last.
 *  - A stream's g is who made its last record. After a park it is nobody: what comes next begins with a SWITCH, which
 *    says by the tick how much of the others' doing it can follow from. One that yielded leaves no record; it may have
 *    been elsewhere in between, which its own count of visits tells.
 */
#include "recorder.h"

#include "../runtime/probe.h"
#include "mem.h"
#include "object.h"
#include "recfile.h"
#include "traceencode.h"

#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY     UINT32_MAX
#define WINDOW_MAX 16u /* segments that are mapped at once: one system call per MiB */

/* Touched by its thread only, but for next. Some 9 KiB, most of it predictions. */
struct stream {
	struct gosan_trace_state state;
	uint8_t *at;    /* of the next record */
	uint8_t *limit; /* behind the last place where one may begin; NULL: there is no segment */
	uint32_t g, visit;
	uint32_t runs; /* g, or NOBODY when a SWITCH has to come first */
	bool busy;     /* a handler came upon its own thread's record */
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

/* Before the first goroutine is known, and on threads that nobody announced yet, nobody runs: 0. */
static uint32_t number_of(const struct gosan_g *g)
{
	return g ? g->no : 0;
}

/* ---- segments ---- */

/* The setting is per thread: a thread that floods its ring takes nothing of the others' past. */
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

/* The header first, its magic last: a reader that finds it finds all of it. Predictions begin afresh, which costs
 * the first records of 64 KiB some bytes and makes each segment readable alone. The page's second reading of the
 * clocks is renewed here, so that a killed process has one from its last moments. */
static bool next_segment(struct stream *s)
{
	uint8_t *p = place_for(s);
	struct gosan_trace_segment *h = (struct gosan_trace_segment *)p;

	s->at = s->limit = NULL;
	if (!p)
		return false;
	memset(&s->state, 0, sizeof(s->state));
	h->stream = s->no;
	h->number = s->number++;
	h->time = s->state.time = gosan_recfile_time();
	h->tick = s->state.tick = __atomic_load_n(&tick, __ATOMIC_RELAXED);
	h->g = s->g;
	h->visit = s->visit;
	s->at = p + sizeof(*h);
	s->limit = p + GOSAN_TRACE_SEGMENT - GOSAN_TRACE_RECORD_MAX;
	__atomic_store_n(&h->magic, GOSAN_TRACE_MAGIC, __ATOMIC_RELEASE);
	gosan_recfile_page->time1 = h->time;
	gosan_recfile_page->ns1 = gosan_recfile_ns();
	return true;
}

/* ---- streams ---- */

/* Held for two loads and a store; no signal handler of ours takes it, for records of handlers are dropped before. */
static void lock(void)
{
	while (__atomic_test_and_set(&lock_word, __ATOMIC_ACQUIRE))
		;
}

static void unlock(void)
{
	__atomic_clear(&lock_word, __ATOMIC_RELEASE);
}

/* There are as many streams as threads were alive at once, not as many as ever were: what an ended thread left is
 * continued. In it the SWITCH of the new thread says that somebody else goes on. */
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
	if (s) {
		s->g = s->visit = 0;
		s->runs = NOBODY;
	}
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

/* The longest record fits, so that none is ever divided between segments. */
static inline bool has_room(struct stream *s)
{
	return __builtin_expect(s->at < s->limit, 1) || next_segment(s);
}

/* Who runs here is another than before, or was asleep; seen: the last pass that it can have seen. What front ends know of
 * somebody is complete by then. */
static __attribute__((noinline)) void write_switch(struct stream *s, uint64_t seen)
{
	struct gosan_g *g = gosan_self;
	uint64_t v[GOSAN_TRACE_FIELDS];
	uint8_t first;
	size_t len;

	s->g = s->runs = number_of(g);
	s->visit = g ? ++g->visits : 1;
	if (!has_room(s))
		return;
	v[N_TIME] = gosan_recfile_time_early();
	v[N_G] = s->g;
	v[N_ARG] = s->visit;
	v[N_ARG2] = seen - s->state.tick;
	len = gosan_trace_encode_as(&s->state, GOSAN_TRACE_SWITCH, F_TIME | F_G | F_ARG | F_ARG2, v, NULL, 0,
				    s->at, &first);
	__atomic_store_n(s->at, first, __ATOMIC_RELEASE);
	s->at += len;
	if (g)
		gosan_recorder_actor(g);
}

static inline bool somebody_came(const struct stream *s)
{
	const struct gosan_g *g = gosan_self;

	return s->runs != number_of(g) || (g && s->visit != g->visits);
}

/* A signal handler's record would come into the middle of its thread's: it is lost, and counted. NULL: no record. */
static inline __attribute__((always_inline)) struct stream *begin_record(unsigned op, unsigned fields,
									 const uint64_t *v)
{
	struct stream *s = mine ? mine : take_stream();

	if (__builtin_expect(!s || s->busy, 0)) {
		__atomic_fetch_add(&gosan_recfile_page->lost, 1, __ATOMIC_RELAXED);
		return NULL;
	}
	s->busy = true;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (__builtin_expect(somebody_came(s), 0) && op != GOSAN_TRACE_ANSWER)
		write_switch(s, fields & F_TICK ? v[N_TICK] - 1 : __atomic_load_n(&tick, __ATOMIC_ACQUIRE));
	if (__builtin_expect(!has_room(s), 0)) {
		s->busy = false;
		return NULL;
	}
	return s;
}

/* The release store is the commit: on whatever processor the reader runs, it sees the bytes behind the first. */
static inline void end_record(struct stream *s, uint8_t first, size_t len)
{
	__atomic_store_n(s->at, first, __ATOMIC_RELEASE);
	s->at += len;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	s->busy = false;
}

/* The general way, for what is not frequent. */
static void append(unsigned op, unsigned fields, const uint64_t *v)
{
	struct stream *s = begin_record(op, fields, v);
	uint8_t first;
	size_t len;

	if (!s)
		return;
	len = gosan_trace_encode(&s->state, op, fields, v, NULL, 0, s->at, &first);
	end_record(s, first, len);
}

/* The same with fields that are constants. */
static inline __attribute__((always_inline)) void append_as(unsigned op, unsigned fields, const uint64_t *v,
							    const char *text, size_t n)
{
	struct stream *s = begin_record(op, fields, v);
	uint8_t first;
	size_t len;

	if (!s)
		return;
	len = gosan_trace_encode_as(&s->state, op, fields, v, text, n, s->at, &first);
	end_record(s, first, len);
}

/* Of a record under the engine lock, so no other thread counts at the same time. Others read it without the lock. */
static uint64_t next_tick(void)
{
	uint64_t next = tick + 1;

	__atomic_store_n(&tick, next, __ATOMIC_RELEASE);
	return next;
}

/* ---- events ---- */

/* As in records: seven bits a byte, the lowest first. */
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

/* After the record of what ends a visit or a life. */
static void after(const struct gosan_event *ev)
{
	if (ev->op == GOSAN_EV_G_SPAWN && ev->peer)
		gosan_recorder_actor(ev->peer);
	if (ev->g != gosan_self || !mine)
		return;
	if (ev->op == GOSAN_EV_G_PARK) {
		mine->visit = 0;
		mine->runs = NOBODY;
	}
}

/* Absent members are 0 and cost nothing where they were 0 before. g is named only where another acts for it, as
 * the sender of a rendezvous does for a parked receiver. */
void gosan_recorder_event(const struct gosan_event *ev)
{
	uint64_t v[GOSAN_TRACE_FIELDS] = {
		[N_TIME] = gosan_recfile_time_early(),
		[N_STACK] = ev->stack,
		[N_ADDR] = ev->addr,
		[N_OBJ] = ev->obj ? ev->obj->id : 0,
		[N_SEQ] = ev->obj ? ev->seq : 0,
		[N_MODE] = (uint64_t)ev->mode,
		[N_TICK] = next_tick(),
		[N_ARG] = (uint64_t)ev->arg,
		[N_PEER] = number_of(ev->peer),
		[N_G] = ev->g != gosan_self ? number_of(ev->g) : 0,
		[N_SIZE] = ev->size,
		[N_ARG2] = (uint64_t)ev->arg2,
		[N_OBJ2] = ev->obj2 ? ev->obj2->id : 0,
	};
	char text[GOSAN_TRACE_TEXT_MAX];
	size_t n = 0;

	if (ev->op == GOSAN_EV_G_PARK) {
		n = wait_text(ev->g, text);
	} else if (ev->text) {
		n = strnlen(ev->text, sizeof(text) - 1);
		memcpy(text, ev->text, n);
	}
	if (ev->obj)
		gosan_recorder_object(ev->obj, ev->op == GOSAN_EV_CHAN_MAKE ? (uint32_t)ev->arg + 1 : 0);
	append_as(GOSAN_TRACE_EVENT + (unsigned)ev->op, GOSAN_TRACE_EVENT_FIELDS | F_TEXT, v, text, n);
	after(ev);
}

/* The row before the record: whoever reads the record finds the row. */
static void note_g(const struct gosan_g *g, int mode)
{
	uint64_t v[GOSAN_TRACE_FIELDS];

	gosan_recorder_actor(g);
	v[N_TIME] = gosan_recfile_time();
	v[N_TICK] = next_tick();
	v[N_PEER] = g->no;
	v[N_MODE] = (uint64_t)mode;
	append(GOSAN_TRACE_G_NEW, F_TIME | F_TICK | F_PEER | F_MODE, v);
}

void gosan_recorder_new_g(const struct gosan_g *g)
{
	note_g(g, 0);
}

/* seq is 0 at birth. In a forked child the object has a past whose events are the parent's: its numbers go on from
 * there. */
void gosan_recorder_new_object(const struct gosan_obj *obj)
{
	uint64_t v[GOSAN_TRACE_FIELDS];

	gosan_recorder_object(obj, 0);
	v[N_TICK] = next_tick();
	v[N_OBJ] = obj->id;
	v[N_SEQ] = obj->seq;
	v[N_MODE] = obj->dead;
	append(GOSAN_TRACE_OBJ_NEW, F_TICK | F_OBJ | F_SEQ | F_MODE, v);
}

void gosan_recorder_object_dead(const struct gosan_obj *obj)
{
	uint64_t v[GOSAN_TRACE_FIELDS];

	v[N_TICK] = next_tick();
	v[N_OBJ] = obj->id;
	append(GOSAN_TRACE_OBJ_DEAD, F_TICK | F_OBJ, v);
}

void gosan_recorder_system_begin(const struct gosan_g *sys, const struct gosan_obj *timer)
{
	uint64_t v[GOSAN_TRACE_FIELDS];

	v[N_TIME] = gosan_recfile_time();
	v[N_TICK] = next_tick();
	v[N_PEER] = number_of(sys);
	v[N_OBJ] = timer ? timer->id : 0;
	append(GOSAN_TRACE_SYSTEM_BEGIN, F_TIME | F_TICK | F_PEER | F_OBJ, v);
}

/* Names that were given late, and stacks of threads, are complete now. */
void gosan_recorder_finish(enum gosan_end why)
{
	uint64_t v[GOSAN_TRACE_FIELDS];

	for (const struct gosan_g *g = gosan_engine_all(); g; g = g->next)
		gosan_recorder_actor(g);
	v[N_TIME] = gosan_recfile_time();
	v[N_TICK] = next_tick();
	v[N_MODE] = why;
	append(GOSAN_TRACE_FINISH, F_TIME | F_TICK | F_MODE, v);
}

/* It follows the record that led to the question, in the same stream: no SWITCH comes between, even after a park.
 * The reader keeps it with that record. */
bool gosan_recorder_answer(enum gosan_trace_question question, bool answer)
{
	uint64_t v[GOSAN_TRACE_FIELDS];

	v[N_MODE] = question;
	v[N_ARG] = answer;
	if (gosan_recorder_on)
		append(GOSAN_TRACE_ANSWER, F_MODE | F_ARG, v);
	return answer;
}

/* No time: the processor's counter costs more than the rest of the record. The reader takes that of the record
 * before, which is not later. The two frequent ones are written by code of their own. */
void gosan_recorder_lock(enum gosan_trace_op op, const struct gosan_obj *obj, int mode, uint32_t stack)
{
	uint64_t v[GOSAN_TRACE_FIELDS];

	v[N_OBJ] = obj->id;
	v[N_SEQ] = obj->seq;
	v[N_STACK] = stack;
	v[N_MODE] = (uint64_t)mode;
	if (op == GOSAN_TRACE_RELEASE)
		append_as(GOSAN_TRACE_RELEASE, F_SEQ | F_OBJ | F_STACK | F_MODE, v, NULL, 0);
	else if (op == GOSAN_TRACE_ACQUIRE)
		append_as(GOSAN_TRACE_ACQUIRE, F_SEQ | F_OBJ | F_STACK | F_MODE, v, NULL, 0);
	else
		append(op, gosan_trace_fields(op), v);
}

/* Loads and stores that change no clock are not told: they order nothing. The stripe's number orders the others,
 * also where processors' counters differ. */
void gosan_recorder_atomic(enum gosan_trace_op op, uintptr_t addr, uint64_t seq, int mo, uint32_t arg)
{
	uint64_t v[GOSAN_TRACE_FIELDS];

	v[N_TIME] = gosan_recfile_time_early();
	v[N_ADDR] = addr;
	v[N_SEQ] = seq;
	v[N_MODE] = (uint64_t)mo;
	v[N_STACK] = v[N_ARG] = arg;
	append(op, gosan_trace_fields(op), v);
}

/* Accesses have no number: which of two unordered ones came first is told by their times, and changes at most
 * which is called the previous one. Frees and allocations take the exact clock, because a record of new memory
 * must not come before one of the old (TRACE.md, "Order"). */
void gosan_recorder_access(enum gosan_trace_op op, uintptr_t addr, size_t size, unsigned flags,
			   uint32_t place)
{
	uint64_t v[GOSAN_TRACE_FIELDS];

	v[N_STACK] = place;
	v[N_ADDR] = addr;
	v[N_SIZE] = size;
	v[N_MODE] = flags;
	if (op == GOSAN_TRACE_ACCESS) {
		v[N_TIME] = gosan_recfile_time_early();
		append_as(GOSAN_TRACE_ACCESS, F_TIME | F_STACK | F_ADDR | F_SIZE | F_MODE, v, NULL, 0);
		return;
	}
	v[N_TIME] = gosan_recfile_time();
	append(op, gosan_trace_fields(op), v);
}

void gosan_recorder_copied(const struct gosan_obj *copy, const struct gosan_obj *original, uint32_t stack)
{
	uint64_t v[GOSAN_TRACE_FIELDS];

	v[N_TICK] = next_tick();
	v[N_OBJ] = copy->id;
	v[N_OBJ2] = original->id;
	v[N_STACK] = stack;
	append(GOSAN_TRACE_COPIED, F_TICK | F_OBJ | F_OBJ2 | F_STACK, v);
}

/* For front ends that set the flags of somebody themselves, without an event. */
void gosan_recorder_gone(const struct gosan_g *g, unsigned how)
{
	uint64_t v[GOSAN_TRACE_FIELDS];

	v[N_TIME] = gosan_recfile_time();
	v[N_PEER] = g->no;
	v[N_MODE] = how;
	append(GOSAN_TRACE_GONE, F_TIME | F_PEER | F_MODE, v);
}

/* ---- fork ---- */

/* A lock that somebody holds who stayed with the parent: in the child nobody will give it back. */
static void tell_orphan(struct gosan_obj *obj)
{
	struct gosan_event ev = {.op = GOSAN_EV_LOCK_ACQUIRE, .g = obj->owner, .obj = obj};

	for (size_t i = 0; ev.g && ev.g != gosan_self && !obj->dead && i < ev.g->n_held; i++) {
		if (ev.g->held[i].obj != obj || ev.g->held[i].mode & GO_LOCK_READ)
			continue;
		ev.mode = ev.g->held[i].mode;
		ev.stack = ev.g->held[i].stack;
		gosan_recorder_event(&ev);
		return;
	}
}

/* Whoever does not exist here has ended; objects keep their ids. */
static void tell_inherited(void)
{
	struct gosan_obj *obj;
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
	v[N_TIME] = gosan_recfile_time();
	v[N_TICK] = next_tick();
	append(GOSAN_TRACE_ALONE, F_TIME | F_TICK, v);
	for (size_t i = 0; gosan_self && i < gosan_self->n_held; i++) {
		const struct gosan_held *h = &gosan_self->held[i];

		v[N_TICK] = next_tick();
		v[N_OBJ] = h->obj->id;
		v[N_STACK] = h->stack;
		v[N_MODE] = (uint64_t)h->mode;
		append(GOSAN_TRACE_HELD, F_TICK | F_OBJ | F_STACK | F_MODE, v);
	}
	for (uint32_t id = 1; (obj = gosan_object_by_id(id)) != NULL; id++)
		tell_orphan(obj);
}

/* The parent's streams stay mapped in nobody's hands; its tables are copied. */
void gosan_recorder_begin_child(void)
{
	for (struct gosan_g *g = gosan_engine_all(); g; g = g->next)
		g->visits = 0;
	mine = unused = NULL;
	lock_word = 0;
	tick = 0;
	if (gosan_recorder_fork_tables())
		tell_inherited();
}
