/* SPDX-License-Identifier: Apache-2.0
 * test_context.c: the calling-context tree: children, recursion, places with locks, early and deep calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "access.h"
#include "context.h"
#include "depot.h"

static struct gosan_g *new_g(void)
{
	static uint64_t id = 10;

	return gosan_engine_new_g(id++, false);
}

static void same_path_same_context(void **state)
{
	struct gosan_g *g = new_g();
	uint32_t first;

	(void)state;
	gosan_context_enter(g, 0x100, 0x1000);
	gosan_context_enter(g, 0x200, 0x2000);
	first = gosan_context_now(g);
	gosan_context_leave(g);
	gosan_context_enter(g, 0x201, 0x2000);
	assert_int_not_equal(gosan_context_now(g), first);
	gosan_context_leave(g);
	gosan_context_enter(g, 0x200, 0x2000);
	assert_int_equal(gosan_context_now(g), first);
	assert_int_equal(gosan_context_depth(g), 2);
	gosan_context_leave(g);
	gosan_context_leave(g);
	gosan_context_leave(g); /* one too many */
	assert_int_equal(gosan_context_now(g), 0);
	gosan_context_end(g);
}

static void a_stack_is_innermost_first(void **state)
{
	struct gosan_g *g = new_g();
	const uintptr_t *pcs;
	size_t n;

	(void)state;
	gosan_context_enter(g, 0x100, 0x1000);
	gosan_context_enter(g, 0x200, 0x2000);
	pcs = gosan_depot_get(gosan_context_stack(gosan_context_place(g, 0x300)), &n);
	assert_int_equal(n, 3);
	assert_int_equal(pcs[0], 0x300);
	assert_int_equal(pcs[1], 0x200);
	assert_int_equal(pcs[2], 0x100);
	gosan_context_end(g);
}

static void a_stack_id_is_expanded_on_demand(void **state)
{
	struct gosan_g *g = new_g();
	const uintptr_t *pcs;
	uint32_t id;
	size_t n;

	(void)state;
	gosan_context_enter(g, 0x100, 0x1000);
	gosan_context_enter(g, 0x200, 0x2000);
	id = gosan_access_stack(g, 0x300);
	assert_true(id & GOSAN_STACK_CONTEXT);
	assert_int_equal(gosan_access_stack(g, 0x300), id);
	pcs = gosan_depot_get(id, &n);
	assert_int_equal(n, 3);
	assert_int_equal(pcs[0], 0x300);
	assert_int_equal(pcs[2], 0x100);
	assert_int_equal(gosan_depot_id(id), gosan_depot_put(pcs, n));
	assert_int_equal(gosan_depot_id(gosan_depot_id(id)), gosan_depot_id(id));
	gosan_context_end(g);
}

static void recursion_is_folded(void **state)
{
	struct gosan_g *g = new_g();
	uint32_t outer, inner;

	(void)state;
	gosan_context_enter(g, 0x100, 0x1000);
	outer = gosan_context_now(g);
	gosan_context_enter(g, 0x110, 0x2000);
	inner = gosan_context_now(g);
	for (uint64_t i = 0; i < 100000; i++) {
		gosan_context_enter(g, 0x120 + i % 7, 0x1000);
		assert_int_equal(gosan_context_now(g), outer);
		gosan_context_enter(g, 0x110, 0x2000);
		assert_int_equal(gosan_context_now(g), inner);
	}
	for (uint64_t i = 0; i < 200000; i++)
		gosan_context_leave(g);
	assert_int_equal(gosan_context_now(g), inner);
	gosan_context_leave(g);
	assert_int_equal(gosan_context_now(g), outer);
	gosan_context_end(g);
}

static void a_place_knows_the_locks(void **state)
{
	struct gosan_obj a = {.id = 7}, b = {.id = 9};
	struct gosan_held held[] = {{.obj = &a, .stack = 70}, {.obj = &b, .stack = 90}};
	struct gosan_context_lock got[4];
	struct gosan_g *g = new_g();
	uint32_t without, with;

	(void)state;
	gosan_context_enter(g, 0x100, 0x1000);
	without = gosan_context_place(g, 0x300);
	g->held = held;
	g->n_held = 2;
	with = gosan_context_place(g, 0x300);
	assert_int_not_equal(with, without);
	assert_int_equal(gosan_context_place(g, 0x300), with);
	assert_int_equal(gosan_context_locks(without, got, 4), 0);
	assert_int_equal(gosan_context_locks(with, got, 4), 2);
	assert_int_equal(got[0].obj, 7);
	assert_int_equal(got[0].stack, 70);
	assert_int_equal(got[1].obj, 9);
	assert_int_equal(gosan_context_locks(with, got, 1), 1);
	assert_int_equal(got[0].obj, 7);
	assert_int_equal(gosan_context_pc(with), 0x300);
	assert_int_equal(gosan_context_stack(with), gosan_context_stack(without));
	g->held = NULL;
	g->n_held = 0;
	gosan_context_end(g);
}

static void many_children(void **state)
{
	static uint32_t id[200000];

	(void)state;
	for (uint32_t i = 0; i < 200000; i++)
		id[i] = gosan_context_child(i % 3, 0x400000 + i);
	for (uint32_t i = 0; i < 200000; i++) {
		assert_int_equal(gosan_context_child(i % 3, 0x400000 + i), id[i]);
		assert_int_equal(gosan_context_parent(id[i]), i % 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_path_same_context),
		cmocka_unit_test(a_stack_is_innermost_first),
		cmocka_unit_test(a_stack_id_is_expanded_on_demand),
		cmocka_unit_test(recursion_is_folded),
		cmocka_unit_test(a_place_knows_the_locks),
		cmocka_unit_test(many_children),
	};

	if (gosan_engine_init() || gosan_access_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
