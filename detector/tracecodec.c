/* SPDX-License-Identifier: Apache-2.0
 *
 * tracecodec.c: a record is its difference to what was expected in its place.
 *
 * Programs repeat themselves: after a record with this stack mostly comes what came after it before. So the place of a
 * record, of which the state remembers the members, is chosen by its op and by the stack of the record before: a
 * context of order one, as in Cleary and Witten's PPM (IEEE Trans. Comm. 1984), but for whole records. What steps on
 * (addresses of an array, numbers of events) is expected to make the last step again.
 *
 * Example: a loop that takes and gives back lock 7 (stack 5 and 6), from its second turn on:
 *
 *      ACQUIRE seq 42 obj 7 stack 5     0a 00     two bytes: all as expected in the place (ACQUIRE, after stack 6)
 *      RELEASE seq 43 obj 7 stack 6     0c 00     likewise in (RELEASE, after stack 5)
 *      ACQUIRE seq 44 obj 7 stack 5     0a 00     seq went on by 2 as it did before
 *      ACQUIRE seq 45 obj 8 stack 9     0a 1a ... the mask names stack, obj and seq, and their differences follow
 *
 * Several records may share a place by chance: then they predict each other badly, which costs bytes and nothing else.
 *
 * Invariant: encode and decode change the state in the same way, whatever the values are. All arithmetic is modulo
 * 2^64, so that no difference is out of range.
 */
#include "tracecodec.h"

#include <errno.h>
#include <string.h>

static const uint16_t others[GOSAN_TRACE_OTHERS] = {
#define X(name, text, fields) fields,
#include "trace.def"
#undef X
};

/* Texts come with faults and with what a parked goroutine waits for. */
unsigned gosan_trace_fields(unsigned op)
{
	if (op >= GOSAN_TRACE_EVENT)
		return op - GOSAN_TRACE_EVENT < GOSAN_EV_COUNT ? GOSAN_TRACE_EVENT_FIELDS | F_TEXT : 0;
	return op < GOSAN_TRACE_OTHERS ? others[op] : 0;
}

/* Small differences of either sign are small numbers (as in Protocol Buffers): -1 is 1, 1 is 2. */
static inline uint64_t unzigzag(uint64_t z)
{
	return z >> 1 ^ (0 - (z & 1));
}

size_t gosan_trace_encode(struct gosan_trace_state *s, unsigned op, unsigned fields,
			  const uint64_t v[GOSAN_TRACE_FIELDS], const char *text, size_t n, uint8_t *out)
{
	size_t len = gosan_trace_encode_as(s, op, fields, fields & F_TEXT, v, out);

	if (fields & F_TEXT) {
		out[len++] = (uint8_t)n;
		memcpy(out + len, text, n);
		len += n;
	}
	return len;
}

/* NULL: it is not all there, or longer than 64 bits. */
static const uint8_t *get(const uint8_t *p, const uint8_t *end, uint64_t *ret, int *error)
{
	uint64_t v = 0;

	for (unsigned shift = 0; p < end; shift += 7) {
		uint8_t b = *p++;

		if (shift == 63 && b > 1) {
			*error = -EBADMSG;
			return NULL;
		}
		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80)) {
			*ret = v;
			return p;
		}
	}
	*error = -EAGAIN;
	return NULL;
}

/* Members after the mask. */
static const uint8_t *members(struct gosan_trace_state *s, const uint8_t *p, const uint8_t *end, unsigned op,
			      unsigned mask, uint64_t v[], int *error)
{
	unsigned e = gosan_trace_place(s, op);

	for (unsigned m = gosan_trace_fields(op) & ~(unsigned)F_TEXT; m; m &= m - 1) {
		unsigned i = (unsigned)__builtin_ctz(m);
		uint64_t z = 0;

		if (mask & 1u << i && !(p = get(p, end, &z, error)))
			return NULL;
		v[i] = gosan_trace_expect(s, e, i) + unzigzag(z);
		gosan_trace_learn(s, e, i, v[i]);
	}
	return p;
}

/* After a failure the state is of no use any more: what follows in the segment cannot be read. The acquire load
 * meets the writer's release, for a recording that is read while it is made. */
long gosan_trace_decode(struct gosan_trace_state *s, const uint8_t *in, size_t size, unsigned *ret_op,
			uint64_t v[GOSAN_TRACE_FIELDS], const char **ret_text, size_t *ret_n)
{
	const uint8_t *p = in + 1, *end = in + size;
	unsigned fields;
	uint64_t mask = 0;
	int error = 0;

	if (size == 0 || !__atomic_load_n(in, __ATOMIC_ACQUIRE))
		return 0;
	fields = gosan_trace_fields(*in);
	if (!fields)
		return -EBADMSG;
	if (!(p = get(p, end, &mask, &error)))
		return error;
	if (mask & ~(uint64_t)fields)
		return -EBADMSG;
	memset(v, 0, GOSAN_TRACE_FIELDS * sizeof(*v));
	if (!(p = members(s, p, end, *in, (unsigned)mask, v, &error)))
		return error;
	*ret_op = *in;
	*ret_n = 0;
	if (mask & F_TEXT) {
		if (p == end || (size_t)(end - p) - 1 < *p)
			return -EAGAIN;
		*ret_n = *p++;
		*ret_text = (const char *)p;
		p += *ret_n;
	}
	return p - in;
}
