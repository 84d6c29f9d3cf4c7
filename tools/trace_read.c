/* SPDX-License-Identifier: Apache-2.0
 *
 * trace_read.c: records in an order that could have been (TRACE.md, "Order").
 *
 * Streams wait in a heap by the time of their next record. The first that is ready gives it; those before it that are
 * not go back into the heap. In a whole recording somebody is always ready: each record waits only for some that were
 * made before it. In a damaged one, or in the rest that a ring has, nobody may be: then the first goes on with what it
 * has, and the record says that there is a gap.
 *
 *      stream 1   lock m #1 . . unlock m #2 . . . . . . . . . . .        time goes to the right;
 *      stream 2   . . . . . . . . . . . . . . lock m #3 . unlock m #4     #n is the number on m
 *
 * The lock of stream 2 may carry an earlier time than the unlock of stream 1 (the short ways have none of their own, only
 * that of the record before). It waits for number 2 nevertheless; meanwhile stream 1 gives what it has.
 *
 * Complexity: a record costs the logarithm of the number of streams, and one look at each stream that has an earlier time
 * and must wait. These are few: a thread that waits for another in the recording waited for it when it was made.
 */
#include "trace_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- a stream ---- */

/* False: there is none. */
static bool next_segment(struct trace_stream *s)
{
	const struct gosan_trace_segment *h;

	if (s->segment == s->n_segments)
		return false;
	h = (const void *)s->segments[s->segment++];
	memset(&s->state, 0, sizeof s->state);
	s->state.time = h->time;
	s->state.tick = h->tick;
	s->at = sizeof *h;
	return true;
}

/* 0 is nobody, and always there. */
static bool to_u32(uint64_t v, size_t rows, uint32_t *ret)
{
	*ret = (uint32_t)v;
	return v == 0 || v < rows;
}

/* Numbers that name rows name rows. */
static bool fill(const struct trace *t, struct trace_stream *s, const uint64_t *v, const char *text, size_t n)
{
	struct gosan_trace_rec *r = &s->head;

	r->time = s->state.time;
	r->tick = v[N_TICK];
	r->seq = v[N_SEQ];
	r->mode = (int)v[N_MODE];
	r->arg = (int64_t)v[N_ARG];
	r->arg2 = (int64_t)v[N_ARG2];
	if (r->op == GOSAN_TRACE_SWITCH)
		r->arg2 += (int64_t)s->state.tick;
	r->addr = v[N_ADDR];
	r->size = v[N_SIZE];
	if (n >= sizeof r->text)
		return false;
	if (n)
		memcpy(r->text, text, n);
	r->text[n] = 0;
	r->text_size = n;
	return to_u32(v[N_STACK], SIZE_MAX, &r->stack) && v[N_STACK] <= UINT32_MAX &&
	       to_u32(v[N_OBJ], t->n_objects, &r->obj) && to_u32(v[N_OBJ2], t->n_objects, &r->obj2) &&
	       to_u32(v[N_PEER], t->n_actors, &r->peer) && to_u32(v[N_G], t->n_actors, &r->g);
}

/* What is behind the last record of a stream: nothing, or half of one. */
static bool is_torn(const struct trace_stream *s)
{
	const uint8_t *segment = s->segments[s->segment - 1];

	for (size_t i = s->at; i < GOSAN_TRACE_SEGMENT && i < s->at + GOSAN_TRACE_RECORD_MAX; i++)
		if (segment[i])
			return true;
	return false;
}

/* The next record into head: 1; 0 at the end; -EBADMSG. Segments follow each other when there was no room for a
 * record, so that the rest of one is empty. */
static int decode(struct trace *t, struct trace_stream *s)
{
	uint64_t v[GOSAN_TRACE_FIELDS];
	const char *text = NULL;
	size_t n = 0;
	long len = 0;

	for (;;) {
		if (s->segment)
			len = gosan_trace_decode(&s->state, s->segments[s->segment - 1] + s->at,
						 GOSAN_TRACE_SEGMENT - s->at, &s->head.op, v, &text, &n);
		if (len)
			break;
		if (s->segment == s->n_segments && s->segment && is_torn(s))
			t->loss.torn++;
		if (!next_segment(s))
			return 0;
	}
	if (len < 0 || !fill(t, s, v, text, n))
		return -EBADMSG;
	s->at += (size_t)len;
	return 1;
}

/* Its goroutine is elsewhere from now on. */
static void leave(struct trace *t, const struct trace_stream *s)
{
	if (s->g < t->n_actors && t->visits[s->g] < s->visit)
		t->visits[s->g] = s->visit;
}

/* Go on to the next record; answers are put aside on the way. */
static void advance(struct trace *t, struct trace_stream *s)
{
	int rc;

	s->n_answers = 0;
	while ((rc = decode(t, s)) > 0 && s->head.op == GOSAN_TRACE_ANSWER) {
		if (s->n_answers == TRACE_ANSWERS_MAX)
			continue;
		s->answers[s->n_answers].question = s->head.mode;
		s->answers[s->n_answers++].answer = s->head.arg != 0;
	}
	if (rc < 0)
		t->loss.damaged++;
	if (rc > 0 && t->page.stop_time && s->head.time > t->page.stop_time) {
		t->loss.stopped = true;
		rc = 0;
	}
	s->over = rc <= 0;
	/* The visit that a damaged record cut off does not end: what its goroutine does elsewhere is behind a gap. */
	if (rc == 0 || (rc > 0 && s->head.op == GOSAN_TRACE_SWITCH))
		leave(t, s);
}

/* ---- the heap ---- */

/* The number of the stream makes the order total: a recording always gives the same order. */
static bool before(const struct trace_stream *a, const struct trace_stream *b)
{
	return a->head.time != b->head.time ? a->head.time < b->head.time : a->no < b->no;
}

/* A binary heap (Williams 1964): threads may be thousands. */
static void push(struct trace *t, struct trace_stream *s)
{
	size_t i = t->n_heap++;

	for (; i && before(s, t->heap[(i - 1) / 2]); i = (i - 1) / 2)
		t->heap[i] = t->heap[(i - 1) / 2];
	t->heap[i] = s;
}

static struct trace_stream *pop(struct trace *t)
{
	struct trace_stream *top = t->heap[0], *s = t->heap[--t->n_heap];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= t->n_heap)
			break;
		if (child + 1 < t->n_heap && before(t->heap[child + 1], t->heap[child]))
			child++;
		if (!before(t->heap[child], s))
			break;
		t->heap[i] = t->heap[child];
		i = child;
	}
	if (t->n_heap)
		t->heap[i] = s;
	return top;
}

/* ---- order ---- */

/* The number that the record waits for, and that the next one on its object or stripe has; NULL: it waits for
 * none. Events of objects whose engine lock orders them have a number, too; it then agrees with the tick. */
static uint64_t *number_of(struct trace *t, const struct gosan_trace_rec *r)
{
	if (r->op == GOSAN_TRACE_LOAD || r->op == GOSAN_TRACE_STORE)
		return &t->stripes[gosan_trace_stripe(r->addr)];
	if (r->op == GOSAN_TRACE_OBJ_NEW || !r->seq || !r->obj)
		return NULL;
	return &t->next_seq[r->obj];
}

/* The tick of a SWITCH is one that its goroutine has seen: it may be that of a pass that nobody completed. */
static bool is_ready(struct trace *t, const struct trace_stream *s)
{
	const struct gosan_trace_rec *r = &s->head;
	const uint64_t *next = number_of(t, r);

	if (r->op == GOSAN_TRACE_SWITCH)
		return (uint64_t)r->arg2 <= t->tick && t->visits[r->g] + 1 >= (uint64_t)r->arg;
	if (r->tick && r->tick != t->tick + 1)
		return false;
	return !next || !*next || r->seq == *next;
}

/* False: it is no record for others. A SWITCH that nobody was ready for comes after something that is missing, and then
 * so does what follows it. But a killed process may have seen the tick of a pass that it did not complete: nothing comes
 * of that one, so nothing is missing. And in what is left of a ring the first visit is any. */
static bool take(struct trace *t, struct trace_stream *s, bool *gap)
{
	const struct gosan_trace_rec *r = &s->head;
	uint64_t *next = number_of(t, r);

	if (r->op == GOSAN_TRACE_SWITCH) {
		s->gap |= *gap && !t->cut && (t->info.ended || t->visits[r->g] + 1 < (uint64_t)r->arg);
		s->g = r->g;
		s->visit = (uint32_t)r->arg;
		return false;
	}
	*gap |= s->gap;
	s->gap = false;
	if (r->tick > t->tick)
		t->tick = r->tick;
	if (next)
		*next = r->seq + 1;
	if (r->op == GOSAN_TRACE_OBJ_NEW)
		t->next_seq[r->obj] = r->seq + 1;
	return true;
}

/* The first that is ready, out of the heap; NULL at the end. With nobody ready, the first. */
static struct trace_stream *choose(struct trace *t, bool *ret_gap)
{
	struct trace_stream *found = NULL, *waiting = NULL;

	*ret_gap = false;
	while (t->n_heap && !found) {
		struct trace_stream *s = pop(t);

		if (is_ready(t, s)) {
			found = s;
		} else {
			s->waits = waiting;
			waiting = s;
		}
	}
	while (waiting) {
		struct trace_stream *s = waiting;

		waiting = s->waits;
		push(t, s);
	}
	if (found || !t->n_heap)
		return found;
	*ret_gap = true;
	return pop(t);
}

/* Since the start. A damaged page may have any clock: thirty years are enough. */
static uint64_t to_ns(const struct trace *t, uint64_t time)
{
	double ns = time > t->page.time0 ? (double)(time - t->page.time0) * t->ns_per_unit : 0;

	return ns < 1e18 ? (uint64_t)ns : UINT64_C(1000000000000000000);
}

/* Only as much of the text as there is: it is the largest part of a record and mostly absent. */
static void give(const struct trace *t, const struct trace_stream *s, bool gap, struct trace_event *ret)
{
	memcpy(&ret->rec, &s->head, offsetof(struct gosan_trace_rec, text) + s->head.text_size + 1);
	ret->runs = s->g;
	ret->g = s->head.g ? s->head.g : s->g;
	ret->stream = s->no;
	ret->gap = gap;
	ret->ns = to_ns(t, s->head.time);
}

/* The stream that gave the last record is looked at first: mostly it goes on. A gap is told with the
 * first record behind it. */
int trace_next(struct trace *t, struct trace_event *ret)
{
	for (;;) {
		struct trace_stream *s;
		bool gap, mine;

		if (t->last && !t->last->over)
			push(t, t->last);
		t->last = NULL;
		s = choose(t, &gap);
		if (!s)
			return 0;
		mine = take(t, s, &gap);
		if (mine) {
			give(t, s, gap, ret);
			t->loss.gaps += gap && ret->ns >= t->loss.cut_ns;
		}
		t->last = s;
		advance(t, s);
		if (mine)
			return 1;
	}
}

/* They were read with the record before which they were asked: nothing has to look ahead. */
bool trace_answer(const struct trace *t, size_t i, int *ret_question, bool *ret_answer)
{
	if (!t->last || i >= t->last->n_answers)
		return false;
	*ret_question = t->last->answers[i].question;
	*ret_answer = t->last->answers[i].answer;
	return true;
}

void trace_loss(const struct trace *t, struct trace_loss *ret)
{
	*ret = t->loss;
	ret->lost = t->page.lost;
	ret->stopped |= t->page.stop_time != 0;
}

/* Whatever a ring has lost was made before this: the latest of the times at which its streams begin. */
static void find_cut(struct trace *t)
{
	for (size_t i = 0; i < t->n_streams; i++) {
		const struct trace_stream *s = &t->streams[i];
		const struct gosan_trace_segment *h = s->n_segments ? (const void *)s->segments[0] : NULL;
		uint64_t ns;

		if (!h || !h->number)
			continue;
		ns = to_ns(t, h->time);
		if (ns > t->loss.cut_ns)
			t->loss.cut_ns = ns;
		t->cut = true;
	}
}

/* The pass that the oldest record of a ring comes after. */
static uint64_t first_tick(const struct trace *t)
{
	uint64_t least = t->cut ? UINT64_MAX : 0;

	for (size_t i = 0; t->cut && i < t->n_streams; i++) {
		const struct trace_stream *s = &t->streams[i];
		const struct gosan_trace_segment *h = s->n_segments ? (const void *)s->segments[0] : NULL;

		if (h && h->tick < least)
			least = h->tick;
	}
	return least;
}

/* In what is left of a ring the first number of everything is any. */
void trace_rewind(struct trace *t)
{
	t->last = NULL;
	t->n_heap = 0;
	t->tick = first_tick(t);
	t->loss = (struct trace_loss){.cut_ns = t->loss.cut_ns};
	memset(t->next_seq, 0, t->n_objects * sizeof *t->next_seq);
	memset(t->visits, 0, t->n_actors * sizeof *t->visits);
	for (size_t i = 0; i < 1u << GOSAN_TRACE_STRIPE_BITS; i++)
		t->stripes[i] = t->cut ? 0 : 1;
	for (size_t i = 0; i < t->n_streams; i++) {
		struct trace_stream *s = &t->streams[i];
		const struct gosan_trace_segment *h = s->n_segments ? (const void *)s->segments[0] : NULL;

		s->segment = s->at = 0;
		s->over = s->gap = false;
		s->g = h && h->g < t->n_actors ? h->g : 0;
		s->visit = h ? h->visit : 0;
		advance(t, s);
		if (!s->over)
			push(t, s);
	}
}

/* Once: what follows from the files alone, then the first records. */
void trace_read_begin(struct trace *t)
{
	t->heap = arena_alloc(t->arena, (t->n_streams + 1) * sizeof(*t->heap));
	t->next_seq = arena_alloc(t->arena, (t->n_objects + 1) * sizeof *t->next_seq);
	t->visits = arena_alloc(t->arena, (t->n_actors + 1) * sizeof *t->visits);
	t->stripes = arena_alloc(t->arena, sizeof(*t->stripes) << GOSAN_TRACE_STRIPE_BITS);
	find_cut(t);
	trace_rewind(t);
}
