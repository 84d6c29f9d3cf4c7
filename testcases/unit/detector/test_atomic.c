/* SPDX-License-Identifier: Apache-2.0
 * test_atomic.c: synchronizes-with of C11 atomics: release sequences, read-modify-writes, fences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "access.h"
#include "atomic.h"

static struct gosan_g *a, *b, *c;
static uintptr_t x = 0x220000000000, y;

static int setup(void **state)
{
	static uint64_t id = 100;

	(void)state;
	a = gosan_engine_new_g(id++, false);
	b = gosan_engine_new_g(id++, false);
	c = gosan_engine_new_g(id++, false);
	x += 64;
	y = x + 8;
	return 0;
}

static void store(struct gosan_g *g, uintptr_t v, int mo)
{
	struct gosan_atomic_stripe *s = gosan_atomic_lock(v);

	gosan_atomic_stored(s, g, v, mo, false);
	gosan_atomic_unlock(s);
}

static void load(struct gosan_g *g, uintptr_t v, int mo)
{
	struct gosan_atomic_stripe *s = gosan_atomic_lock(v);

	gosan_atomic_loaded(s, g, v, mo, 0);
	gosan_atomic_unlock(s);
}

static void rmw(struct gosan_g *g, uintptr_t v, int mo)
{
	struct gosan_atomic_stripe *s = gosan_atomic_lock(v);

	gosan_atomic_loaded(s, g, v, mo, 0);
	gosan_atomic_stored(s, g, v, mo, true);
	gosan_atomic_unlock(s);
}

static bool before(struct gosan_stamp s, const struct gosan_g *g)
{
	bool strong = gosan_clock_covers(&g->strong, s);

	assert_int_equal(strong, gosan_clock_covers(&g->weak, s)); /* atomics are no locks */
	return strong;
}

static void release_and_acquire(void **state)
{
	struct gosan_stamp s = gosan_stamp_of(a);

	(void)state;
	store(a, x, GOSAN_MO_RELEASE);
	load(b, x, GOSAN_MO_RELAXED);
	assert_false(before(s, b));
	load(b, y, GOSAN_MO_ACQUIRE); /* another variable */
	assert_false(before(s, b));
	load(b, x, GOSAN_MO_ACQUIRE);
	assert_true(before(s, b));
	assert_false(before(gosan_stamp_of(a), b)); /* what a does after its store */
	load(c, x, GOSAN_MO_SEQ_CST);
	assert_true(before(s, c));
}

static void a_relaxed_store_publishes_nothing(void **state)
{
	struct gosan_stamp s = gosan_stamp_of(a);

	(void)state;
	store(a, x, GOSAN_MO_RELAXED);
	load(b, x, GOSAN_MO_ACQUIRE);
	assert_false(before(s, b));
	store(a, x, GOSAN_MO_RELEASE);
	store(a, x, GOSAN_MO_RELAXED); /* ends the sequence */
	load(b, x, GOSAN_MO_ACQUIRE);
	assert_false(before(s, b));
}

static void a_store_replaces_and_a_modification_merges(void **state)
{
	struct gosan_stamp sa = gosan_stamp_of(a), sb = gosan_stamp_of(b);

	(void)state;
	store(a, x, GOSAN_MO_RELEASE);
	store(b, x, GOSAN_MO_RELEASE);
	load(c, x, GOSAN_MO_ACQUIRE);
	assert_false(before(sa, c));
	assert_true(before(sb, c));
	setup(NULL);
	sa = gosan_stamp_of(a);
	sb = gosan_stamp_of(b);
	rmw(a, x, GOSAN_MO_RELEASE);
	rmw(b, x, GOSAN_MO_RELEASE);
	load(c, x, GOSAN_MO_ACQUIRE);
	assert_true(before(sa, c));
	assert_true(before(sb, c));
	assert_false(before(sa, b)); /* b only released */
}

static void a_relaxed_modification_goes_on_with_the_sequence(void **state)
{
	struct gosan_stamp sa = gosan_stamp_of(a), sb = gosan_stamp_of(b);

	(void)state;
	store(a, x, GOSAN_MO_RELEASE);
	rmw(b, x, GOSAN_MO_RELAXED);
	load(c, x, GOSAN_MO_ACQUIRE);
	assert_true(before(sa, c));
	assert_false(before(sb, c));
}

static void fences(void **state)
{
	struct gosan_stamp s = gosan_stamp_of(a), late;

	(void)state;
	gosan_atomic_fence(a, GOSAN_MO_RELEASE);
	late = gosan_stamp_of(a);
	store(a, x, GOSAN_MO_RELAXED);
	load(b, x, GOSAN_MO_RELAXED);
	assert_false(before(s, b));
	gosan_atomic_fence(b, GOSAN_MO_ACQUIRE);
	assert_true(before(s, b));
	assert_false(before(late, b)); /* between the fence and the store */
	load(c, x, GOSAN_MO_ACQUIRE);  /* a fence against an operation */
	assert_true(before(s, c));
}

static void an_acquire_fence_without_a_load(void **state)
{
	struct gosan_stamp s = gosan_stamp_of(a);

	(void)state;
	store(a, x, GOSAN_MO_SEQ_CST);
	gosan_atomic_fence(b, GOSAN_MO_SEQ_CST);
	assert_false(before(s, b));
	load(b, x, GOSAN_MO_RELAXED);
	gosan_atomic_fence(b, GOSAN_MO_ACQ_REL);
	assert_true(before(s, b));
}

/* What an acquire remembers must not outlive a new release or the memory. */
static void repeated_acquires(void **state)
{
	struct gosan_stamp s;

	(void)state;
	for (int i = 0; i < 5; i++) {
		s = gosan_stamp_of(a);
		store(a, x, GOSAN_MO_RELEASE);
		load(b, x, GOSAN_MO_ACQUIRE);
		load(b, x, GOSAN_MO_ACQUIRE);
		assert_true(before(s, b));
	}
	s = gosan_stamp_of(c);
	store(c, x, GOSAN_MO_RELEASE);
	gosan_access_forget(x, 16);
	load(b, x, GOSAN_MO_ACQUIRE);
	assert_false(before(s, b));
	store(c, x, GOSAN_MO_RELEASE);
	load(b, x, GOSAN_MO_ACQUIRE);
	assert_true(before(s, b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(release_and_acquire, setup),
		cmocka_unit_test_setup(a_relaxed_store_publishes_nothing, setup),
		cmocka_unit_test_setup(a_store_replaces_and_a_modification_merges, setup),
		cmocka_unit_test_setup(a_relaxed_modification_goes_on_with_the_sequence, setup),
		cmocka_unit_test_setup(fences, setup),
		cmocka_unit_test_setup(an_acquire_fence_without_a_load, setup),
		cmocka_unit_test_setup(repeated_acquires, setup),
	};

	if (gosan_engine_init() || gosan_access_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
