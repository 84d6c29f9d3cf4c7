/* SPDX-License-Identifier: Apache-2.0
 *
 * tracecodec.h: records to bytes and back. Knows predictions; knows nothing of files. Writer and reader keep the same
 * state, from the beginning of a segment on.
 */
#ifndef GOSAN_TRACECODEC_H
#define GOSAN_TRACECODEC_H

#include "tracefile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* 64 places: a loop of as many different calls is predicted in full. 10 KiB, cleared per segment of some 20,000
 * records. */
#define GOSAN_TRACE_PLACES 64
#define GOSAN_TRACE_SHORT  15u /* bytes of a text that is remembered: what a goroutine waits for fits */
struct gosan_trace_place {
	uint64_t last[GOSAN_TRACE_FIELDS];
	uint64_t step[4];  /* of the members that go on as they did; [0] stays 0 */
	uint8_t text_size; /* above SHORT: unknown, and equal to none */
	char text[GOSAN_TRACE_SHORT];
};
struct gosan_trace_state {
	uint64_t time, tick;
	uint64_t stack; /* of the record before: chooses the place of the next */
	uint64_t
		addr; /* of the last record that had one: a node's members are looked at one after the other */
	struct gosan_trace_place place[GOSAN_TRACE_PLACES];
};

/* Numbers of members: those of the bits. */
enum gosan_trace_number {
	N_TIME,
	N_STACK,
	N_ADDR,
	N_SIZE,
	N_MODE,
	N_OBJ,
	N_SEQ,
	N_TICK,
	N_ARG,
	N_PEER,
	N_G,
	N_ARG2,
	N_OBJ2
};
_Static_assert(N_OBJ2 + 1 == GOSAN_TRACE_FIELDS && F_OBJ2 == 1 << N_OBJ2, "numbers are those of the bits");

/* Codes: op and mask in one byte, for what is frequent. */
#define GOSAN_TRACE_CODE_ACCESS  0x80u /* and its members, and NEAR: 64 */
#define GOSAN_TRACE_CODE_ACQUIRE 0xc0u /* and its four members */
#define GOSAN_TRACE_CODE_RELEASE 0xd0u
#define GOSAN_TRACE_CODE_EVENT   0xe0u /* and the number of the event: all as expected but the time */
#define GOSAN_TRACE_CODE_SWITCH  0xffu /* likewise */
#define GOSAN_TRACE_CODE_EVENTS  (GOSAN_TRACE_CODE_SWITCH - GOSAN_TRACE_CODE_EVENT)

/* 0: there is none, and the op and the mask stand for themselves. */
static inline unsigned gosan_trace_code(unsigned op, unsigned mask)
{
	if (op == GOSAN_TRACE_ACCESS)
		return GOSAN_TRACE_CODE_ACCESS | (mask & 31u) | (mask & F_NEAR) >> 9;
	if (op == GOSAN_TRACE_ACQUIRE || op == GOSAN_TRACE_RELEASE)
		return (op == GOSAN_TRACE_ACQUIRE ? GOSAN_TRACE_CODE_ACQUIRE : GOSAN_TRACE_CODE_RELEASE) |
		       (mask >> 4 & 7u) | (mask & F_STACK) << 2;
	if (mask != F_TIME)
		return 0;
	if (op == GOSAN_TRACE_SWITCH)
		return GOSAN_TRACE_CODE_SWITCH;
	return op - GOSAN_TRACE_EVENT < GOSAN_TRACE_CODE_EVENTS
		       ? GOSAN_TRACE_CODE_EVENT + op - GOSAN_TRACE_EVENT
		       : 0;
}

/* Which step a member has: addresses, numbers on objects and arguments mostly go on as they did. 0: none, and the step
 * that is always 0. */
static inline unsigned gosan_trace_step(unsigned i)
{
	return i == N_ADDR ? 1 : i == N_SEQ ? 2 : i == N_ARG ? 3 : 0;
}

static inline struct gosan_trace_place *gosan_trace_place(struct gosan_trace_state *s, unsigned op)
{
	return &s->place[((s->stack ^ (uint64_t)op << 24) * UINT64_C(0x9e3779b97f4a7c15)) >> 58];
}

/* Small differences of either sign are small numbers (as in Protocol Buffers): -1 is 1, 1 is 2. */
static inline uint64_t gosan_trace_zigzag(uint64_t d)
{
	return d << 1 ^ (uint64_t)((int64_t)d >> 63);
}

static inline uint8_t *gosan_trace_put(uint8_t *p, uint64_t v)
{
	for (; v > 0x7f; v >>= 7)
		*p++ = (uint8_t)(v | 0x80);
	*p++ = (uint8_t)v;
	return p;
}

/* Learns v, and says how it differs from what was expected. Of what was as expected nothing is stored that is there
 * already: most of a record is. */
static inline __attribute__((always_inline)) uint64_t
gosan_trace_differ(struct gosan_trace_state *s, struct gosan_trace_place *p, unsigned i, uint64_t v)
{
	unsigned k = gosan_trace_step(i);
	uint64_t d;

	if (i == N_TIME || i == N_TICK) {
		d = i == N_TIME ? v - s->time : v - s->tick - 1;
		*(i == N_TIME ? &s->time : &s->tick) = v;
		return d;
	}
	d = v - p->last[i] - (k ? p->step[k] : 0);
	if (k || d)
		p->last[i] = v;
	if (k && d)
		p->step[k] += d;
	if (i == N_STACK)
		s->stack = v;
	return d;
}

/* Which members records of this op have; 0 for an op that is none. */
unsigned gosan_trace_fields(unsigned op);

/* The bytes of a record at out, which has room for GOSAN_TRACE_RECORD_MAX, except the first: that is *ret_first, and the
 * caller's to store last. v has a value for each number in fields; text (F_TEXT in fields) has n <=
 * GOSAN_TRACE_TEXT_MAX - 1 bytes. Returns the length. */
size_t gosan_trace_encode(struct gosan_trace_state *s, unsigned op, unsigned fields,
			  const uint64_t v[GOSAN_TRACE_FIELDS], const char *text, size_t n, uint8_t *out,
			  uint8_t *ret_first);
/* The record at `in`, of at most `size` bytes. Returns its length; 0: nothing was written here; -EAGAIN: it goes on
 * beyond size; -EBADMSG: it cannot be one. v and *ret_text are set on success; text is not terminated, and lasts until
 * the next call. */
long gosan_trace_decode(struct gosan_trace_state *s, const uint8_t *in, size_t size, unsigned *ret_op,
			uint64_t v[GOSAN_TRACE_FIELDS], const char **ret_text, size_t *ret_n);

#endif
