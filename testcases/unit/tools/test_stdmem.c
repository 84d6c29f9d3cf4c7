/* SPDX-License-Identifier: Apache-2.0
 * test_stdmem.c: how memory becomes variables: where it is cut, its ages, and which accesses meet in one variable. */
#include "stdmem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char parts[512];

/* "100.0 104.0+7": address, age, and the goroutines whose variables it touches as well. */
static void note(const struct stdmem_part *p, void *arg)
{
	size_t n = strlen(parts);

	(void)arg;
	n += (size_t)snprintf(parts + n, sizeof parts - n, "%s%llx.%u", n ? " " : "",
			      (unsigned long long)p->addr, p->age);
	for (uint32_t i = 0; i < p->n_writers; i++)
		n += (size_t)snprintf(parts + n, sizeof parts - n, "+%u", p->writers[i]);
}

enum { READ, WRITE, ATOMIC_READ, ATOMIC_WRITE };

static const char *each(struct stdmem *m, uint64_t addr, uint64_t size, int what, uint32_t who)
{
	parts[0] = '\0';
	stdmem_each(m, addr, size, what & 1, what & 2, &who, note, NULL);
	return parts;
}

static void cuts(void **state)
{
	struct arena *a = arena_new();
	struct stdmem *m = stdmem_new(a, STDMEM_MOST);

	(void)state;
	stdmem_note(m, 0x100, 8, true, false, 1);
	stdmem_note(m, 0x104, 2, false, false, 2);
	assert_string_equal(each(m, 0x100, 8, WRITE, 1), "100.0 104.0 106.0");
	assert_string_equal(each(m, 0x104, 2, READ, 2), "104.0");
	/* Over granules, and nothing where nobody was. */
	stdmem_note(m, 0x10e, 4, true, false, 1);
	assert_string_equal(each(m, 0x10e, 4, WRITE, 1), "10e.0 110.0");
	assert_string_equal(each(m, 0x100, 64, WRITE, 1), "100.0 104.0 106.0 108.0 10e.0 110.0 112.0");
	assert_string_equal(each(m, 0x800, 64, WRITE, 1), "");
	stdmem_free(m);
	arena_free(a);
}

static void ages(void **state)
{
	struct arena *a = arena_new();
	struct stdmem *m = stdmem_new(a, STDMEM_MOST);

	(void)state;
	for (uint64_t i = 0; i < 3000; i++)
		stdmem_note(m, 0x1000 + 8 * i, 8, true, false, 1);
	stdmem_forget(m, 0x1008, 8);
	assert_string_equal(each(m, 0x1000, 24, WRITE, 1), "1000.0 1008.1 1010.0");
	stdmem_forget(m, 0, UINT64_C(1) << 46); /* the table is the smaller one */
	assert_string_equal(each(m, 0x1000, 24, WRITE, 1), "1000.1 1008.2 1010.1");
	stdmem_forget(m, 0x1000, 0);
	assert_string_equal(each(m, 0x1000, 8, WRITE, 1), "1000.1");
	stdmem_ignore(m, 0x1008, 8);
	assert_string_equal(each(m, 0x1000, 24, WRITE, 1), "1000.1 1010.1");
	stdmem_free(m);
	arena_free(a);
}

/* Do two accesses conflict in what is written for them? */
static bool meet(struct stdmem *m, int one, uint32_t by, int other, uint32_t by2)
{
	char first[512], *save, *save2;

	snprintf(first, sizeof first, "%s", each(m, 0x100, 4, one, by));
	bool writes = one == WRITE, writes2 = other == WRITE; /* of the shared variable */
	const char *second = each(m, 0x100, 4, other, by2);
	if (!*first || !*second)
		return false;
	if (writes || writes2)
		return true;
	/* Of the goroutines' own: an atomic write writes, a plain read reads. */
	if (one < ATOMIC_READ && other < ATOMIC_READ)
		return false;
	char *x = strchr(first, '+'), *y = strchr(parts, '+');
	if (!x || !y || (one == ATOMIC_WRITE && other == ATOMIC_WRITE))
		return one == ATOMIC_WRITE && other == ATOMIC_WRITE && x && y && strcmp(x, y) == 0;
	for (char *p = strtok_r(x, "+", &save); p; p = strtok_r(NULL, "+", &save)) {
		char copy[512];

		snprintf(copy, sizeof copy, "%s", y);
		for (char *q = strtok_r(copy, "+", &save2); q; q = strtok_r(NULL, "+", &save2))
			if (strcmp(p, q) == 0)
				return true;
	}
	return false;
}

/* Two accesses of different goroutines conflict if one writes and not both are atomic. */
static void classes(void **state)
{
	struct arena *a = arena_new();
	struct stdmem *m = stdmem_new(a, STDMEM_MOST);

	(void)state;
	for (uint32_t by = 1; by <= 3; by++)
		for (int what = READ; what <= ATOMIC_WRITE; what++)
			stdmem_note(m, 0x100, 4, what & 1, what & 2, by);
	for (int one = READ; one <= ATOMIC_WRITE; one++)
		for (int other = READ; other <= ATOMIC_WRITE; other++) {
			bool want = ((one | other) & 1) && !(one & other & 2);

			if (meet(m, one, 1, other, 2) != want)
				fail_msg("%d and %d: %d is wanted", one, other, want);
		}
	stdmem_free(m);
	arena_free(a);
}

/* Nobody accesses it plainly: nothing can race, so nothing is written. */
static void only_atomics(void **state)
{
	struct arena *a = arena_new();
	struct stdmem *m = stdmem_new(a, STDMEM_MOST);

	(void)state;
	stdmem_note(m, 0x100, 4, true, true, 1);
	stdmem_note(m, 0x100, 4, false, true, 2);
	assert_string_equal(each(m, 0x100, 4, ATOMIC_WRITE, 1), "");
	stdmem_free(m);
	arena_free(a);
}

/* What no machine has is refused, not walked through. */
static void bounded(void **state)
{
	struct arena *a = arena_new();
	struct stdmem *m = stdmem_new(a, 4096);

	(void)state;
	assert_true(stdmem_note(m, 0x100, 2048, true, false, 1));
	assert_true(stdmem_note(m, 0x100, 4096 - 0x100, true, false, 1));
	assert_false(stdmem_note(m, 0x100, 8192, true, false, 1));
	assert_false(stdmem_note(m, 0x100, UINT64_C(1) << 60, true, false, 1));
	assert_false(stdmem_note(m, UINT64_MAX - 7, 16, true, false, 1));
	/* The free of a block of which a little was touched. */
	assert_string_equal(each(m, 0x100, UINT64_C(1) << 62, WRITE, 1)[0] ? "parts" : "", "parts");
	assert_string_equal(each(m, 0x10000, UINT64_MAX, WRITE, 1), "");
	stdmem_free(m);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts),         cmocka_unit_test(ages),    cmocka_unit_test(classes),
		cmocka_unit_test(only_atomics), cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
