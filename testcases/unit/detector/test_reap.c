/* SPDX-License-Identifier: Apache-2.0
 * test_reap.c: the dead that nothing names go, and nobody else does. */
#include "access.h"
#include "chain.h"
#include "hb.h"
#include "mem.h"
#include "race.h"
#include "reap.h"
#include "shadow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define MANY 3000

static char memory[64] __attribute__((aligned(64)));
static struct gosan_g *root;
static uint64_t ids = 100;

/* What the test remembers is hidden: a pointer in its data would keep whom it points to. */
static uintptr_t hide(const struct gosan_g *g)
{
	return ~(uintptr_t)g;
}

static bool lives(uintptr_t hidden)
{
	struct gosan_g *g = gosan_actor_at(~hidden);

	return g && g->no;
}

static struct gosan_g *found_then;

void gosan_race_found(const struct gosan_race *r)
{
	gosan_engine_lock();
	found_then = gosan_engine_whose(r->old_at);
	gosan_engine_unlock();
}

static struct gosan_g *spawn(struct gosan_g *parent)
{
	struct gosan_g *g = gosan_engine_new_g(ids++, false);

	gosan_engine_event(&(struct gosan_event){.op = GOSAN_EV_G_SPAWN, .g = parent, .peer = g});
	return g;
}

static void end(struct gosan_g *g)
{
	gosan_engine_event(&(struct gosan_event){.op = GOSAN_EV_G_END, .g = g});
	g->gone = true;
}

/* So that the next one is worth its walk, whoever ended before. */
static bool reap(void)
{
	bool any;

	gosan_engine_lock();
	any = gosan_reap(true);
	gosan_engine_unlock();
	return any;
}

static size_t count(void)
{
	size_t n = 0;

	for (const struct gosan_g *g = gosan_engine_all(); g; g = g->next)
		n++;
	return n;
}

static void forget_memory(void)
{
	gosan_shadow_forget((uintptr_t)memory, sizeof(memory));
	found_then = NULL;
}

static __attribute__((noinline)) uintptr_t one_that_ends(void)
{
	struct gosan_g *g = spawn(root);

	end(g);
	return hide(g);
}

static void the_dead_go(void **state)
{
	size_t before;
	uint32_t no;

	(void)state;
	forget_memory();
	reap();
	before = count();
	for (int i = 0; i < MANY; i++)
		one_that_ends();
	assert_true(reap());
	assert_true(count() < before + 10);
	/* Numbers are not given out twice. */
	no = gosan_engine_all()->no;
	one_that_ends();
	assert_true(gosan_engine_all()->no > no);
}

static void the_living_stay(void **state)
{
	struct gosan_g *g = spawn(root);
	uintptr_t hidden = hide(g);

	(void)state;
	g = NULL;
	reap();
	assert_true(lives(hidden));
	/* It ended, and its thread is at it still. */
	g = (struct gosan_g *)~hidden;
	gosan_engine_event(&(struct gosan_event){.op = GOSAN_EV_G_END, .g = g});
	g = NULL;
	one_that_ends();
	reap();
	assert_true(lives(hidden));
	((struct gosan_g *)~hidden)->gone = true;
	one_that_ends(); /* the newest is always kept: the list of all begins with it */
	reap();
	assert_false(lives(hidden));
}

static __attribute__((noinline)) uintptr_t writer_that_ends(void)
{
	struct gosan_g *g = spawn(root);

	gosan_shadow_access(g, (uintptr_t)memory, 8, GOSAN_WRITE, 0x1234);
	end(g);
	return hide(g);
}

/* A report would name it, and does: its clock is not known to anybody. */
static void a_cell_keeps(void **state)
{
	uintptr_t hidden;

	(void)state;
	forget_memory();
	hidden = writer_that_ends();
	for (int i = 0; i < MANY; i++)
		one_that_ends();
	reap();
	assert_true(lives(hidden));
	gosan_shadow_access(root, (uintptr_t)memory, 8, GOSAN_WRITE, 0x2345);
	assert_true(hide(found_then) == hidden);
	found_then = NULL;
}

static __attribute__((noinline)) uintptr_t child_of_the_dead(uintptr_t *ret_parent)
{
	struct gosan_g *parent = spawn(root), *child = spawn(parent);

	end(parent);
	*ret_parent = hide(parent);
	return hide(child);
}

static void a_child_keeps_its_creator(void **state)
{
	uintptr_t parent, child = child_of_the_dead(&parent);

	(void)state;
	one_that_ends();
	reap();
	assert_true(lives(child) && lives(parent));
	assert_true(hide(((struct gosan_g *)~child)->parent) == parent);
	end((struct gosan_g *)~child);
	one_that_ends();
	reap();
	assert_false(lives(child) || lives(parent));
}

/* Each starts the next and ends: the last one knows some of its ancestors, not ten thousand. */
static void generations_are_cut(void **state)
{
	size_t before, levels = 0;
	struct gosan_g *g = spawn(root), *next;

	(void)state;
	reap();
	before = count();
	for (int i = 0; i < MANY; i++) {
		next = spawn(g);
		end(g);
		g = next;
	}
	next = NULL;
	reap();
	assert_true(count() < before + 32);
	for (const struct gosan_g *p = g->parent; p; p = p->parent)
		levels++;
	assert_in_range(levels, 4, 31);
	end(g);
}

static __attribute__((noinline)) uintptr_t thread_that_ends(bool detached)
{
	struct gosan_g *g = gosan_engine_new_g(0, true);

	gosan_engine_event(&(struct gosan_event){.op = GOSAN_EV_G_SPAWN, .g = root, .peer = g});
	if (detached)
		gosan_engine_event(&(struct gosan_event){.op = GOSAN_EV_THREAD_DETACH, .g = root, .peer = g});
	gosan_engine_event(&(struct gosan_event){.op = GOSAN_EV_G_END, .g = g});
	return hide(g);
}

static void join(uintptr_t hidden)
{
	gosan_engine_event(
		&(struct gosan_event){.op = GOSAN_EV_G_JOIN, .g = root, .peer = (struct gosan_g *)~hidden});
}

/* One that may still be joined stays: that nobody did is a finding. */
static void threads_wait_for_their_join(void **state)
{
	uintptr_t joinable = thread_that_ends(false), detached = thread_that_ends(true);

	(void)state;
	one_that_ends();
	reap();
	assert_true(lives(joinable));
	assert_false(lives(detached));
	join(joinable);
	one_that_ends();
	reap();
	assert_true(lives(joinable)); /* root's latest edges are from there */
	for (int i = 0; i < GOSAN_EDGES_MAX; i++)
		join(thread_that_ends(false));
	one_that_ends();
	reap();
	assert_false(lives(joinable));
}

/* Whoever comes later on the chain of one that is forgotten is not taken for it. */
static void stamps_of_the_forgotten(void **state)
{
	struct gosan_stamp s;
	struct gosan_g *g = spawn(root);

	(void)state;
	s = gosan_stamp_of(g);
	end(g);
	assert_true(gosan_engine_whose(s) == g);
	g = NULL;
	for (int i = 0; i < 10; i++)
		one_that_ends();
	reap();
	g = gosan_engine_whose(s);
	assert_true(!g || (g->cid == s.cid && gosan_chain_birth(g).epoch <= s.epoch));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_dead_go),
		cmocka_unit_test(the_living_stay),
		cmocka_unit_test(a_cell_keeps),
		cmocka_unit_test(a_child_keeps_its_creator),
		cmocka_unit_test(generations_are_cut),
		cmocka_unit_test(threads_wait_for_their_join),
		cmocka_unit_test(stamps_of_the_forgotten),
	};

	gosan_engine_init();
	gosan_access_init();
	gosan_reap_on = true;
	gosan_self = NULL;
	gosan_engine_self();
	root = spawn(gosan_self);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
