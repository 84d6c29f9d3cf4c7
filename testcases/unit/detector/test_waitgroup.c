/* SPDX-License-Identifier: Apache-2.0
 * test_waitgroup.c: GS401, GS402, GS403: every rule with its silent twin, in both orders. */
#include "feed.h"

PROGRAM(add_before_go)
{
	struct gosan_g *m = feed_main(), *w[5];
	struct gosan_obj *wg = feed_obj(GOSAN_OBJ_WAITGROUP);

	for (int i = 0; i < 5; i++) {
		ADD(m, wg, 1);
		w[i] = GO(m);
	}
	WAIT(m, wg);
	for (int i = 5; i-- > 0;)
		DONE(w[i], wg);
	WAITED(m, wg);
	EXIT();
	NOTHING();
}

PROGRAM(add_in_goroutine_ran_first)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	struct gosan_obj *wg = feed_obj(GOSAN_OBJ_WAITGROUP);

	ADD(w, wg, 1);
	WAIT(m, wg);
	DONE(w, wg);
	WAITED(m, wg);
	ONLY(401); /* at once, not only at the end */
	EXIT();
	ONLY(401);
	CHECK(feed_has_role(&found[0], "adder") && feed_has_role(&found[0], "waiter"));
	CHECK(found[0].parts[0].g == w && found[0].parts[1].g == m);
}

PROGRAM(add_in_goroutine_wait_ran_first)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	struct gosan_obj *wg = feed_obj(GOSAN_OBJ_WAITGROUP);

	WAIT(m, wg);
	WAITED(m, wg);
	ADD(w, wg, 1);
	ONLY(401);
	DONE(w, wg);
	EXIT();
	ONLY(401);
	CHECK(found[0].parts[0].g == w && found[0].parts[1].g == m);
}

PROGRAM(many_adds_in_goroutines_fold)
{
	struct gosan_g *m = feed_main(), *w[10];
	struct gosan_obj *wg = feed_obj(GOSAN_OBJ_WAITGROUP);

	for (int i = 0; i < 10; i++)
		w[i] = GO(m);
	for (int i = 0; i < 10; i++)
		ADD(w[i], wg, 1);
	WAIT(m, wg);
	for (int i = 0; i < 10; i++)
		DONE(w[i], wg);
	WAITED(m, wg);
	EXIT();
	ONLY(401);
	CHECK(n_again == 9);
}

PROGRAM(add_ordered_by_channel)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	struct gosan_obj *wg = feed_obj(GOSAN_OBJ_WAITGROUP), *ch = feed_obj(GOSAN_OBJ_CHAN);

	ADD(w, wg, 1);
	PAIR(w, m, ch);
	WAIT(m, wg);
	DONE(w, wg);
	WAITED(m, wg);
	EXIT();
	NOTHING();
}

PROGRAM(add_ordered_by_lock)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	struct gosan_obj *wg = feed_obj(GOSAN_OBJ_WAITGROUP), *mu = feed_obj(GOSAN_OBJ_MUTEX);

	LOCK(w, mu);
	ADD(w, wg, 1);
	UNLOCK(w, mu);
	LOCK(m, mu);
	UNLOCK(m, mu);
	WAIT(m, wg);
	DONE(w, wg);
	WAITED(m, wg);
	EXIT();
	NOTHING();
}

/* A worker that is still counted starts more work, two levels deep, and children end in any order. */
PROGRAM(recursive_spawn)
{
	struct gosan_g *m = feed_main(), *w0, *w1, *w2, *w3;
	struct gosan_obj *wg = feed_obj(GOSAN_OBJ_WAITGROUP);

	ADD(m, wg, 1);
	w0 = GO(m);
	WAIT(m, wg);
	ADD(w0, wg, 1);
	w1 = GO(w0);
	ADD(w1, wg, 1);
	w3 = GO(w1);
	DONE(w3, wg);
	ADD(w0, wg, 1);
	w2 = GO(w0);
	DONE(w1, wg);
	DONE(w2, wg);
	DONE(w0, wg);
	WAITED(m, wg);
	EXIT();
	NOTHING();
}

/* The worker does its Done before it adds for the child: in this run a sibling kept the counter up. */
PROGRAM(recursive_spawn_too_late)
{
	struct gosan_g *m = feed_main(), *w0, *w1, *w2;
	struct gosan_obj *wg = feed_obj(GOSAN_OBJ_WAITGROUP);

	ADD(m, wg, 2);
	w0 = GO(m);
	w1 = GO(m);
	WAIT(m, wg);
	DONE(w0, wg);
	ADD(w0, wg, 1);
	w2 = GO(w0);
	DONE(w1, wg);
	DONE(w2, wg);
	WAITED(m, wg);
	EXIT();
	ONLY(401);
	CHECK(found[0].parts[0].g == w0);
}

PROGRAM(rounds_in_order)
{
	struct gosan_g *m = feed_main();
	struct gosan_obj *wg = feed_obj(GOSAN_OBJ_WAITGROUP);

	for (int round = 0; round < 20; round++) {
		struct gosan_g *w;

		ADD(m, wg, 1);
		w = GO(m);
		DONE(w, wg);
		END(w);
		WAIT(m, wg);
		WAITED(m, wg);
	}
	EXIT();
	NOTHING();
}

PROGRAM(negative_happened)
{
	struct gosan_g *m = feed_main();
	struct gosan_obj *wg = feed_obj(GOSAN_OBJ_WAITGROUP);

	ADD(m, wg, 1);
	DONE(m, wg);
	FAULT(m, GO_FAULT_WG_NEGATIVE, wg);
	gosan_engine_end(GOSAN_END_CRASH);
	ONLY(402);
}

PROGRAM(negative_possible)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	struct gosan_obj *wg = feed_obj(GOSAN_OBJ_WAITGROUP);

	ADD(m, wg, 1); /* after the go statement */
	DONE(w, wg);
	WAIT(m, wg);
	WAITED(m, wg);
	EXIT();
	ONLY(402);
	CHECK(found[0].parts[0].g == w && found[0].parts[1].g == m);
}

/* Two Adds, one before each Done, but both Dones can only rely on the first: a Hall set of two. */
PROGRAM(negative_possible_needs_flow)
{
	struct gosan_g *m = feed_main(), *a, *b, *c;
	struct gosan_obj *wg = feed_obj(GOSAN_OBJ_WAITGROUP), *ch = feed_obj(GOSAN_OBJ_CHAN);

	ADD(m, wg, 1);
	a = GO(m);
	b = GO(m);
	c = GO(m);
	ADD(c, wg, 1);
	PAIR(c, m, ch);
	DONE(a, wg);
	DONE(b, wg);
	WAIT(m, wg);
	WAITED(m, wg);
	EXIT();
	ONLY(402);
}

/* Greedy would give the Add that both may use to the Done that has another. */
PROGRAM(flow_reroutes)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m), *d1, *d2;
	struct gosan_obj *wg = feed_obj(GOSAN_OBJ_WAITGROUP), *ch = feed_obj(GOSAN_OBJ_CHAN);

	ADD(x, wg, 1);
	ADD(y, wg, 1);
	d2 = GO(y); /* knows y's Add only */
	PAIR(x, m, ch);
	PAIR(y, m, ch);
	d1 = GO(m); /* knows both */
	DONE(d1, wg);
	DONE(d2, wg);
	WAIT(m, wg);
	WAITED(m, wg);
	EXIT();
	NOTHING();
}

static void reuse(bool wait_first)
{
	struct gosan_g *m = feed_main(), *waiter, *w;
	struct gosan_obj *wg = feed_obj(GOSAN_OBJ_WAITGROUP), *ch = feed_obj(GOSAN_OBJ_CHAN);

	ADD(m, wg, 1);
	waiter = GO(m);
	w = GO(m);
	if (wait_first)
		WAIT(waiter, wg);
	DONE(w, wg);
	PAIR(w, m, ch); /* main knows that the round is over, and not that waiter has returned */
	ADD(m, wg, 1);
	if (!wait_first)
		WAIT(waiter, wg);
	DONE(m, wg);
	WAITED(waiter, wg);
	EXIT();
	ONLY(403);
	CHECK(found[0].parts[0].g == m && found[0].parts[1].g == waiter);
}

PROGRAM(reuse_wait_first)
{
	reuse(true);
}

PROGRAM(reuse_add_first)
{
	reuse(false);
}

PROGRAM(reuse_after_return)
{
	struct gosan_g *m = feed_main(), *waiter, *w;
	struct gosan_obj *wg = feed_obj(GOSAN_OBJ_WAITGROUP), *ch = feed_obj(GOSAN_OBJ_CHAN);

	ADD(m, wg, 1);
	waiter = GO(m);
	w = GO(m);
	WAIT(waiter, wg);
	DONE(w, wg);
	WAITED(waiter, wg);
	PAIR(waiter, m, ch);
	ADD(m, wg, 1);
	DONE(m, wg);
	EXIT();
	NOTHING();
}

PROGRAM(reuse_fault)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	struct gosan_obj *wg = feed_obj(GOSAN_OBJ_WAITGROUP);

	WAIT(w, wg);
	FAULT(m, GO_FAULT_WG_REUSE, wg);
	gosan_engine_end(GOSAN_END_CRASH);
	ONLY(403);
}

PROGRAM(ten_thousand)
{
	enum { N = 10000 };
	static struct gosan_g *w[N];
	struct gosan_g *m = feed_main();
	struct gosan_obj *wg = feed_obj(GOSAN_OBJ_WAITGROUP);

	alarm(20); /* quadratic would not come back */
	for (int i = 0; i < N; i++) {
		ADD(m, wg, 1);
		w[i] = GO(m);
	}
	WAIT(m, wg);
	for (int i = N; i-- > 0;) {
		DONE(w[i], wg);
		END(w[i]);
	}
	WAITED(m, wg);
	EXIT();
	NOTHING();
	CHECK(gosan_counters->wg_lost == 0);
}

/* A server's accept loop: the listener is counted, and adds for each connection while main waits. */
PROGRAM(accept_loop)
{
	struct gosan_g *m = feed_main(), *listener;
	struct gosan_obj *wg = feed_obj(GOSAN_OBJ_WAITGROUP);

	ADD(m, wg, 1);
	listener = GO(m);
	WAIT(m, wg);
	for (int i = 0; i < 100; i++) {
		struct gosan_g *h;

		ADD(listener, wg, 1);
		h = GO(listener);
		DONE(h, wg);
		END(h);
	}
	DONE(listener, wg);
	WAITED(m, wg);
	EXIT();
	NOTHING();
	CHECK(gosan_counters->wg_lost == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(add_before_go),
		RUN(add_in_goroutine_ran_first),
		RUN(add_in_goroutine_wait_ran_first),
		RUN(many_adds_in_goroutines_fold),
		RUN(add_ordered_by_channel),
		RUN(add_ordered_by_lock),
		RUN(recursive_spawn),
		RUN(recursive_spawn_too_late),
		RUN(rounds_in_order),
		RUN(negative_happened),
		RUN(negative_possible),
		RUN(negative_possible_needs_flow),
		RUN(flow_reroutes),
		RUN(reuse_wait_first),
		RUN(reuse_add_first),
		RUN(reuse_after_return),
		RUN(reuse_fault),
		RUN(ten_thousand),
		RUN(accept_loop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
