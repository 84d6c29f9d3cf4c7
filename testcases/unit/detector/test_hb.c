/* SPDX-License-Identifier: Apache-2.0
 * test_hb.c: the happens-before table, row by row; and the last event that ordered two goroutines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "../runtime/probe.h"
#include "chain.h"
#include "engine.h"
#include "registry.h"

const struct gosan_analyzer *const gosan_registry[] = {NULL};

static uint64_t ids = 1;
static uintptr_t addresses = 0x1000;
static uint32_t stacks;

static struct gosan_g *new_g(void)
{
	return gosan_engine_new_g(ids++, false);
}

static struct gosan_obj *new_obj(enum gosan_obj_kind kind)
{
	return gosan_engine_object_at(addresses += 64, kind);
}

/* The moment of the event, and its stack in stacks. */
static struct gosan_stamp send(enum gosan_op op, struct gosan_g *g, struct gosan_obj *obj, int64_t arg)
{
	struct gosan_event ev = {.op = op, .g = g, .obj = obj, .arg = arg, .stack = ++stacks};

	gosan_engine_event(&ev);
	return ev.at;
}

static struct gosan_stamp meet(enum gosan_op op, struct gosan_g *g, struct gosan_g *peer,
			       struct gosan_obj *obj)
{
	struct gosan_event ev = {.op = op, .g = g, .peer = peer, .obj = obj, .stack = ++stacks};

	gosan_engine_event(&ev);
	return ev.at;
}

static struct gosan_stamp lock(enum gosan_op op, struct gosan_g *g, struct gosan_obj *l, int mode)
{
	struct gosan_event ev = {.op = op, .g = g, .obj = l, .mode = mode, .stack = ++stacks};

	gosan_engine_event(&ev);
	return ev.at;
}

static void knows(const struct gosan_g *g, struct gosan_stamp s)
{
	assert_true(gosan_clock_covers(&g->strong, s));
	assert_true(gosan_clock_covers(&g->weak, s));
}

static void knows_not(const struct gosan_g *g, struct gosan_stamp s)
{
	assert_false(gosan_clock_covers(&g->strong, s));
	assert_false(gosan_clock_covers(&g->weak, s));
}

static void knows_by_lock(const struct gosan_g *g, struct gosan_stamp s)
{
	assert_true(gosan_clock_covers(&g->strong, s));
	assert_false(gosan_clock_covers(&g->weak, s));
}

static void go_statement(void **state)
{
	struct gosan_g *p = new_g(), *c = new_g();
	struct gosan_stamp go = meet(GOSAN_EV_G_SPAWN, p, c, NULL);

	(void)state;
	knows(c, go);
	knows_not(c, gosan_stamp_of(p)); /* what comes after */
	knows_not(p, gosan_stamp_of(c));
	knows(p, gosan_stamp_of(p)); /* its own */
	assert_ptr_equal(c->parent, p);
	assert_int_equal(c->created_stack, stacks);
	send(GOSAN_EV_G_END, c, NULL, 0);
	knows_not(p, gosan_stamp_of(c)); /* the end of a goroutine gives no edge */
}

static void join_of_a_thread(void **state)
{
	struct gosan_g *p = new_g(), *t = gosan_engine_new_g(0, true);

	(void)state;
	meet(GOSAN_EV_G_SPAWN, p, t, NULL);
	struct gosan_stamp end = send(GOSAN_EV_G_END, t, NULL, 0);

	knows_not(p, end);
	meet(GOSAN_EV_G_JOIN, p, t, NULL);
	knows(p, end);
	assert_true(gosan_clock_empty(&t->strong));
}

static void unbuffered_channel(void **state)
{
	struct gosan_g *s = new_g(), *r = new_g();
	struct gosan_obj *ch = new_obj(GOSAN_OBJ_CHAN);
	struct gosan_stamp receive = gosan_stamp_of(r);

	(void)state;
	send(GOSAN_EV_CHAN_MAKE, s, ch, 0);
	struct gosan_stamp sent = meet(GOSAN_EV_CHAN_PAIR, s, r, ch);

	knows(r, sent);
	knows(s, receive);
	knows_not(r, gosan_stamp_of(s));
	knows_not(s, gosan_stamp_of(r));
}

/* The short way of two that talk to each other (partner.h), and what brings them off it: what one learned elsewhere, and
 * by a lock, which the weak order must not get. */
static void two_that_talk_to_each_other(void **state)
{
	struct gosan_g *p = new_g(), *a = new_g(), *b = new_g(), *c = new_g();
	struct gosan_obj *ch = new_obj(GOSAN_OBJ_CHAN), *other = new_obj(GOSAN_OBJ_CHAN);
	struct gosan_obj *l = new_obj(GOSAN_OBJ_MUTEX);
	struct gosan_stamp s, by_lock;

	(void)state;
	meet(GOSAN_EV_G_SPAWN, p, a, NULL);
	meet(GOSAN_EV_G_SPAWN, p, b, NULL);
	meet(GOSAN_EV_G_SPAWN, p, c, NULL);
	for (int i = 0; i < 5; i++) {
		struct gosan_stamp of_b = gosan_stamp_of(b);

		s = meet(GOSAN_EV_CHAN_PAIR, a, b, ch);
		knows(b, s);
		knows(a, of_b);
		knows_not(a, gosan_stamp_of(b));
		knows_not(b, gosan_stamp_of(a));
	}
	s = meet(GOSAN_EV_CHAN_PAIR, c, a, other);
	knows_not(b, s);
	meet(GOSAN_EV_CHAN_PAIR, b, a, ch);
	knows(b, s);
	meet(GOSAN_EV_CHAN_PAIR, a, b, ch);
	lock(GOSAN_EV_LOCK_ACQUIRE, c, l, GO_LOCK_WRITE);
	by_lock = lock(GOSAN_EV_LOCK_RELEASE, c, l, GO_LOCK_WRITE);
	lock(GOSAN_EV_LOCK_ACQUIRE, a, l, GO_LOCK_WRITE);
	s = meet(GOSAN_EV_CHAN_PAIR, a, b, ch);
	knows_by_lock(b, by_lock);
	knows(b, s);
}

static void buffered_channel(void **state)
{
	struct gosan_g *s = new_g(), *r = new_g();
	struct gosan_obj *ch = new_obj(GOSAN_OBJ_CHAN);

	(void)state;
	send(GOSAN_EV_CHAN_MAKE, s, ch, 2);
	struct gosan_stamp s0 = send(GOSAN_EV_CHAN_SEND, s, ch, 0), s1 = send(GOSAN_EV_CHAN_SEND, s, ch, 1);
	struct gosan_stamp r0 = send(GOSAN_EV_CHAN_RECV, r, ch, 0);

	knows(r, s0);
	knows_not(r, s1); /* receive 0 is not after send 1 */
	knows_not(s, r0);
	send(GOSAN_EV_CHAN_SEND, s, ch, 0); /* receive 0 is before send 2 = 0 + capacity */
	knows(s, r0);
	send(GOSAN_EV_CHAN_RECV, r, ch, 1);
	knows(r, s1);
}

static void channel_whose_make_was_not_seen(void **state)
{
	struct gosan_g *s = new_g(), *r = new_g();
	struct gosan_obj *ch = new_obj(GOSAN_OBJ_CHAN);
	struct gosan_stamp first = send(GOSAN_EV_CHAN_SEND, s, ch, 0),
			   later = send(GOSAN_EV_CHAN_SEND, s, ch, 5);

	(void)state;
	send(GOSAN_EV_CHAN_RECV, r, ch, 0);
	knows(r, first);
	knows_not(r, later);
	send(GOSAN_EV_CHAN_RECV, r, ch, 5);
	knows(r, later);
}

static void closing(void **state)
{
	struct gosan_g *s = new_g(), *c = new_g(), *r = new_g();
	struct gosan_obj *ch = new_obj(GOSAN_OBJ_CHAN);

	(void)state;
	send(GOSAN_EV_CHAN_MAKE, s, ch, 1);
	struct gosan_stamp sent = send(GOSAN_EV_CHAN_SEND, s, ch, 0);
	struct gosan_stamp closed = send(GOSAN_EV_CHAN_CLOSE, c, ch, 0);

	assert_true(ch->closed);
	send(GOSAN_EV_CHAN_RECV, r, ch, 0); /* a value that was still queued: not after the close */
	knows(r, sent);
	knows_not(r, closed);
	send(GOSAN_EV_CHAN_RECV_CLOSED, r, ch, 0);
	knows(r, closed);
	knows_not(c, sent); /* send and close don't order each other */
}

static void mutex(void **state)
{
	struct gosan_g *a = new_g(), *b = new_g(), *c = new_g();
	struct gosan_obj *mu = new_obj(GOSAN_OBJ_MUTEX);

	(void)state;
	lock(GOSAN_EV_LOCK_ACQUIRE, a, mu, 0);
	struct gosan_stamp in = lock(GOSAN_EV_LOCK_RELEASE, a, mu, 0);

	lock(GOSAN_EV_LOCK_ACQUIRE, b, mu, GO_LOCK_TRY);
	knows_by_lock(b, in);
	knows_not(b, gosan_stamp_of(a));
	/* c unlocks b's lock without having seen a: a's unlock is still before the next lock */
	lock(GOSAN_EV_LOCK_RELEASE, c, mu, 0);
	struct gosan_g *d = new_g();

	lock(GOSAN_EV_LOCK_ACQUIRE, d, mu, 0);
	knows_by_lock(d, in);
	knows_not(d, gosan_stamp_of(b));
}

static void rwmutex(void **state)
{
	struct gosan_g *w = new_g(), *r1 = new_g(), *r2 = new_g(), *w2 = new_g();
	struct gosan_obj *rw = new_obj(GOSAN_OBJ_RWMUTEX);

	(void)state;
	lock(GOSAN_EV_LOCK_ACQUIRE, w, rw, GO_LOCK_WRITE);
	struct gosan_stamp written = lock(GOSAN_EV_LOCK_RELEASE, w, rw, GO_LOCK_WRITE);

	lock(GOSAN_EV_LOCK_ACQUIRE, r1, rw, GO_LOCK_READ);
	knows_by_lock(r1, written);
	struct gosan_stamp read = lock(GOSAN_EV_LOCK_RELEASE, r1, rw, GO_LOCK_READ);

	lock(GOSAN_EV_LOCK_ACQUIRE, r2, rw, GO_LOCK_READ);
	knows_not(r2, read); /* readers don't order readers */
	lock(GOSAN_EV_LOCK_RELEASE, r2, rw, GO_LOCK_READ);
	lock(GOSAN_EV_LOCK_ACQUIRE, w2, rw, GO_LOCK_WRITE);
	knows_by_lock(w2, read);
	knows_by_lock(w2, written);
	struct gosan_stamp rewritten = lock(GOSAN_EV_LOCK_RELEASE, w2, rw, GO_LOCK_WRITE);

	lock(GOSAN_EV_LOCK_ACQUIRE, r2, rw, GO_LOCK_READ);
	knows_by_lock(r2, rewritten);
	knows_by_lock(r2, read);
}

/* Somebody who knows nothing unlocks for the writer: a read unlock before that writer's lock is still before
 * later read locks. */
static void rwmutex_unlocked_by_another(void **state)
{
	struct gosan_g *r1 = new_g(), *w = new_g(), *other = new_g(), *r2 = new_g();
	struct gosan_obj *rw = new_obj(GOSAN_OBJ_RWMUTEX);

	(void)state;
	lock(GOSAN_EV_LOCK_ACQUIRE, r1, rw, GO_LOCK_READ);
	struct gosan_stamp read = lock(GOSAN_EV_LOCK_RELEASE, r1, rw, GO_LOCK_READ);

	lock(GOSAN_EV_LOCK_ACQUIRE, w, rw, GO_LOCK_WRITE);
	lock(GOSAN_EV_LOCK_RELEASE, other, rw, GO_LOCK_WRITE);
	lock(GOSAN_EV_LOCK_ACQUIRE, r2, rw, GO_LOCK_READ);
	knows_by_lock(r2, read);
	knows_not(r2, gosan_stamp_of(w));
}

static void waitgroup(void **state)
{
	struct gosan_g *main_g = new_g(), *a = new_g(), *b = new_g();
	struct gosan_obj *wg = new_obj(GOSAN_OBJ_WAITGROUP);
	struct gosan_stamp added = send(GOSAN_EV_WG_ADD, a, wg, 2);
	struct gosan_stamp done_a = send(GOSAN_EV_WG_ADD, a, wg, -1),
			   done_b = send(GOSAN_EV_WG_ADD, b, wg, -1);

	(void)state;
	knows_not(b, done_a); /* Done does not acquire */
	send(GOSAN_EV_WG_WAIT, main_g, wg, 0);
	knows_not(main_g, done_a);
	send(GOSAN_EV_WG_WAITED, main_g, wg, 0);
	knows(main_g, added);
	knows(main_g, done_a);
	knows(main_g, done_b);
}

static void once(void **state)
{
	struct gosan_g *a = new_g(), *b = new_g();
	struct gosan_obj *o = new_obj(GOSAN_OBJ_ONCE);
	struct gosan_stamp f = send(GOSAN_EV_ONCE_DONE, a, o, 0);

	(void)state;
	send(GOSAN_EV_ONCE_RETURN, b, o, 0);
	knows(b, f);
}

static void release_store_and_merge(void **state)
{
	struct gosan_g *a = new_g(), *b = new_g(), *c = new_g(), *r = new_g(), *r2 = new_g();
	struct gosan_obj *x = new_obj(GOSAN_OBJ_ATOMIC);
	struct gosan_stamp sa = send(GOSAN_EV_HB_RELEASE, a, x, 0), sb = send(GOSAN_EV_HB_RELEASE, b, x, 0);

	(void)state;
	send(GOSAN_EV_HB_ACQUIRE, r, x, 0);
	knows(r, sa);
	knows(r, sb);
	struct gosan_stamp sc = send(GOSAN_EV_HB_RELEASE_STORE, c, x, 0);

	send(GOSAN_EV_HB_ACQUIRE, r2, x, 0);
	knows(r2, sc);
	knows_not(r2, sa);
	knows_not(r2, sb);
}

static void cond_gives_no_edge(void **state)
{
	struct gosan_g *a = new_g(), *b = new_g();
	struct gosan_obj *c = new_obj(GOSAN_OBJ_COND);
	struct gosan_stamp wake;

	(void)state;
	send(GOSAN_EV_COND_WAIT, b, c, 0);
	wake = send(GOSAN_EV_COND_WAKE, a, c, 1);
	send(GOSAN_EV_COND_WAITED, b, c, 0);
	knows_not(b, wake);
}

/* The system acts for one timer, then for another: what it does for the second does not know who armed the
 * first. */
static void timers_do_not_order_each_other(void **state)
{
	struct gosan_g *a = new_g(), *b = new_g(), *sys = gosan_engine_new_g(0, true), *c = new_g();
	struct gosan_obj *t1 = new_obj(GOSAN_OBJ_TIMER), *t2 = new_obj(GOSAN_OBJ_TIMER);
	struct gosan_stamp arm1 = send(GOSAN_EV_HB_RELEASE_STORE, a, t1, 0);
	struct gosan_stamp arm2 = send(GOSAN_EV_HB_RELEASE_STORE, b, t2, 0), own;

	(void)state;
	sys->is_system = true;
	gosan_engine_system_begin(sys, t1);
	knows(sys, arm1);
	own = meet(GOSAN_EV_G_SPAWN, sys, c, NULL);
	knows(c, arm1);
	gosan_engine_system_begin(sys, t2);
	knows(sys, arm2);
	knows_not(sys, arm1);
	knows(sys, own);
	gosan_engine_system_begin(sys, NULL);
	knows_not(sys, arm2);
}

static void knowledge_is_transitive(void **state)
{
	struct gosan_g *a = new_g(), *b = new_g(), *c = new_g();
	struct gosan_obj *ch = new_obj(GOSAN_OBJ_CHAN), *mu = new_obj(GOSAN_OBJ_MUTEX);
	struct gosan_stamp first = lock(GOSAN_EV_LOCK_RELEASE, a, mu, 0);

	(void)state;
	lock(GOSAN_EV_LOCK_ACQUIRE, b, mu, 0);
	meet(GOSAN_EV_CHAN_PAIR, b, c, ch);
	knows_by_lock(c, first); /* one lock on the way makes it depend on the schedule */
}

/* A goroutine with no epoch left goes on on another chain, and nothing is forgotten. */
static void epochs_run_out(void **state)
{
	struct gosan_g *a = new_g(), *r = new_g();
	struct gosan_obj *x = new_obj(GOSAN_OBJ_ATOMIC);
	struct gosan_stamp s[20];
	uint32_t last = gosan_chain_last_epoch, cid = a->cid;

	(void)state;
	gosan_chain_last_epoch = 4;
	for (int i = 0; i < 20; i++)
		s[i] = send(GOSAN_EV_HB_RELEASE, a, x, 0);
	send(GOSAN_EV_HB_ACQUIRE, r, x, 0);
	gosan_chain_last_epoch = last;
	assert_int_not_equal(a->cid, cid);
	for (int i = 0; i < 20; i++) {
		knows(r, s[i]);
		knows(a, s[i]);
		assert_ptr_equal(gosan_engine_whose(s[i]), a);
	}
	knows_not(r, gosan_stamp_of(a));
}

static void expect_common(const struct gosan_g *a, const struct gosan_g *b, const char *text, uint32_t stack)
{
	uint32_t got;
	const char *said = gosan_hb_last_common(a, b, &got);

	if (!text) {
		assert_null(said);
		return;
	}
	assert_non_null(said);
	assert_string_equal(said, text);
	assert_int_equal(got, stack);
}

static void the_last_common_event(void **state)
{
	struct gosan_g *p = new_g(), *c = new_g(), *d = new_g(), *stranger = new_g();
	struct gosan_obj *mu = new_obj(GOSAN_OBJ_MUTEX), *ch = new_obj(GOSAN_OBJ_CHAN);
	uint32_t go_c, go_d;

	(void)state;
	meet(GOSAN_EV_G_SPAWN, p, c, NULL);
	go_c = stacks;
	meet(GOSAN_EV_G_SPAWN, p, d, NULL);
	go_d = stacks;
	expect_common(p, c, "go statement", go_c);
	expect_common(c, p, "go statement", go_c);
	expect_common(c, d, "go statement", go_d); /* siblings: when the later one started */
	expect_common(d, c, "go statement", go_d);
	expect_common(c, stranger, NULL, 0);
	expect_common(c, c, NULL, 0);

	lock(GOSAN_EV_LOCK_ACQUIRE, c, mu, 0);
	lock(GOSAN_EV_LOCK_RELEASE, c, mu, 0);
	lock(GOSAN_EV_LOCK_ACQUIRE, d, mu, 0);
	expect_common(c, d, "lock", stacks);
	meet(GOSAN_EV_CHAN_PAIR, c, p, ch);
	expect_common(c, p, "chan rendezvous", stacks);
	lock(GOSAN_EV_LOCK_RELEASE, d, mu, 0);
	/* p told d through c? No: what d knows of p is still from its start. */
	expect_common(p, d, "go statement", go_d);

	/* Knowledge of c that came through p is no event between c and stranger. */
	meet(GOSAN_EV_CHAN_PAIR, p, stranger, ch);
	expect_common(p, stranger, "chan rendezvous", stacks);
	expect_common(c, stranger, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(go_statement),
		cmocka_unit_test(join_of_a_thread),
		cmocka_unit_test(unbuffered_channel),
		cmocka_unit_test(two_that_talk_to_each_other),
		cmocka_unit_test(buffered_channel),
		cmocka_unit_test(channel_whose_make_was_not_seen),
		cmocka_unit_test(closing),
		cmocka_unit_test(mutex),
		cmocka_unit_test(rwmutex),
		cmocka_unit_test(rwmutex_unlocked_by_another),
		cmocka_unit_test(waitgroup),
		cmocka_unit_test(once),
		cmocka_unit_test(release_store_and_merge),
		cmocka_unit_test(cond_gives_no_edge),
		cmocka_unit_test(timers_do_not_order_each_other),
		cmocka_unit_test(knowledge_is_transitive),
		cmocka_unit_test(epochs_run_out),
		cmocka_unit_test(the_last_common_event),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
