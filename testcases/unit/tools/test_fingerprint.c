/* SPDX-License-Identifier: Apache-2.0
 * The name of a bug: what must not change it, what must, and folding by it. */
#include "sample.h"

#include "fingerprint.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct report *two(const char *first, const char *second, unsigned line)
{
	struct report *r = sample_report(
		START RACE("1", "\"0x3\"", "\"0x4\"") RACE("2", "\"0x5\"", "\"0x6\""), NULL, NULL, 0);

	for (size_t i = 0; i < 2; i++) {
		sample_stack(r, &r->findings[i]->parts[0].stack, i ? second : first, "/a/b.c",
			     line + (unsigned)i);
		sample_stack(r, &r->findings[i]->parts[1].stack, i ? first : second, "/a/b.c", line + 7);
		r->findings[i]->object.address += i * 64;
		fingerprint_finding(r->arena, r->findings[i]);
	}
	return r;
}

/* Which side is "current" depends on the schedule, lines on edits elsewhere, addresses on the machine. */
static void order_lines_and_addresses_do_not_matter(void **state)
{
	struct report *a = two("fill", "lookup", 10), *b = two("fill", "lookup", 400);

	(void)state;
	assert_int_equal(strlen(a->findings[0]->fingerprint), 32);
	assert_string_equal(a->findings[0]->fingerprint, a->findings[1]->fingerprint);
	assert_string_equal(a->findings[0]->fingerprint, b->findings[0]->fingerprint);
	raw_report_free(a);
	raw_report_free(b);
}

/* Published: baselines in repositories depend on it. */
static void value_is_fixed(void **state)
{
	struct report *r = two("fill", "lookup", 10);

	(void)state;
	assert_string_equal(r->findings[0]->fingerprint, "580d4ec9e4462b3cd2db7389f2c8aa25");
	raw_report_free(r);
}

static void kind_function_and_object_matter(void **state)
{
	struct report *r = two("fill", "lookup", 10);
	struct finding *a = r->findings[0], *b = r->findings[1];

	(void)state;
	b->object.stable_name = "cache.max";
	fingerprint_finding(r->arena, b);
	assert_string_not_equal(a->fingerprint, b->fingerprint);
	b->object.stable_name = "cache.len";
	b->object.kind = "global";
	fingerprint_finding(r->arena, b);
	assert_string_not_equal(a->fingerprint, b->fingerprint);
	b->object.kind = "heap";
	b->parts[0].stack.frames[0].function = "other";
	fingerprint_finding(r->arena, b);
	assert_string_not_equal(a->fingerprint, b->fingerprint);
	b->parts[0].stack.frames[0].function = "lookup";
	b->kind = "free-race";
	fingerprint_finding(r->arena, b);
	assert_string_not_equal(a->fingerprint, b->fingerprint);
	raw_report_free(r);
}

static void write_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0 && fclose(out) == 0);
}

/* Of memory without a type the statements tell one member from another, wherever they stand. */
static void statements_tell_untyped_memory_apart(void **state)
{
	char path[] = "/tmp/gosan-test-XXXXXX";
	int fd = mkstemp(path);
	struct report *r = two("fill", "lookup", 10);
	struct finding *a = r->findings[0], *b = r->findings[1];

	(void)state;
	assert_true(fd >= 0 && close(fd) == 0);
	write_file(path, "p->uses++;\n\t\tp->uses ++;\np->marks++;\n");
	for (size_t i = 0; i < 2; i++) {
		a->parts[i].stack.frames[0].file = b->parts[i].stack.frames[0].file = path;
		a->parts[i].stack.frames[0].line = 1;
		b->parts[i].stack.frames[0].line = 2;
	}
	a->object.untyped = b->object.untyped = true;
	fingerprint_finding(r->arena, a);
	fingerprint_finding(r->arena, b);
	assert_string_equal(a->fingerprint, b->fingerprint);
	b->parts[1].stack.frames[0].line = 3;
	fingerprint_finding(r->arena, b);
	assert_string_not_equal(a->fingerprint, b->fingerprint);
	struct frame *f = b->parts[1].stack.frames;

	f[1] = f[0]; /* the line of who called memcpy tells, not memcpy's */
	f[1].line = 2;
	f[0].module = "libc.so.6";
	fingerprint_finding(r->arena, b);
	assert_string_equal(a->fingerprint, b->fingerprint);
	f[0] = f[1];
	a->object.untyped = b->object.untyped = false;
	fingerprint_finding(r->arena, a);
	fingerprint_finding(r->arena, b);
	assert_string_equal(a->fingerprint, b->fingerprint);
	unlink(path);
	raw_report_free(r);
}

/* Frames of the C library are skipped: memcpy is no name for a bug. */
static void library_frames_are_no_names(void **state)
{
	struct report *r = two("fill", "lookup", 10);
	struct finding *b = r->findings[1];
	struct frame *f = b->parts[0].stack.frames;

	(void)state;
	f[1] = f[0];
	f[0].function = "__memmove_avx";
	f[0].module = "libc.so.6";
	fingerprint_finding(r->arena, b);
	assert_string_equal(r->findings[0]->fingerprint, b->fingerprint);
	raw_report_free(r);
}

static void one_bug_is_one_finding(void **state)
{
	struct report *r = two("fill", "lookup", 10);

	(void)state;
	r->findings[0]->count = 3;
	fold_findings(r);
	assert_int_equal(r->findings[0]->count, 4);
	assert_true(r->findings[1]->folded);
	raw_report_free(r);
	r = two("fill", "lookup", 10);
	r->findings[1]->object.stable_name = "cache.max";
	fingerprint_finding(r->arena, r->findings[1]);
	fold_findings(r);
	assert_false(r->findings[1]->folded);
	raw_report_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_lines_and_addresses_do_not_matter),
		cmocka_unit_test(value_is_fixed),
		cmocka_unit_test(kind_function_and_object_matter),
		cmocka_unit_test(statements_tell_untyped_memory_apart),
		cmocka_unit_test(library_frames_are_no_names),
		cmocka_unit_test(one_bug_is_one_finding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
