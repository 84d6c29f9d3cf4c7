/* SPDX-License-Identifier: Apache-2.0
 * test_lock.c: GS204, GS601, GS603, GS604, GS605, GS606. */
#include "feed.h"

#define OBJ(name, kind)     struct gosan_obj *name = feed_obj(GOSAN_OBJ_##kind)
#define COND_WAIT(g, c, mu) EV(COND_WAIT, g, .obj = c, .obj2 = mu)
#define WAKE(g, c, woken)   EV(COND_WAKE, g, .obj = c, .arg = woken)

PROGRAM(lock_twice)
{
	struct gosan_g *m = feed_main();
	OBJ(mu, MUTEX);

	LOCK(m, mu);
	PARK_LOCK(m, mu);
	ONLY(204); /* at the request */
	STALL();
	gosan_engine_end(GOSAN_END_STALL);
	ONLY(204);
}

/* A mutex as a semaphore: legal in Go, and known only when it happens. */
PROGRAM(freed_by_another)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	OBJ(mu, MUTEX);

	LOCK(m, mu);
	PARK_LOCK(m, mu);
	ONLY(204);
	UNLOCK(w, mu);
	READY(w, m);
	CHECK(n_taken_back == 1);
	EV(LOCK_ACQUIRE, m, .obj = mu);
	UNLOCK(m, mu);
	EXIT();
	ONLY(204);
	CHECK(n_taken_back == 1);
}

/* The same when the unlock comes between the request and the park. */
PROGRAM(freed_before_the_park)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	OBJ(mu, MUTEX);

	LOCK(m, mu);
	REQUEST(m, mu);
	ONLY(204);
	UNLOCK(w, mu);
	EV(LOCK_ACQUIRE, m, .obj = mu);
	CHECK(n_taken_back == 1 && !gosan_waits_explained(m));
}

/* Once handed over, a lock of one's own is worth waiting for: neither GS204 nor a cycle, until nothing moves. */
PROGRAM(semaphore_is_waited_for)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	OBJ(ping, MUTEX);
	OBJ(pong, MUTEX);

	LOCK(m, ping);
	LOCK(m, pong);
	UNLOCK(w, ping);
	UNLOCK(w, pong);
	LOCK(m, ping);
	LOCK(w, pong);
	PARK_LOCK(m, ping);
	UNLOCK(w, ping);
	READY(w, m);
	EV(LOCK_ACQUIRE, m, .obj = ping);
	PARK_LOCK(m, ping);
	PARK_LOCK(w, pong);
	NOTHING();
	STALL();
	ONLY(201);
}

/* Whoever takes it last need not give it back. */
PROGRAM(semaphore_left_locked)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	OBJ(mu, MUTEX);

	LOCK(m, mu);
	UNLOCK(w, mu);
	LOCK(w, mu);
	END(w);
	EXIT();
	NOTHING();
}

PROGRAM(write_lock_under_read_lock)
{
	struct gosan_g *m = feed_main();
	OBJ(l, RWMUTEX);

	RLOCK(m, l);
	REQUEST(m, l);
	PARK(m, GO_WAIT_WLOCK, l, GO_ON_LOCK);
	STALL();
	ONLY(204);
}

PROGRAM(read_lock_under_write_lock)
{
	struct gosan_g *m = feed_main();
	OBJ(l, RWMUTEX);

	LOCK(m, l);
	EV(LOCK_REQUEST, m, .obj = l, .mode = GO_LOCK_READ);
	ONLY(204);
}

PROGRAM(lock_again_after_unlock)
{
	struct gosan_g *m = feed_main();
	OBJ(mu, MUTEX);

	LOCK(m, mu);
	UNLOCK(m, mu);
	LOCK(m, mu);
	UNLOCK(m, mu);
	EXIT();
	NOTHING();
}

PROGRAM(unlock_by_another_then_lock)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	OBJ(mu, MUTEX);

	LOCK(m, mu);
	UNLOCK(w, mu);
	LOCK(m, mu);
	UNLOCK(m, mu);
	EXIT();
	NOTHING();
}

PROGRAM(unlock_of_unlocked)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	OBJ(mu, MUTEX);

	LOCK(m, mu);
	UNLOCK(w, mu);
	FAULT(m, GO_FAULT_UNLOCK_OF_UNLOCKED, mu);
	gosan_engine_end(GOSAN_END_CRASH);
	ONLY(601);
	CHECK(found[0].parts[1].g == w);
}

PROGRAM(free_while_held)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	OBJ(mu, MUTEX);

	LOCK(w, mu);
	EV(FREE, m, .addr = mu->addr - 8, .size = 64);
	gosan_engine_forget(mu->addr, mu->addr + 8);
	ONLY(603);
	CHECK(feed_has_role(&found[0], "owner"));
	END(w);
	EXIT();
	ONLY(603);
}

PROGRAM(free_while_waited_for)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	OBJ(ch, CHAN);

	PARK(w, GO_WAIT_CHAN_RECV, ch, GO_ON_RECV);
	EV(CHAN_FREE, m, .obj = ch);
	ONLY(603);
	CHECK(feed_has_role(&found[0], "waiter"));
	EXIT();
	ONLY(603); /* and no leak besides */
}

PROGRAM(free_after_use)
{
	struct gosan_g *m = feed_main(), *w = GO(m), *other = GO(m);
	OBJ(mu, MUTEX);
	OBJ(ch, CHAN);
	OBJ(ch2, CHAN);

	LOCK(w, mu);
	UNLOCK(w, mu);
	PARK(other, GO_WAIT_CHAN_RECV, ch2, GO_ON_RECV);
	PARK(w, GO_WAIT_CHAN_RECV, ch, GO_ON_RECV);
	READY(m, w);
	EV(FREE, m, .addr = mu->addr, .size = 8);
	EV(CHAN_FREE, m, .obj = ch);
	NOTHING();
}

PROGRAM(ended_with_lock)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	OBJ(mu, MUTEX);

	LOCK(w, mu);
	END(w);
	NOTHING(); /* somebody else may still unlock it */
	EXIT();
	ONLY(604);
	CHECK(found[0].parts[0].g == w);
}

PROGRAM(ended_with_lock_and_stall)
{
	struct gosan_g *m = feed_main(), *w = GO(m), *v = GO(m);
	OBJ(mu, MUTEX);
	OBJ(wg, WAITGROUP);

	LOCK(w, mu);
	END(w);
	PARK_LOCK(v, mu);
	PARK(m, GO_WAIT_WAITGROUP, wg, GO_ON_WAIT);
	STALL();
	gosan_engine_end(GOSAN_END_STALL);
	ONLY(604);
	CHECK(feed_has_role(&found[0], "waiter"));
}

PROGRAM(unlocked_by_another_later)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	OBJ(mu, MUTEX);

	LOCK(w, mu);
	END(w);
	UNLOCK(m, mu);
	EXIT();
	NOTHING();
}

PROGRAM(ended_with_lock_and_panic)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	OBJ(mu, MUTEX);

	LOCK(w, mu);
	END(w);
	FAULT(m, GO_FAULT_CLOSE_OF_NIL, NULL);
	gosan_engine_end(GOSAN_END_CRASH);
	ONLY(503);
}

PROGRAM(cond_without_mutex)
{
	OBJ(c, COND);

	FAULT(feed_main(), GO_FAULT_COND_UNLOCKED, c);
	ONLY(605);
}

PROGRAM(cond_with_two_mutexes)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	OBJ(c, COND);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);

	LOCK(w, a);
	COND_WAIT(w, c, a);
	LOCK(m, b);
	COND_WAIT(m, c, b);
	ONLY(605);
}

static void wait_on(struct gosan_g *g, struct gosan_obj *c, struct gosan_obj *mu)
{
	COND_WAIT(g, c, mu);
	UNLOCK(g, mu);
	PARK(g, GO_WAIT_COND, c, GO_ON_WAIT);
}

PROGRAM(lost_wake_up)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	OBJ(c, COND);
	OBJ(mu, MUTEX);

	LOCK(w, mu);
	WAKE(w, c, 0);
	UNLOCK(w, mu);
	END(w);
	LOCK(m, mu);
	wait_on(m, c, mu);
	STALL();
	gosan_engine_end(GOSAN_END_STALL);
	ONLY(605);
	CHECK(feed_has_role(&found[0], "waker"));
}

/* A worker that took the item of the early signal and waits for the next one is a leak, nothing was lost. */
PROGRAM(early_signal_was_seen)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	OBJ(c, COND);
	OBJ(mu, MUTEX);

	LOCK(m, mu);
	WAKE(m, c, 0);
	UNLOCK(m, mu);
	LOCK(w, mu);
	UNLOCK(w, mu);
	LOCK(w, mu);
	wait_on(w, c, mu);
	EXIT();
	ONLY(301);
}

PROGRAM(woken_later)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	OBJ(c, COND);
	OBJ(mu, MUTEX);

	WAKE(m, c, 0);
	LOCK(w, mu);
	wait_on(w, c, mu);
	WAKE(m, c, 1);
	READY(m, w);
	LOCK(w, mu);
	UNLOCK(w, mu);
	EXIT();
	NOTHING();
}

PROGRAM(copied)
{
	struct gosan_g *m = feed_main();
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);

	LOCK(m, a);
	UNLOCK(m, a);
	gosan_lock_copied(b, a, m, 7);
	ONLY(606);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(lock_twice),
		RUN(freed_by_another),
		RUN(freed_before_the_park),
		RUN(semaphore_is_waited_for),
		RUN(semaphore_left_locked),
		RUN(write_lock_under_read_lock),
		RUN(read_lock_under_write_lock),
		RUN(lock_again_after_unlock),
		RUN(unlock_by_another_then_lock),
		RUN(unlock_of_unlocked),
		RUN(free_while_held),
		RUN(free_while_waited_for),
		RUN(free_after_use),
		RUN(ended_with_lock),
		RUN(ended_with_lock_and_stall),
		RUN(unlocked_by_another_later),
		RUN(ended_with_lock_and_panic),
		RUN(cond_without_mutex),
		RUN(cond_with_two_mutexes),
		RUN(lost_wake_up),
		RUN(early_signal_was_seen),
		RUN(woken_later),
		RUN(copied),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
