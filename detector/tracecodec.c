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
 *      ACQUIRE seq 42 obj 7 stack 5     c0        one byte: all as expected in the place (ACQUIRE, after stack 6)
 *      RELEASE seq 43 obj 7 stack 6     d0        likewise in (RELEASE, after stack 5)
 *      ACQUIRE seq 44 obj 7 stack 5     c0        seq went on by 2 as it did before
 *      ACQUIRE seq 45 obj 8 stack 9     ce ...    the code names stack, obj and seq, and their differences follow
 *
 * Accesses of a list or a tree go anywhere, but members of one node lie together: where the address is nearer to that of
 * the record before than to what was expected here, it is told by that (F_NEAR).
 *
 * Several records may share a place by chance: then they predict each other badly, which costs bytes and nothing else.
 *
 * Invariant: encode and decode change the state in the same way, whatever the values are. All arithmetic is modulo
 * 2^64, so that no difference is out of range.
 */
#include "tracecodec.h"
#include "traceencode.h"

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

static inline uint64_t unzigzag(uint64_t z)
{
	return z >> 1 ^ (0 - (z & 1));
}

size_t gosan_trace_put_mask(uint8_t *out, size_t len, unsigned mask)
{
	size_t n = mask < 1u << 7 ? 1 : mask < 1u << 14 ? 2 : 3;

	memmove(out + 1 + n, out + 1, len - 1);
	gosan_trace_put(out + 1, mask);
	return len + n;
}

size_t gosan_trace_encode(struct gosan_trace_state *s, unsigned op, unsigned fields,
			  const uint64_t v[GOSAN_TRACE_FIELDS], const char *text, size_t n, uint8_t *out,
			  uint8_t *ret_first)
{
	return gosan_trace_encode_as(s, op, fields, v, text, n, out, ret_first);
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

/* The counterpart of gosan_trace_put_addr. */
static const uint8_t *get_addr(const uint8_t *p, const uint8_t *end, uint64_t *ret, int *error)
{
	uint64_t z = 0;
	unsigned first = p < end ? *p : 0;

	if (!(first & 1)) {
		p = get(p, end, &z, error);
		*ret = unzigzag(z >> 1) << 3;
		return p;
	}
	p++;
	if (first & 0x80 && !(p = get(p, end, &z, error)))
		return NULL;
	if (z >> 58) {
		*error = -EBADMSG;
		return NULL;
	}
	*ret = unzigzag(z << 6 | (first >> 1 & 0x3f));
	return p;
}

/* One member: what was expected, and what follows of it. */
static const uint8_t *member(struct gosan_trace_state *s, struct gosan_trace_place *place, unsigned i,
			     unsigned mask, const uint8_t *p, const uint8_t *end, uint64_t *ret, int *error)
{
	bool near = i == N_ADDR && mask & F_NEAR;
	uint64_t d = 0, expected;

	if (i == N_TIME)
		expected = s->time;
	else if (i == N_TICK)
		expected = s->tick + 1;
	else
		expected = near ? s->addr : place->last[i] + place->step[gosan_trace_step(i)];
	if (mask & 1u << i) {
		p = i == N_ADDR ? get_addr(p, end, &d, error) : get(p, end, &d, error);
		if (p && i != N_ADDR)
			d = unzigzag(d);
	}
	if (p) {
		*ret = expected + d;
		gosan_trace_differ(s, place, i, *ret);
		if (i == N_ADDR && *ret)
			s->addr = *ret;
	}
	return p;
}

/* The op and the mask of a record that begins with this byte; NULL: it is none. */
static const uint8_t *begin(const uint8_t *p, const uint8_t *end, unsigned *ret_op, unsigned *ret_mask,
			    int *error)
{
	unsigned code = *p++, n = code & 15;
	uint64_t mask;

	if (code >= GOSAN_TRACE_CODE_EVENT) {
		*ret_op = code == GOSAN_TRACE_CODE_SWITCH ? GOSAN_TRACE_SWITCH
							  : GOSAN_TRACE_EVENT + code - GOSAN_TRACE_CODE_EVENT;
		*ret_mask = F_TIME;
	} else if (code >= GOSAN_TRACE_CODE_ACQUIRE) {
		*ret_op = code < GOSAN_TRACE_CODE_RELEASE ? GOSAN_TRACE_ACQUIRE : GOSAN_TRACE_RELEASE;
		*ret_mask = (n & 7) << 4 | (n & 8) >> 2;
	} else if (code >= GOSAN_TRACE_CODE_ACCESS) {
		*ret_op = GOSAN_TRACE_ACCESS;
		*ret_mask = (code & 31) | (code & 32) << 9;
	} else {
		*ret_op = code;
		*error = -EBADMSG;
		if (!gosan_trace_fields(code) || !(p = get(p, end, &mask, error)))
			return NULL;
		*ret_mask = (unsigned)mask;
		if (mask > UINT32_MAX)
			return NULL;
	}
	*error = -EBADMSG;
	return *ret_mask & ~(gosan_trace_fields(*ret_op) | F_NEAR) ? NULL : p;
}

/* What follows, or what was in this place before. */
static const uint8_t *get_text(struct gosan_trace_place *place, unsigned mask, const uint8_t *p,
			       const uint8_t *end, const char **ret_text, size_t *ret_n, int *error)
{
	if (!(mask & F_TEXT)) {
		*error = -EBADMSG;
		*ret_text = place->text;
		*ret_n = place->text_size;
		return place->text_size <= GOSAN_TRACE_SHORT ? p : NULL;
	}
	*error = -EAGAIN;
	if (p == end || (size_t)(end - p) - 1 < *p)
		return NULL;
	*ret_n = *p++;
	*ret_text = (const char *)p;
	gosan_trace_new_text(place, *ret_text, *ret_n);
	return p + *ret_n;
}

/* After a failure the state is of no use any more: what follows in the segment cannot be read. The acquire load
 * meets the writer's release, for a recording that is read while it is made. */
long gosan_trace_decode(struct gosan_trace_state *s, const uint8_t *in, size_t size, unsigned *ret_op,
			uint64_t v[GOSAN_TRACE_FIELDS], const char **ret_text, size_t *ret_n)
{
	const uint8_t *p = in, *end = in + size;
	struct gosan_trace_place *place;
	unsigned mask = 0, fields;
	int error = 0;

	if (size == 0 || !__atomic_load_n(in, __ATOMIC_ACQUIRE))
		return 0;
	if (!(p = begin(p, end, ret_op, &mask, &error)))
		return error;
	fields = gosan_trace_fields(*ret_op);
	place = gosan_trace_place(s, *ret_op);
	memset(v, 0, GOSAN_TRACE_FIELDS * sizeof(*v));
	*ret_n = 0;
	for (unsigned m = fields & ~(unsigned)F_TEXT; m; m &= m - 1) {
		unsigned i = (unsigned)__builtin_ctz(m);

		if (!(p = member(s, place, i, mask, p, end, &v[i], &error)))
			return error;
	}
	if (fields & F_TEXT && !(p = get_text(place, mask, p, end, ret_text, ret_n, &error)))
		return error;
	return p - in;
}
