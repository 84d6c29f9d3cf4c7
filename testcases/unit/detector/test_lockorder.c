/* SPDX-License-Identifier: Apache-2.0
 * test_lockorder.c: GS203 and GS205, and everything that must keep them silent. */
#include "nest.h"

PROGRAM(two_orders)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);

	nest(x, a, b);
	nest_other(y, b, a);
	ONLY(203); /* a killed process has no end */
	EXIT();
	ONLY(203);
	CHECK(n_emitted == 1 && n_taken_back == 0);
	CHECK(found[0].n_parts == 4 && feed_has_role(&found[0], "owner") &&
	      feed_has_role(&found[0], "waiter"));
	CHECK(found[0].parts[0].g == x && found[0].parts[3].g == y);
}

/* What was predicted happens after all. */
PROGRAM(taken_back_when_it_happens)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);

	nest(x, a, b);
	nest_other(y, b, a);
	ONLY(203);
	LOCK(x, a);
	LOCK(y, b);
	REQUEST(x, b);
	PARK(x, GO_WAIT_MUTEX, b, GO_ON_LOCK);
	REQUEST(y, a);
	PARK(y, GO_WAIT_MUTEX, a, GO_ON_LOCK);
	EXIT();
	CHECK(n_found == 2 && found[1].code == 202 && n_taken_back == 1);
}

/* A lock that prefers readers lets them in again while a writer waits. */
PROGRAM(read_again_by_kind)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(readers, RWMUTEX);
	OBJ(writers, RWMUTEX);

	readers->flags = GOSAN_OBJ_OWNED;
	writers->flags = GOSAN_OBJ_OWNED | GOSAN_OBJ_WRITERS_FIRST;
	LOCK(y, readers);
	UNLOCK(y, readers);
	RLOCK(x, readers);
	RLOCK(x, readers);
	NOTHING();
	LOCK(y, writers);
	UNLOCK(y, writers);
	RLOCK(x, writers);
	RLOCK(x, writers);
	ONLY(205);
}

/* A wait with a limit is no deadlock; what it got counts all the same. */
PROGRAM(a_timed_lock_predicts_nothing)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);

	nest(x, a, b);
	LOCK(y, b);
	EV(LOCK_REQUEST, y, .obj = a, .mode = GOSAN_LOCK_TIMED);
	EV(LOCK_ACQUIRE, y, .obj = a, .mode = GOSAN_LOCK_TIMED);
	EXIT();
	NOTHING();
}

PROGRAM(same_order)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);

	nest(x, a, b);
	nest_other(y, a, b);
	EXIT();
	NOTHING();
}

PROGRAM(same_goroutine)
{
	struct gosan_g *m = feed_main(), *x = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);

	nest(x, a, b);
	nest_other(x, b, a);
	EXIT();
	NOTHING();
}

PROGRAM(gate_lock)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(gate, MUTEX);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);

	LOCK(x, gate);
	nest(x, a, b);
	UNLOCK(x, gate);
	LOCK(y, gate);
	nest_other(y, b, a);
	UNLOCK(y, gate);
	EXIT();
	NOTHING();
}

PROGRAM(a_gate_held_for_reading_is_none)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(gate, RWMUTEX);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);

	RLOCK(x, gate);
	nest(x, a, b);
	RUNLOCK(x, gate);
	RLOCK(y, gate);
	nest_other(y, b, a);
	RUNLOCK(y, gate);
	EXIT();
	ONLY(203);
}

PROGRAM(spawn_orders)
{
	struct gosan_g *m = feed_main(), *x;
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);

	nest(m, a, b);
	x = GO(m);
	nest_other(x, b, a);
	EXIT();
	NOTHING();
}

PROGRAM(channel_orders)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);
	OBJ(ch, CHAN);

	nest(x, a, b);
	PAIR(x, y, ch);
	nest_other(y, b, a);
	EXIT();
	NOTHING();
}

PROGRAM(lock_order_is_luck)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);
	OBJ(c, MUTEX);

	nest(x, a, b);
	LOCK(x, c);
	UNLOCK(x, c);
	LOCK(y, c);
	UNLOCK(y, c);
	nest_other(y, b, a);
	EXIT();
	ONLY(203);
}

PROGRAM(readers_do_not_block)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(a, RWMUTEX);
	OBJ(b, RWMUTEX);

	RLOCK(x, a);
	RLOCK(x, b);
	RUNLOCK(x, b);
	RUNLOCK(x, a);
	RLOCK(y, b);
	RLOCK(y, a);
	RUNLOCK(y, a);
	RUNLOCK(y, b);
	EXIT();
	NOTHING();
}

PROGRAM(reader_and_writer_block)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(a, RWMUTEX);
	OBJ(b, MUTEX);

	RLOCK(x, a);
	LOCK(x, b);
	UNLOCK(x, b);
	RUNLOCK(x, a);
	LOCK(y, b);
	LOCK(y, a);
	UNLOCK(y, a);
	UNLOCK(y, b);
	EXIT();
	ONLY(203);
}

PROGRAM(trylock_never_waits)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);

	nest(x, a, b);
	LOCK(y, b);
	EV(LOCK_ACQUIRE, y, .obj = a, .mode = GO_LOCK_TRY);
	UNLOCK(y, a);
	UNLOCK(y, b);
	EXIT();
	NOTHING();
}

PROGRAM(trylock_holds)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);

	nest(x, a, b);
	EV(LOCK_ACQUIRE, y, .obj = b, .mode = GO_LOCK_TRY);
	LOCK(y, a);
	UNLOCK(y, a);
	UNLOCK(y, b);
	EXIT();
	ONLY(203);
}

static void philosophers(int n)
{
	struct gosan_g *m = feed_main(), *g[8];
	struct gosan_obj *fork_[8];

	for (int i = 0; i < n; i++) {
		fork_[i] = feed_obj(GOSAN_OBJ_MUTEX);
		g[i] = GO(m);
	}
	for (int i = 0; i < n; i++)
		nest(g[i], fork_[i], fork_[(i + 1) % n]);
	EXIT();
}

PROGRAM(five_in_a_circle)
{
	philosophers(5);
	ONLY(203);
	CHECK(found[0].n_parts == 10);
}

PROGRAM(six_are_too_many)
{
	philosophers(6);
	NOTHING();
}

/* Many goroutines of the same code: one finding. */
PROGRAM(crowd)
{
	struct gosan_g *m = feed_main();
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);

	for (int i = 0; i < 500; i++) {
		struct gosan_g *g = GO(m);

		if (i % 2)
			nest(g, a, b);
		else
			nest_other(g, b, a);
		END(g);
	}
	EXIT();
	ONLY(203);
	CHECK(gosan_counters->deps_lost == 0);
}

PROGRAM(the_deadlock_that_happened_is_enough)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);
	OBJ(wg, WAITGROUP);

	LOCK(x, a);
	LOCK(y, b);
	PARK_LOCK(x, b);
	PARK_LOCK(y, a);
	PARK(m, GO_WAIT_WAITGROUP, wg, GO_ON_WAIT);
	STALL();
	gosan_engine_end(GOSAN_END_STALL);
	ONLY(201);
}

static void read_again(struct gosan_g *g, struct gosan_obj *l)
{
	RLOCK(g, l);
	RLOCK(g, l);
	RUNLOCK(g, l);
	RUNLOCK(g, l);
}

PROGRAM(read_again_and_writer)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(l, RWMUTEX);

	read_again(x, l);
	LOCK(y, l);
	UNLOCK(y, l);
	EXIT();
	ONLY(205);
	CHECK(found[0].n_parts == 3 && found[0].parts[2].g == y);
}

PROGRAM(writer_and_read_again)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(l, RWMUTEX);

	LOCK(y, l);
	UNLOCK(y, l);
	read_again(x, l);
	EXIT();
	ONLY(205);
}

PROGRAM(read_again_without_writer)
{
	struct gosan_g *m = feed_main(), *x = GO(m);
	OBJ(l, RWMUTEX);

	read_again(x, l);
	EXIT();
	NOTHING();
}

PROGRAM(read_again_after_writer)
{
	struct gosan_g *m = feed_main(), *x;
	OBJ(l, RWMUTEX);

	LOCK(m, l);
	UNLOCK(m, l);
	x = GO(m);
	read_again(x, l);
	EXIT();
	NOTHING();
}

PROGRAM(read_again_behind_gate)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(gate, MUTEX);
	OBJ(l, RWMUTEX);

	LOCK(x, gate);
	read_again(x, l);
	UNLOCK(x, gate);
	LOCK(y, gate);
	LOCK(y, l);
	UNLOCK(y, l);
	UNLOCK(y, gate);
	EXIT();
	NOTHING();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(two_orders),
		RUN(taken_back_when_it_happens),
		RUN(read_again_by_kind),
		RUN(a_timed_lock_predicts_nothing),
		RUN(same_order),
		RUN(same_goroutine),
		RUN(gate_lock),
		RUN(a_gate_held_for_reading_is_none),
		RUN(spawn_orders),
		RUN(channel_orders),
		RUN(lock_order_is_luck),
		RUN(readers_do_not_block),
		RUN(reader_and_writer_block),
		RUN(trylock_never_waits),
		RUN(trylock_holds),
		RUN(five_in_a_circle),
		RUN(six_are_too_many),
		RUN(crowd),
		RUN(the_deadlock_that_happened_is_enough),
		RUN(read_again_and_writer),
		RUN(writer_and_read_again),
		RUN(read_again_without_writer),
		RUN(read_again_after_writer),
		RUN(read_again_behind_gate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
