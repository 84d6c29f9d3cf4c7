/* SPDX-License-Identifier: Apache-2.0
 * test_race.c: from conflicts to findings: participants, locks, objects, words, and how often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "access.h"
#include "finding_hook.h"
#include "heap.h"
#include "shadow.h"

static size_t n_seen;
static struct gosan_finding last;

static void seen(const struct gosan_finding *f)
{
	n_seen++;
	last = *f;
}

static struct gosan_g *parent, *a, *b;
static uintptr_t pc = 0x10000;
static const uintptr_t base = 0x210000000000;

static struct gosan_g *spawn(struct gosan_g *by)
{
	static uint64_t id = 1;
	struct gosan_g *g = gosan_engine_new_g(id++, false);
	struct gosan_event ev = {.op = GOSAN_EV_G_SPAWN, .g = by, .peer = g, .stack = 1};

	if (by)
		gosan_engine_event(&ev);
	return g;
}

static int setup(void **state)
{
	(void)state;
	parent = spawn(NULL);
	a = spawn(parent);
	b = spawn(parent);
	pc += 0x100;
	n_seen = 0;
	gosan_finding_seen = seen;
	gosan_access_forget(base, 4096);
	return 0;
}

static void lock_event(enum gosan_op op, struct gosan_g *g, struct gosan_obj *l)
{
	struct gosan_event ev = {.op = op, .g = g, .obj = l, .stack = 1};

	gosan_engine_event(&ev);
}

static void a_race_is_told_once(void **state)
{
	(void)state;
	gosan_shadow_access(a, base, 4, GOSAN_WRITE, pc);
	gosan_shadow_access(b, base, 4, 0, pc + 1);
	assert_int_equal(n_seen, 1);
	assert_int_equal(last.code, 101);
	assert_int_equal(last.n_parts, 2);
	assert_ptr_equal(last.parts[0].g, b);
	assert_string_equal(last.parts[0].op, "read");
	assert_ptr_equal(last.parts[1].g, a);
	assert_string_equal(last.parts[1].op, "write");
	assert_int_equal(last.parts[1].size, 4);
	assert_non_null(strstr(last.why, "go statement"));
	gosan_shadow_access(b, base, 4, GOSAN_WRITE, pc + 2); /* x++ */
	assert_int_equal(n_seen, 1);
	for (size_t i = 0; i < 20; i++) { /* the same places again, whoever comes first */
		struct gosan_g *c = spawn(parent), *d = spawn(parent);

		gosan_access_forget(base, 8);
		gosan_shadow_access(c, base, 4, 0, pc + 1);
		gosan_shadow_access(d, base, 4, GOSAN_WRITE, pc);
	}
	assert_int_equal(n_seen, 1);
	gosan_shadow_access(spawn(parent), base, 4, 0, pc + 3); /* another place is another finding */
	assert_int_equal(n_seen, 2);
}

static void locks_of_both_are_told(void **state)
{
	struct gosan_obj *m = gosan_engine_object_at(0x7000, GOSAN_OBJ_MUTEX);

	(void)state;
	lock_event(GOSAN_EV_LOCK_ACQUIRE, a, m);
	gosan_shadow_access(a, base, 8, GOSAN_WRITE, pc);
	lock_event(GOSAN_EV_LOCK_RELEASE, a, m);
	gosan_shadow_access(b, base + 4, 4, GOSAN_WRITE, pc + 1);
	assert_int_equal(n_seen, 1);
	assert_int_equal(last.parts[0].n_locks, 0);
	assert_int_equal(last.parts[1].n_locks, 1);
	assert_ptr_equal(last.parts[1].locks[0].obj, m);
	assert_non_null(strstr(last.help, "hold mutex"));
}

static void a_variable_of_the_creator(void **state)
{
	(void)state;
	parent->stack_lo = base;
	parent->stack_hi = base + 4096;
	gosan_shadow_access(a, base + 16, 4, 0, pc);
	gosan_shadow_access(parent, base + 16, 4, GOSAN_WRITE, pc + 1);
	assert_int_equal(n_seen, 1);
	assert_string_equal(last.obj_kind, "stack");
	assert_ptr_equal(last.stack_of, parent);
	assert_non_null(strstr(last.help, "pass the value"));
	parent->stack_lo = parent->stack_hi = 0;
}

static void use_after_free_is_told_once(void **state)
{
	(void)state;
	gosan_heap_born(base, 64, 0);
	gosan_heap_dies(a, base, 0);
	gosan_shadow_access(a, base + 8, 4, 0, pc);
	assert_int_equal(n_seen, 1);
	assert_int_equal(last.code, 102);
	assert_int_equal(last.block, base);
	assert_int_equal(last.block_size, 64);
	assert_non_null(strstr(last.title, "after its free"));
	gosan_shadow_access(a, base + 16, 4, GOSAN_WRITE, pc + 1); /* the same cause */
	assert_int_equal(n_seen, 1);
}

static void a_free_that_nothing_orders(void **state)
{
	(void)state;
	gosan_heap_born(base, 64, 0);
	gosan_shadow_access(a, base + 8, 4, 0, pc);
	gosan_heap_dies(b, base, 0);
	assert_int_equal(n_seen, 1);
	assert_int_equal(last.code, 102);
	assert_non_null(strstr(last.title, "not ordered"));
	assert_string_equal(last.parts[0].op, "free");
}

/* Elements of an array: the first few objects of a pair of places, then no more. */
static void an_array_does_not_flood(void **state)
{
	(void)state;
	for (size_t i = 0; i < 400; i++)
		gosan_shadow_access(a, base + 8 * i, 8, GOSAN_WRITE, pc);
	for (size_t i = 0; i < 400; i++)
		gosan_shadow_access(b, base + 8 * i, 8, GOSAN_WRITE, pc + 1);
	assert_in_range(n_seen, 1, 16);
}

/* The table of pairs is small. Many pairs that went on racing fill it, and silence none that comes later. */
static void pairs_do_not_silence_others(void **state)
{
	uintptr_t at = base + (1 << 20);
	enum { LOUD = 128, OBJECTS = 17, QUIET = 4000 };

	(void)state;
	for (size_t k = 0; k < LOUD; k++, pc += 2)
		for (size_t i = 0; i < OBJECTS; i++, at += 8) {
			gosan_shadow_access(a, at, 8, GOSAN_WRITE, pc);
			gosan_shadow_access(b, at, 8, GOSAN_WRITE, pc + 1);
		}
	n_seen = 0;
	for (size_t k = 0; k < QUIET; k++, at += 8, pc += 2) {
		gosan_shadow_access(a, at, 8, GOSAN_WRITE, pc);
		gosan_shadow_access(b, at, 8, GOSAN_WRITE, pc + 1);
	}
	assert_int_equal(n_seen, QUIET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_race_is_told_once, setup),
		cmocka_unit_test_setup(locks_of_both_are_told, setup),
		cmocka_unit_test_setup(a_variable_of_the_creator, setup),
		cmocka_unit_test_setup(use_after_free_is_told_once, setup),
		cmocka_unit_test_setup(a_free_that_nothing_orders, setup),
		cmocka_unit_test_setup(an_array_does_not_flood, setup),
		cmocka_unit_test_setup(pairs_do_not_silence_others, setup),
	};

	if (gosan_engine_init() || gosan_access_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
