/* SPDX-License-Identifier: Apache-2.0
 * test_lockpath.c: the short ways say the same as the engine, also when several threads go at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "../runtime/probe.h"
#include "atomic.h"
#include "hb.h"
#include "lockpath.h"

static void send(enum gosan_op op, struct gosan_g *g, struct gosan_obj *obj, int mode)
{
	gosan_engine_event(&(struct gosan_event){.op = op, .g = g, .obj = obj, .mode = mode, .stack = 9});
}

static struct gosan_g *new_g(void)
{
	static uint64_t id = 1000;

	return gosan_engine_new_g(id++, false);
}

static struct gosan_obj *new_lock(enum gosan_obj_kind kind)
{
	static uintptr_t at = 0x10000;

	return gosan_engine_object_at(at += 8, kind);
}

static bool acquire(struct gosan_g *g, struct gosan_obj *l, int mode)
{
	if (gosan_lockpath_acquire(g, l, mode, 9))
		return true;
	if (!(mode & GO_LOCK_TRY))
		send(GOSAN_EV_LOCK_REQUEST, g, l, mode);
	send(GOSAN_EV_LOCK_ACQUIRE, g, l, mode);
	return false;
}

static bool release(struct gosan_g *g, struct gosan_obj *l, int mode)
{
	if (gosan_lockpath_release(g, l, mode, 9))
		return true;
	send(GOSAN_EV_LOCK_RELEASE, g, l, mode);
	return false;
}

static void first_long_then_short(void **state)
{
	struct gosan_g *g = new_g();
	struct gosan_obj *l = new_lock(GOSAN_OBJ_MUTEX);
	uint64_t seq;

	(void)state;
	assert_false(acquire(g, l, 0));
	assert_true(release(g, l, 0));
	seq = l->seq;
	assert_true(acquire(g, l, 0));
	assert_ptr_equal(l->owner, g);
	assert_int_equal(g->n_held, 1);
	assert_ptr_equal(g->held[0].obj, l);
	assert_true(release(g, l, 0));
	assert_null(l->owner);
	assert_int_equal(g->n_held, 0);
	assert_int_equal(l->seq, seq + 2);
	assert_ptr_equal(l->from, g);
	assert_int_equal(g->n_events, 4);
}

/* A dependency is told once, and again when the weak clock of the goroutine has moved. */
static void nested(void **state)
{
	struct gosan_g *g = new_g();
	struct gosan_obj *a = new_lock(GOSAN_OBJ_MUTEX), *b = new_lock(GOSAN_OBJ_MUTEX);
	struct gosan_obj *sem = new_lock(GOSAN_OBJ_SEM);

	(void)state;
	for (int i = 0; i < 4; i++) {
		if (i == 3)
			send(GOSAN_EV_SEM_POST, g, sem, 0);
		assert_int_equal(acquire(g, a, 0), i > 0);
		assert_int_equal(acquire(g, b, 0), i > 0 && i < 3);
		assert_true(release(g, b, 0));
		assert_true(release(g, a, 0));
	}
}

/* What only the engine may judge. */
static void refused(void **state)
{
	struct gosan_g *g = new_g(), *h = new_g();
	struct gosan_obj *l = new_lock(GOSAN_OBJ_MUTEX), *rw = new_lock(GOSAN_OBJ_RWMUTEX);

	(void)state;
	acquire(g, l, 0);
	release(g, l, 0);
	assert_false(gosan_lockpath_release(g, l, 0, 9)); /* not held */
	assert_true(acquire(g, l, 0));
	assert_false(gosan_lockpath_acquire(g, l, 0, 9)); /* held by itself */
	assert_false(gosan_lockpath_acquire(h, l, 0, 9)); /* never used by h */
	send(GOSAN_EV_LOCK_RELEASE, h, l, 0);             /* by another */
	assert_false(gosan_lockpath_release(g, l, 0, 9));
	assert_int_equal(g->n_held, 1); /* until it comes by */
	assert_false(acquire(g, l, 0));
	assert_int_equal(g->n_held, 1);
	assert_true(release(g, l, 0));
	gosan_lockpath_off = true;
	assert_false(gosan_lockpath_acquire(g, l, 0, 9));
	gosan_lockpath_off = false;
	acquire(g, rw, GO_LOCK_READ);
	assert_true(release(g, rw, GO_LOCK_READ));
	assert_true(acquire(g, rw, GO_LOCK_READ));
	assert_int_equal(rw->readers, 1);
	assert_false(gosan_lockpath_acquire(g, rw, 0, 9));
	assert_true(release(g, rw, GO_LOCK_READ));
	gosan_engine_lock();
	gosan_engine_forget(l->addr, l->addr + 1);
	gosan_engine_unlock();
	assert_false(gosan_lockpath_acquire(g, l, 0, 9)); /* dead */
}

/* Several threads. Each lock has a real lock behind it, and what its last holder left: when, and with how many of its
 * own events before. */
enum { THREADS = 4, LOCKS = 6, CELLS = 4, ROUNDS = 30000 };

static struct slot {
	char taken;
	struct gosan_obj *obj, *rw, *sem;
	struct gosan_stamp left, posted;
} slots[LOCKS];
static _Alignas(64) _Atomic uint64_t cells[CELLS * 8];
static struct gosan_g *actors[THREADS];
static unsigned wrong[THREADS], shorts[THREADS], settled[THREADS];

static uint32_t next(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

static bool covers(const struct gosan_g *g, struct gosan_stamp s)
{
	return gosan_clock_covers(&g->strong, s);
}

/* Nobody knows an epoch that its goroutine has not ended: it publishes before it advances. */
static bool knows_future(int me, const struct gosan_g *g)
{
	bool future = false;

	for (int i = 0; i < THREADS; i++) {
		struct gosan_stamp s = {actors[i]->cid, __atomic_load_n(&actors[i]->epoch, __ATOMIC_ACQUIRE)};

		future |= i != me && covers(g, s);
	}
	return future;
}

static void use_lock(int me, struct gosan_g *g, struct slot *s, uint32_t r)
{
	bool read = r & 1;

	while (__atomic_test_and_set(&s->taken, __ATOMIC_ACQUIRE))
		sched_yield();
	shorts[me] += acquire(g, read ? s->rw : s->obj, read ? GO_LOCK_READ : 0);
	if (!read) {
		wrong[me] += !covers(g, s->left);
		s->left = gosan_stamp_of(g);
	}
	wrong[me] += knows_future(me, g);
	if (r % 64 == 3) { /* another object at the same place */
		release(g, read ? s->rw : s->obj, read ? GO_LOCK_READ : 0);
		gosan_engine_lock();
		gosan_engine_forget(s->obj->addr, s->obj->addr + 1);
		gosan_engine_unlock();
		s->obj = gosan_engine_object_at(s->obj->addr, GOSAN_OBJ_MUTEX);
		s->left = (struct gosan_stamp){0, 0};
	} else {
		release(g, read ? s->rw : s->obj, read ? GO_LOCK_READ : 0);
	}
	__atomic_clear(&s->taken, __ATOMIC_RELEASE);
}

/* Who waits knows whose post was seen last: it was there before the real semaphore let anybody in. */
static void use_sem(int me, struct gosan_g *g, struct slot *s, uint32_t r)
{
	struct gosan_stamp posted;

	if (r & 1) {
		posted = gosan_stamp_of(g);
		if (!gosan_lockpath_post(g, s->sem, 9))
			send(GOSAN_EV_SEM_POST, g, s->sem, 0);
		while (__atomic_test_and_set(&s->taken, __ATOMIC_ACQUIRE))
			sched_yield();
		s->posted = posted;
		__atomic_clear(&s->taken, __ATOMIC_RELEASE);
		return;
	}
	while (__atomic_test_and_set(&s->taken, __ATOMIC_ACQUIRE))
		sched_yield();
	posted = s->posted;
	__atomic_clear(&s->taken, __ATOMIC_RELEASE);
	if (!gosan_lockpath_wait(g, s->sem, 9))
		send(GOSAN_EV_SEM_WAITED, g, s->sem, 0);
	wrong[me] += !covers(g, posted);
}

/* The value is the stamp of whoever wrote it: to read it with acquire is to know that moment. */
static void use_atomic(int me, struct gosan_g *g, _Atomic uint64_t *cell, uint32_t r)
{
	struct gosan_atomic_stripe *s;
	uint64_t v = *cell, mine = (uint64_t)g->cid << 32 | g->epoch;
	uintptr_t addr = (uintptr_t)cell;

	if (r % 4 && gosan_atomic_settled(g, addr, GOSAN_MO_ACQUIRE)) {
		settled[me]++;
		wrong[me] += !covers(g, (struct gosan_stamp){(uint32_t)(v >> 32), (uint32_t)v});
		return;
	}
	s = gosan_atomic_lock(addr);
	if (r & 1) {
		v = *cell;
		gosan_atomic_loaded(s, g, addr, GOSAN_MO_ACQUIRE, 0);
	} else if (r & 2) {
		gosan_atomic_stored(s, g, addr, GOSAN_MO_RELEASE, false);
		*cell = mine;
		v = 0;
	} else {
		v = atomic_exchange(cell, mine);
		gosan_atomic_loaded(s, g, addr, GOSAN_MO_ACQ_REL, 0);
		gosan_atomic_stored(s, g, addr, GOSAN_MO_ACQ_REL, true);
	}
	gosan_atomic_unlock(s);
	wrong[me] += !covers(g, (struct gosan_stamp){(uint32_t)(v >> 32), (uint32_t)v});
}

static void *actor(void *arg)
{
	int me = (int)(intptr_t)arg;
	struct gosan_g *g = actors[me];
	uint32_t x = 12345u * (unsigned)(me + 1);

	gosan_self = g;
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t what = next(&x) % 8, which = next(&x);

		if (what < 4)
			use_lock(me, g, &slots[which % LOCKS], next(&x));
		else if (what == 4)
			use_sem(me, g, &slots[which % LOCKS], next(&x));
		else
			use_atomic(me, g, &cells[which % CELLS * 8], next(&x));
		if (i % 512 == 0) { /* somebody looks at the others' clocks */
			gosan_engine_lock();
			for (int k = 0; k < THREADS; k++)
				wrong[me] += gosan_hb_known_by(actors[k], g->cid) > g->epoch;
			gosan_engine_unlock();
		}
	}
	gosan_self = NULL;
	return NULL;
}

static void many_threads(void **state)
{
	pthread_t thread[THREADS];
	unsigned n_shorts = 0, n_settled = 0;

	(void)state;
	for (int i = 0; i < LOCKS; i++)
		slots[i] = (struct slot){.obj = new_lock(GOSAN_OBJ_MUTEX),
					 .rw = new_lock(GOSAN_OBJ_RWMUTEX),
					 .sem = new_lock(GOSAN_OBJ_SEM)};
	for (int i = 0; i < THREADS; i++)
		actors[i] = new_g();
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, actor, (void *)(intptr_t)i), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(wrong[i], 0);
		assert_int_equal(actors[i]->n_held, 0);
		n_shorts += shorts[i];
		n_settled += settled[i];
	}
	assert_true(n_shorts > THREADS * ROUNDS / 8);
	assert_true(n_settled > 0);
	for (int i = 0; i < LOCKS; i++) {
		assert_null(slots[i].obj->owner);
		assert_int_equal(slots[i].rw->readers, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_long_then_short),
		cmocka_unit_test(nested),
		cmocka_unit_test(refused),
		cmocka_unit_test(many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
