/* SPDX-License-Identifier: Apache-2.0
 * test_handoff.c: what semaphores and conditions do to lock orders, and very many of these. */
#include "nest.h"

#define INIT(g, s, value) EV(OBJ_INIT, g, .obj = s, .arg = value)
#define POST(g, s)        EV(SEM_POST, g, .obj = s)
#define TAKE(g, s)        EV(SEM_WAITED, g, .obj = s)

/* Who posts the token that it took uses the semaphore as a lock, and locks are luck. */
PROGRAM(a_semaphore_as_lock_is_luck)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);
	OBJ(s, SEM);

	INIT(m, s, 1);
	nest(x, a, b);
	TAKE(x, s);
	POST(x, s);
	TAKE(y, s);
	POST(y, s);
	nest_other(y, b, a);
	ONLY(203);
}

/* A token that was not there before. */
PROGRAM(a_gift_orders)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m), *z = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);
	OBJ(s, SEM);

	INIT(m, s, 0);
	nest(x, a, b);
	POST(x, s);
	TAKE(y, s); /* and lets the next one through */
	POST(y, s);
	TAKE(z, s);
	nest_other(z, b, a);
	EXIT();
	NOTHING();
}

PROGRAM(a_semaphore_as_gate)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);
	OBJ(s, SEM);

	INIT(m, s, 0);
	POST(m, s); /* the only token */
	TAKE(x, s);
	nest(x, a, b);
	POST(x, s);
	TAKE(y, s);
	nest_other(y, b, a);
	POST(y, s);
	EXIT();
	NOTHING();
}

/* With two tokens both may be inside. */
PROGRAM(two_tokens_are_no_gate)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);
	OBJ(s, SEM);

	INIT(m, s, 2);
	TAKE(x, s);
	nest(x, a, b);
	POST(x, s);
	TAKE(y, s);
	nest_other(y, b, a);
	POST(y, s);
	ONLY(203);
}

/* The waiter's side of a condition c with mutex mu, up to its wait, and from its wake on. */
#define WAIT_ON(g, c, mu) \
	do { \
		LOCK(g, mu); \
		EV(COND_WAIT, g, .obj = c, .obj2 = mu); \
		UNLOCK(g, mu); \
	} while (0)
#define WOKEN(g, c, mu, how) \
	do { \
		LOCK(g, mu); \
		EV(COND_WAITED, g, .obj = c, .obj2 = mu, .mode = how); \
		UNLOCK(g, mu); \
	} while (0)
#define WAKE(g, c) EV(COND_WAKE, g, .obj = c, .arg = -1)
#define SAY(g, c, mu) \
	do { \
		LOCK(g, mu); \
		WAKE(g, c); \
		UNLOCK(g, mu); \
	} while (0)

PROGRAM(a_condition_orders)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m), *z;
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);
	OBJ(mu, MUTEX);
	OBJ(c, COND);

	WAIT_ON(y, c, mu);
	nest(x, a, b);
	SAY(x, c, mu);
	WOKEN(y, c, mu, 0);
	z = GO(y); /* what comes after the waiter, too */
	nest_other(z, b, a);
	EXIT();
	NOTHING();
}

/* From one condition to the next. */
PROGRAM(conditions_in_a_row)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m), *z = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);
	OBJ(mu, MUTEX);
	OBJ(c, COND);
	OBJ(d, COND);

	WAIT_ON(y, c, mu);
	WAIT_ON(z, d, mu);
	nest(x, a, b);
	SAY(x, c, mu);
	WOKEN(y, c, mu, 0);
	SAY(y, d, mu);
	WOKEN(z, d, mu, 0);
	nest_other(z, b, a);
	EXIT();
	NOTHING();
}

PROGRAM(what_comes_after_the_wake_is_not_ordered)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);
	OBJ(mu, MUTEX);
	OBJ(c, COND);

	WAIT_ON(y, c, mu);
	SAY(x, c, mu);
	nest(x, a, b);
	WOKEN(y, c, mu, 0);
	nest_other(y, b, a);
	ONLY(203);
}

PROGRAM(a_wait_that_came_late_is_no_order)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);
	OBJ(mu, MUTEX);
	OBJ(c, COND);

	SAY(x, c, mu);
	WAIT_ON(y, c, mu);
	nest(x, a, b);
	SAY(x, c, mu);
	WOKEN(y, c, mu, 0);
	nest_other(y, b, a);
	ONLY(203);
}

PROGRAM(another_waker_is_no_order)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m), *z = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);
	OBJ(mu, MUTEX);
	OBJ(c, COND);

	WAIT_ON(y, c, mu);
	nest(x, a, b);
	SAY(x, c, mu);
	WOKEN(y, c, mu, 0);
	nest_other(y, b, a);
	NOTHING();
	SAY(z, c, mu); /* it might have been the first */
	EXIT();
	ONLY(203);
}

PROGRAM(nobody_woke_it)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);
	OBJ(mu, MUTEX);
	OBJ(c, COND);

	WAIT_ON(y, c, mu);
	nest(x, a, b);
	SAY(x, c, mu);
	WOKEN(y, c, mu, GOSAN_NOT_WOKEN);
	nest_other(y, b, a);
	ONLY(203);
}

PROGRAM(locks_between_the_section_and_the_wake)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);
	OBJ(mu, MUTEX);
	OBJ(c, COND);

	WAIT_ON(y, c, mu);
	LOCK(x, mu);
	UNLOCK(x, mu);
	nest(x, a, b);
	WAKE(x, c);
	WOKEN(y, c, mu, 0);
	nest_other(y, b, a);
	ONLY(203);
}

/* A thousand locks, nested at random in one order: as many dependencies, and none is lost; then one that is not. */
PROGRAM(thousands)
{
	enum { LOCKS = 1000, PAIRS = 20000 };
	static struct gosan_obj *l[LOCKS];
	struct gosan_g *m = feed_main(), *g[2] = {GO(m), GO(m)};
	unsigned seed = 1;

	for (size_t i = 0; i < LOCKS; i++)
		l[i] = feed_obj(GOSAN_OBJ_MUTEX);
	for (size_t i = 0; i < 4 * PAIRS; i++) {
		size_t a = (size_t)rand_r(&seed) % (LOCKS - 2),
		       b = a + 1 + (size_t)rand_r(&seed) % (LOCKS - 1 - a);

		nest(g[i % 2], l[a], l[b]);
	}
	nest(g[1], l[0], l[LOCKS - 1]);
	NOTHING();
	nest_other(g[0], l[LOCKS - 1], l[0]);
	CHECK(gosan_counters->deps_lost == 0); /* the search for long circles may give up */
	EXIT();
	CHECK(n_found >= 1 && found[0].code == 203);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(a_semaphore_as_lock_is_luck),
		RUN(a_gift_orders),
		RUN(a_semaphore_as_gate),
		RUN(two_tokens_are_no_gate),
		RUN(a_condition_orders),
		RUN(conditions_in_a_row),
		RUN(what_comes_after_the_wake_is_not_ordered),
		RUN(a_wait_that_came_late_is_no_order),
		RUN(another_waker_is_no_order),
		RUN(nobody_woke_it),
		RUN(locks_between_the_section_and_the_wake),
		RUN(thousands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
