/* SPDX-License-Identifier: Apache-2.0
 * What was encoded is decoded, whatever it was; what a loop repeats costs one byte; what cannot be is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tracecodec.h"

#define RECORDS 20000

static uint64_t random_state = 88172645463325252u;

/* xorshift64 (Marsaglia, 2003). */
static uint64_t any(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	return random_state ^= random_state << 17;
}

/* Small, large, negative, the same as often before. */
static uint64_t some_value(void)
{
	switch (any() % 4) {
	case 0:
		return any() % 4;
	case 1:
		return any();
	case 2:
		return 0 - any() % 300;
	default:
		return 0x7f0000000000 + any() % 64 * 8;
	}
}

static unsigned some_op(void)
{
	unsigned op;

	do
		op = (unsigned)(any() % 128);
	while (!gosan_trace_fields(op));
	return op;
}

static struct gosan_trace_state writer, reader;

static void start_afresh(void)
{
	memset(&writer, 0, sizeof writer);
	memset(&reader, 0, sizeof reader);
}

static void comes_back(void **state)
{
	(void)state;
	start_afresh();
	for (int i = 0; i < RECORDS; i++) {
		uint64_t v[GOSAN_TRACE_FIELDS], w[GOSAN_TRACE_FIELDS];
		uint8_t bytes[GOSAN_TRACE_RECORD_MAX], first = 0;
		char text[GOSAN_TRACE_TEXT_MAX];
		unsigned op = some_op(), fields = gosan_trace_fields(op), got;
		const char *got_text = NULL;
		size_t n = 0, got_n = 0, len;

		for (size_t k = 0; k < GOSAN_TRACE_FIELDS; k++)
			v[k] = some_value();
		if (fields & F_TEXT) {
			n = any() % (any() % 2 ? 4 : sizeof text);
			memset(text, (int)(any() % 2), sizeof text);
		}
		len = gosan_trace_encode(&writer, op, fields, v, text, n, bytes, &first);
		assert_in_range(len, 1, GOSAN_TRACE_RECORD_MAX);
		assert_int_not_equal(first, 0);
		bytes[0] = first;
		assert_int_equal(gosan_trace_decode(&reader, bytes, len, &got, w, &got_text, &got_n),
				 (long)len);
		assert_int_equal(got, op);
		for (size_t k = 0; k < GOSAN_TRACE_FIELDS; k++)
			if (fields & 1u << k)
				assert_int_equal(w[k], v[k]);
		assert_int_equal(got_n, n);
		if (n)
			assert_memory_equal(got_text, text, n);
	}
}

/* Two locks, taken and given back in turn. */
static void a_loop_is_predicted(void **state)
{
	size_t total = 0;

	(void)state;
	start_afresh();
	for (uint64_t i = 0; i < 1000; i++) {
		uint64_t v[GOSAN_TRACE_FIELDS] = {
			[N_OBJ] = 1 + i / 2 % 2, [N_STACK] = 10 + i % 4, [N_SEQ] = i / 4 * 2 + i % 2};
		uint8_t bytes[GOSAN_TRACE_RECORD_MAX], first;
		unsigned op = i % 2 ? GOSAN_TRACE_RELEASE : GOSAN_TRACE_ACQUIRE;

		total += gosan_trace_encode(&writer, op, gosan_trace_fields(op), v, NULL, 0, bytes, &first);
	}
	assert_in_range(total, 1000, 1050);
}

static long decode(const uint8_t *bytes, size_t n)
{
	uint64_t v[GOSAN_TRACE_FIELDS];
	const char *text;
	unsigned op;
	size_t len;

	start_afresh();
	return gosan_trace_decode(&reader, bytes, n, &op, v, &text, &len);
}

static void what_cannot_be_is_refused(void **state)
{
	static const uint8_t nothing[4] = {0, 1, 2, 3}, no_op[4] = {GOSAN_TRACE_OTHERS, 0},
			     no_member[4] = {GOSAN_TRACE_FENCE, F_ADDR, 0},
			     no_code[2] = {GOSAN_TRACE_EVENT + GOSAN_EV_COUNT, 0},
			     endless[16] = {GOSAN_TRACE_FENCE,
					    F_MODE,
					    0xff,
					    0xff,
					    0xff,
					    0xff,
					    0xff,
					    0xff,
					    0xff,
					    0xff,
					    0xff,
					    0xff,
					    0xff,
					    1},
			     cut[3] = {GOSAN_TRACE_FENCE, F_MODE, 0x80};

	(void)state;
	assert_int_equal(decode(nothing, sizeof nothing), 0);
	assert_int_equal(decode(nothing, 0), 0);
	assert_int_equal(decode(no_op, sizeof no_op), -EBADMSG);
	assert_int_equal(decode(no_code, sizeof no_code), -EBADMSG);
	assert_int_equal(decode(no_member, sizeof no_member), -EBADMSG);
	assert_int_equal(decode(endless, sizeof endless), -EBADMSG);
	assert_int_equal(decode(cut, sizeof cut), -EAGAIN);
	assert_int_equal(decode(cut, 1), -EAGAIN);
}

/* Whatever bytes: no read past them (the sanitizers look). */
static void bytes_at_random(void **state)
{
	(void)state;
	for (int i = 0; i < RECORDS; i++) {
		uint8_t bytes[24];
		size_t n = any() % sizeof bytes + 1;
		long len;

		for (size_t k = 0; k < n; k++)
			bytes[k] = (uint8_t)any();
		len = decode(bytes, n);
		assert_true(len == -EBADMSG || len == -EAGAIN || (len >= 0 && (size_t)len <= n));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back),
		cmocka_unit_test(a_loop_is_predicted),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(bytes_at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
