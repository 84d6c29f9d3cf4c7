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
