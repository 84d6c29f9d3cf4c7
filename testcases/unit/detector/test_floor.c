/* SPDX-License-Identifier: Apache-2.0
 * test_floor.c: what all the living cover makes room, and nothing else does; segments are used again; the limit holds. */
#include "collect.h"
#include "floor.h"
#include "granule.h"
#include "mem.h"
#include "options.h"
#include "race.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

static size_t n_found;
static char memory[1 << 15] __attribute__((aligned(4096)));
static struct gosan_g *root, *a, *b;

void gosan_race_found(const struct gosan_race *r)
{
	(void)r;
	n_found++;
}

static struct gosan_g *spawn(struct gosan_g *parent)
{
	static uint64_t id = 10;
	struct gosan_g *g = gosan_engine_new_g(id++, false);

	gosan_engine_event(&(struct gosan_event){.op = GOSAN_EV_G_SPAWN, .g = parent, .peer = g});
	return g;
}

static void end(struct gosan_g *g)
{
	gosan_engine_event(&(struct gosan_event){.op = GOSAN_EV_G_END, .g = g});
}

static bool listed(size_t i)
{
	return gosan_shadowmem_granule((uintptr_t)memory + 8 * i, true)->places & GOSAN_GRANULE_LISTED;
}

static void touch(struct gosan_g *g, size_t i, unsigned flags)
{
	gosan_shadow_access(g, (uintptr_t)memory + 8 * i, 8, flags, 0x1000 + g->id);
}

static int setup(void **state)
{
	(void)state;
	gosan_shadow_forget((uintptr_t)memory, sizeof(memory));
	n_found = 0;
	a = b = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (a)
		end(a);
	if (b)
		end(b);
	return 0;
}

static void initialised_then_read(void **state)
{
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		touch(root, i, GOSAN_WRITE);
	a = spawn(root);
	b = spawn(root);
	for (size_t i = 0; i < 1000; i++) {
		touch(a, i, 0);
		touch(b, i, 0);
		n += listed(i);
	}
	assert_int_equal(n_found, 0);
	assert_true(n < 10);
	/* Nobody has seen the two reads. */
	touch(root, 5, GOSAN_WRITE);
	assert_int_equal(n_found, 2);
}

static void one_does_not_know(void **state)
{
	struct gosan_g *late;

	(void)state;
	a = spawn(root); /* before the write: it never learns of it */
	touch(root, 0, GOSAN_WRITE);
	b = spawn(root);
	late = spawn(root);
	for (size_t i = 0; i < 300; i++) { /* long enough for several looks at the floor */
		touch(root, 1 + i, GOSAN_WRITE);
		touch(b, 1 + i, 0);
	}
	n_found = 0;
	touch(b, 0, 0);
	touch(late, 0, 0);
	assert_true(listed(0));
	assert_int_equal(n_found, 0);
	touch(a, 0, 0);
	assert_int_equal(n_found, 1);
	end(late);
}

/* Far fewer numbers than epochs, more than cells. Both sides of every race are still found. */
static void segments_are_used_again(void **state)
{
	uint64_t lost = gosan_counters->shadow_lost;
	struct gosan_obj *o = gosan_engine_object_at(0x7000, GOSAN_OBJ_OTHER);

	(void)state;
	gosan_segment_limit = 1024;
	a = spawn(root);
	b = spawn(root);
	touch(a, 100, GOSAN_WRITE);
	for (size_t i = 0; i < 20000; i++) {
		touch(b, i % 3, GOSAN_WRITE);
		gosan_engine_event(&(struct gosan_event){.op = GOSAN_EV_HB_RELEASE, .g = b, .obj = o});
	}
	assert_int_equal(n_found, 0);
	assert_int_equal(gosan_counters->shadow_lost, lost);
	touch(b, 100, 0);
	assert_int_equal(n_found, 1);
	touch(a, 0, 0);
	assert_int_equal(n_found, 2);
	gosan_segment_limit = GOSAN_SEGMENTS;
}

static void release(struct gosan_g *g, uintptr_t at)
{
	gosan_engine_event(&(struct gosan_event){
		.op = GOSAN_EV_HB_RELEASE, .g = g, .obj = gosan_engine_object_at(at, GOSAN_OBJ_OTHER)});
}

static void acquire(struct gosan_g *g, uintptr_t at)
{
	gosan_engine_event(&(struct gosan_event){
		.op = GOSAN_EV_HB_ACQUIRE, .g = g, .obj = gosan_engine_object_at(at, GOSAN_OBJ_OTHER)});
}

/* Eight times as many moments as numbers, each named by a cell, and two clocks that tell some apart: all that is asked
 * afterwards has the same answer as with a number for each. */
static void moments_that_nobody_tells_apart_are_one(void **state)
{
	uint64_t lost = gosan_counters->shadow_lost;

	(void)state;
	gosan_segment_limit = 128;
	a = spawn(root);
	b = spawn(root);
	for (size_t i = 0; i < 1000; i++) {
		touch(a, i, GOSAN_WRITE);
		release(a, i == 300 ? 0x7100 : i == 700 ? 0x7140 : 0x7180);
		if (i == 300)
			acquire(b, 0x7100);
	}
	assert_int_equal(gosan_counters->shadow_lost, lost);
	for (size_t i = 0; i < 1000; i++) {
		n_found = 0;
		touch(b, i, 0);
		assert_int_equal(n_found, i > 300);
	}
	acquire(root, 0x7140);
	for (size_t i = 0; i < 1000; i++) {
		n_found = 0;
		touch(root, i, 0);
		assert_int_equal(n_found, i > 700);
	}
	assert_int_equal(gosan_counters->shadow_lost, lost);
	gosan_segment_limit = GOSAN_SEGMENTS;
	gosan_shadow_forget((uintptr_t)memory, sizeof(memory));
}

/* Each moment is told apart by a clock of its own. What becomes one nevertheless is counted, and no false alarm comes of
 * it; what came last is remembered best. */
static void exhausted_segments_are_counted(void **state)
{
	uint64_t lost = gosan_counters->shadow_lost;

	(void)state;
	gosan_segment_limit = 128;
	a = spawn(root);
	b = spawn(root);
	for (size_t i = 0; i < 1000; i++) {
		touch(a, i, GOSAN_WRITE);
		release(a, 0x8000 + 64 * i);
	}
	assert_true(gosan_counters->shadow_lost > lost);
	touch(b, 999, 0);
	assert_int_equal(n_found, 1);
	n_found = 0;
	acquire(b, 0x8000 + 64 * 500);
	for (size_t i = 0; i <= 500; i++)
		touch(b, i, 0);
	acquire(b, 0x8000 + 64 * 999);
	for (size_t i = 0; i < 1000; i++)
		touch(b, i, GOSAN_WRITE);
	assert_int_equal(n_found, 0);
	gosan_segment_limit = GOSAN_SEGMENTS;
	gosan_shadow_forget((uintptr_t)memory, sizeof(memory));
}

/* Twenty times what the limit allows: history goes, is counted, and what comes after is checked as ever. */
static void the_limit_bounds_the_shadow(void **state)
{
	size_t pages = 5000, page = 4096;
	char *large = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t lost = gosan_counters->shadow_lost;

	(void)state;
	assert_ptr_not_equal(large, MAP_FAILED);
	a = spawn(root);
	b = spawn(root);
	gosan_options.memory_limit_mb = (int)(gosan_mem_used() >> 20) + 2;
	for (size_t i = 0; i < pages; i++) {
		gosan_shadow_access(a, (uintptr_t)large + i * page, 8, GOSAN_WRITE, 0x1000);
		assert_true(gosan_mem_used() <= (size_t)gosan_options.memory_limit_mb << 20);
	}
	assert_int_equal(n_found, 0);
	assert_true(gosan_counters->shadow_lost > lost);
	assert_true(gosan_counters->memory_mb <= (uint64_t)gosan_options.memory_limit_mb);
	gosan_shadow_access(b, (uintptr_t)large + (pages - 1) * page, 8, 0, 0x1000);
	assert_int_equal(n_found, 1);
	gosan_options.memory_limit_mb = 0;
	gosan_shadow_forget((uintptr_t)large, pages * page);
	munmap(large, pages * page);
}

static void timers_stop_the_floor(void **state)
{
	(void)state;
	gosan_floor_stop();
	touch(root, 0, GOSAN_WRITE);
	a = spawn(root);
	b = spawn(root);
	touch(a, 0, 0);
	touch(b, 0, 0);
	assert_true(listed(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(initialised_then_read, setup, teardown),
		cmocka_unit_test_setup_teardown(one_does_not_know, setup, teardown),
		cmocka_unit_test_setup_teardown(segments_are_used_again, setup, teardown),
		cmocka_unit_test_setup_teardown(moments_that_nobody_tells_apart_are_one, setup, teardown),
		cmocka_unit_test_setup_teardown(exhausted_segments_are_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(the_limit_bounds_the_shadow, setup, teardown),
		cmocka_unit_test_setup_teardown(timers_stop_the_floor, setup, teardown),
	};

	gosan_engine_init();
	gosan_access_init();
	root = gosan_self;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
