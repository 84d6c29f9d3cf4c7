/* SPDX-License-Identifier: Apache-2.0
 *
 * traceencode.h: the writing half of tracecodec.h, inline: the recorder's frequent records are written by code that was
 * made for their members alone. Knows predictions; knows nothing of files.
 *
 * What a member costs, and why records are written like this: of five members of an access mostly four are as expected,
 * so what is fast is to find that out (a load, a subtraction, a branch for each), and to store nothing then.
 */
#ifndef GOSAN_TRACEENCODE_H
#define GOSAN_TRACEENCODE_H

#include "tracecodec.h"

/* Addresses are mostly eight bytes or a multiple apart: then the lowest bit is 0, and the eighth part follows. */
static inline uint8_t *gosan_trace_put_addr(uint8_t *p, uint64_t d)
{
	uint64_t z = gosan_trace_zigzag(d);

	if (!(d & 7))
		return gosan_trace_put(p, gosan_trace_zigzag((uint64_t)((int64_t)d >> 3)) << 1);
	*p++ = (uint8_t)((z & 0x3f) << 1 | 1 | (z > 0x3f ? 0x80 : 0));
	return z > 0x3f ? gosan_trace_put(p, z >> 6) : p;
}

/* Puts it before the members of a record of len bytes; returns the new length. */
size_t gosan_trace_put_mask(uint8_t *out, size_t len, unsigned mask);

/* The text is not the one that was here last. */
static inline bool gosan_trace_new_text(struct gosan_trace_place *p, const char *text, size_t n)
{
	if (n == p->text_size && n <= GOSAN_TRACE_SHORT && (!n || memcmp(p->text, text, n) == 0))
		return false;
	p->text_size = (uint8_t)(n <= GOSAN_TRACE_SHORT ? n : GOSAN_TRACE_SHORT + 1);
	memcpy(p->text, text, n <= GOSAN_TRACE_SHORT ? n : 0);
	return true;
}

/* An address is told by the one before where that is nearer. */
static inline __attribute__((always_inline)) uint8_t *
gosan_trace_put_near(struct gosan_trace_state *s, uint64_t v, uint64_t d, uint8_t *p, unsigned *mask)
{
	uint64_t near = v - s->addr;

	if (d && gosan_trace_zigzag(near) < gosan_trace_zigzag(d)) {
		*mask |= F_NEAR;
		d = near;
	}
	if (v)
		s->addr = v;
	if (!d)
		return p;
	*mask |= F_ADDR;
	return gosan_trace_put_addr(p, d);
}

/* See gosan_trace_encode. With op and fields known to the compiler this is straight code for just these members: a
 * record of the short ways costs less than the lock itself. The mask comes first, but is known last, and mostly there is
 * none: so members make room for one that there is. */
static inline __attribute__((always_inline)) size_t
gosan_trace_encode_as(struct gosan_trace_state *s, unsigned op, unsigned fields,
		      const uint64_t v[GOSAN_TRACE_FIELDS], const char *text, size_t n, uint8_t *out,
		      uint8_t *ret_first)
{
	struct gosan_trace_place *place = gosan_trace_place(s, op);
	uint8_t *p = out + 1;
	unsigned mask = 0, code;

	__asm__("" : "+r"(place)); /* computed once, not once for each member */
#pragma GCC unroll 13
	for (unsigned i = 0; i < GOSAN_TRACE_FIELDS; i++) {
		uint64_t d;

		if (!(fields & 1u << i))
			continue;
		d = gosan_trace_differ(s, place, i, v[i]);
		if (i == N_ADDR) {
			p = gosan_trace_put_near(s, v[i], d, p, &mask);
		} else if (d) {
			mask |= 1u << i;
			p = gosan_trace_put(p, gosan_trace_zigzag(d));
		}
	}
	if (fields & F_TEXT && gosan_trace_new_text(place, text, n)) {
		mask |= F_TEXT;
		*p++ = (uint8_t)n;
		memcpy(p, text, n);
		p += n;
	}
	code = gosan_trace_code(op, mask);
	*ret_first = (uint8_t)(code ? code : op);
	if (__builtin_expect(code != 0, 1))
		return (size_t)(p - out);
	return gosan_trace_put_mask(out, (size_t)(p - out), mask);
}

#endif
