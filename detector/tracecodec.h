/* SPDX-License-Identifier: Apache-2.0
 *
 * tracecodec.h: records to bytes and back. Knows predictions; knows nothing of files. Writer and reader keep the same
 * state, from the beginning of a segment on.
 */
#ifndef GOSAN_TRACECODEC_H
#define GOSAN_TRACECODEC_H

#include "tracefile.h"

#include <stddef.h>
#include <stdint.h>

/* 64 places: a loop of as many different calls is predicted in full. 9 KiB, cleared per segment of some 20,000
 * records. */
#define GOSAN_TRACE_PLACES 64
struct gosan_trace_state {
	uint64_t time, tick;
	uint64_t stack; /* of the record before: chooses the place of the next */
	struct {
		uint64_t last[GOSAN_TRACE_FIELDS];
		uint64_t step[4]; /* of the members that go on as they did; [0] stays 0 */
	} place[GOSAN_TRACE_PLACES];
};

/* Numbers of members: those of the bits. */
enum gosan_trace_number {
	N_TIME,
	N_STACK,
	N_ADDR,
	N_OBJ,
	N_SEQ,
	N_MODE,
	N_TICK,
	N_ARG,
	N_PEER,
	N_G,
	N_SIZE,
	N_ARG2,
	N_OBJ2
};
_Static_assert(N_OBJ2 + 1 == GOSAN_TRACE_FIELDS && F_OBJ2 == 1 << N_OBJ2, "numbers are those of the bits");

/* Which step a member has: addresses, numbers on objects and arguments mostly go on as they did. 0: none, and the step
 * that is always 0. */
static inline unsigned gosan_trace_step(unsigned i)
{
	return i == N_ADDR ? 1 : i == N_SEQ ? 2 : i == N_ARG ? 3 : 0;
}

static inline unsigned gosan_trace_place(const struct gosan_trace_state *s, unsigned op)
{
	return (unsigned)(((s->stack ^ (uint64_t)op << 24) * UINT64_C(0x9e3779b97f4a7c15)) >> 58);
}

/* What member i of place e is expected to be. */
static inline uint64_t gosan_trace_expect(const struct gosan_trace_state *s, unsigned e, unsigned i)
{
	if (i == N_TIME)
		return s->time;
	if (i == N_TICK)
		return s->tick + 1;
	return s->place[e].last[i] + s->place[e].step[gosan_trace_step(i)];
}

static inline void gosan_trace_learn(struct gosan_trace_state *s, unsigned e, unsigned i, uint64_t v)
{
	if (i == N_TIME) {
		s->time = v;
		return;
	}
	if (i == N_TICK) {
		s->tick = v;
		return;
	}
	if (gosan_trace_step(i))
		s->place[e].step[gosan_trace_step(i)] = v - s->place[e].last[i];
	s->place[e].last[i] = v;
	if (i == N_STACK)
		s->stack = v;
}

static inline uint8_t *gosan_trace_put(uint8_t *p, uint64_t v)
{
	for (; v > 0x7f; v >>= 7)
		*p++ = (uint8_t)(v | 0x80);
	*p++ = (uint8_t)v;
	return p;
}

/* The record without its text. With op and fields known to the compiler this is straight code for just these members: a
 * record of the short ways costs less than the lock itself. In two rounds, because the mask comes first. */
static inline __attribute__((always_inline)) size_t
gosan_trace_encode_as(struct gosan_trace_state *s, unsigned op, unsigned fields, unsigned mask,
		      const uint64_t v[GOSAN_TRACE_FIELDS], uint8_t *out)
{
	uint64_t differ[GOSAN_TRACE_FIELDS];
	unsigned e = gosan_trace_place(s, op);
	uint8_t *p;

#pragma GCC unroll 13
	for (unsigned i = 0; i < GOSAN_TRACE_FIELDS; i++) {
		if (!(fields & 1u << i))
			continue;
		differ[i] = v[i] - gosan_trace_expect(s, e, i);
		mask |= differ[i] ? 1u << i : 0;
		gosan_trace_learn(s, e, i, v[i]);
	}
	p = gosan_trace_put(out + 1, mask);
#pragma GCC unroll 13
	for (unsigned i = 0; i < GOSAN_TRACE_FIELDS; i++)
		if (fields & 1u << i && mask & 1u << i)
			p = gosan_trace_put(p, differ[i] << 1 ^ (uint64_t)((int64_t)differ[i] >> 63));
	return (size_t)(p - out);
}

/* Which members records of this op have; 0 for an op that is none. */
unsigned gosan_trace_fields(unsigned op);

/* The bytes of a record at out, which has room for GOSAN_TRACE_RECORD_MAX, except the first: it is the caller's to
 * store last. v has a value for each number in fields; text (F_TEXT in fields) has n <= GOSAN_TRACE_TEXT_MAX - 1 bytes.
 * Returns the length. */
size_t gosan_trace_encode(struct gosan_trace_state *s, unsigned op, unsigned fields,
			  const uint64_t v[GOSAN_TRACE_FIELDS], const char *text, size_t n, uint8_t *out);
/* The record at `in`, of at most `size` bytes. Returns its length; 0: nothing was written here; -EAGAIN: it goes on
 * beyond size; -EBADMSG: it cannot be one. v and *ret_text are set on success; text is not terminated. */
long gosan_trace_decode(struct gosan_trace_state *s, const uint8_t *in, size_t size, unsigned *ret_op,
			uint64_t v[GOSAN_TRACE_FIELDS], const char **ret_text, size_t *ret_n);

#endif
