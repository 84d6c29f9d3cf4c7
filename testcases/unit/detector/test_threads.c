/* SPDX-License-Identifier: Apache-2.0
 * test_threads.c: threads in the analyzers: standstill (GS201), cycles through joins (GS202), locks with owners
 * (GS204, GS602, GS603, GS604, GS605), and leaks (GS302). */
#include "feed.h"

#define OBJ(name, kind, flags_) \
	struct gosan_obj *name = feed_obj(GOSAN_OBJ_##kind); \
	name->flags = flags_
#define MUTEX(name)     OBJ(name, MUTEX, GOSAN_OBJ_OWNED)
#define COUNTED(o, n)   EV(OBJ_INIT, feed_thread(), .obj = o, .arg = n)
#define JOIN_PARK(g, t) thread_park(g, GOSAN_WAIT_JOIN, NULL, t, 0, __LINE__)
#define SEM_PARK(g, s)  thread_park(g, GOSAN_WAIT_SEM, s, NULL, 0, __LINE__)
#define DETACH(g, t)    EV(THREAD_DETACH, g, .peer = t)
#define JOINED(g, t)    EV(G_JOIN, g, .peer = t)
#define COND_PARK(g, c, m) \
	do { \
		EV(COND_WAIT, g, .obj = c, .obj2 = m); \
		UNLOCK(g, m); \
		thread_park_cond(g, c, m, 0, __LINE__); \
	} while (0)
#define WAKE(g, c, all) EV(COND_WAKE, g, .obj = c, .arg = -1, .mode = all)

/* The main thread: the first context of the process, which the engine made at its start. */
static struct gosan_g *feed_thread(void)
{
	return gosan_engine_self();
}

static struct gosan_g *create(struct gosan_g *parent, uint32_t line)
{
	struct gosan_g *g = gosan_engine_new_g(0, true);

	gosan_engine_event(
		&(struct gosan_event){.op = GOSAN_EV_G_SPAWN, .g = parent, .peer = g, .stack = line});
	gosan_engine_event(&(struct gosan_event){.op = GOSAN_EV_G_START, .g = g, .stack = line});
	return g;
}
#define CREATE(g) create(g, __LINE__)

static void thread_park(struct gosan_g *g, int why, struct gosan_obj *o, struct gosan_g *peer, int mode,
			uint32_t line)
{
	g->wait.n = o != NULL;
	g->wait.on[0].obj = o;
	gosan_engine_event(&(struct gosan_event){
		.op = GOSAN_EV_G_PARK, .g = g, .arg = why, .peer = peer, .mode = mode, .stack = line});
}

static void thread_park_cond(struct gosan_g *g, struct gosan_obj *c, struct gosan_obj *m, int mode,
			     uint32_t line)
{
	g->wait.n = 1;
	g->wait.on[0].obj = c;
	gosan_engine_event(&(struct gosan_event){
		.op = GOSAN_EV_G_PARK, .g = g, .arg = GO_WAIT_COND, .obj2 = m, .mode = mode, .stack = line});
}

/* A program of threads has no goroutine: feed_run made the main one. */
static struct gosan_g *begin(void)
{
	END(feed_main());
	return feed_thread();
}

PROGRAM(two_locks_two_orders)
{
	struct gosan_g *m = begin(), *t = CREATE(m);
	MUTEX(a);
	MUTEX(b);

	LOCK(m, a);
	LOCK(t, b);
	PARK_LOCK(m, b);
	NOTHING();
	PARK_LOCK(t, a);
	ONLY(201);
	CHECK(found[0].n_parts == 2 && found[0].parts[0].g == m && found[0].n_story == 4);
	CHECK(strstr(found[0].title, "every thread"));
	gosan_engine_end(GOSAN_END_TIMEOUT);
	ONLY(201); /* and no order of locks */
}

PROGRAM(a_join_under_a_lock)
{
	struct gosan_g *m = begin(), *t = CREATE(m);
	MUTEX(a);

	LOCK(m, a);
	PARK_LOCK(t, a);
	NOTHING();
	JOIN_PARK(m, t);
	ONLY(201);
	CHECK(strstr(found[0].why, "waits for the end of thread 2") && strstr(found[0].help, "join"));
}

PROGRAM(a_join_under_a_lock_while_others_run)
{
	struct gosan_g *m = begin(), *t = CREATE(m), *u = CREATE(m);
	MUTEX(a);

	LOCK(u, a);
	PARK_LOCK(t, a);
	JOIN_PARK(u, t);
	EXIT();
	ONLY(202);
	CHECK(found[0].n_parts == 2);
}

PROGRAM(a_timed_wait_ends_by_itself)
{
	struct gosan_g *m = begin(), *t = CREATE(m);
	MUTEX(a);

	LOCK(m, a);
	thread_park(t, GO_WAIT_MUTEX, a, NULL, GOSAN_LOCK_TIMED, __LINE__);
	JOIN_PARK(m, t);
	EXIT();
	NOTHING();
}

PROGRAM(a_semaphore_that_nobody_posts)
{
	struct gosan_g *m = begin(), *t = CREATE(m);
	OBJ(s, SEM, 0);

	COUNTED(s, 0);
	SEM_PARK(t, s);
	NOTHING();
	JOIN_PARK(m, t);
	ONLY(201);
	CHECK(strstr(found[0].why, "nobody ever posted it"));
}

PROGRAM(a_posted_semaphore_lets_one_go)
{
	struct gosan_g *m = begin(), *t = CREATE(m);
	OBJ(s, SEM, 0);

	COUNTED(s, 0);
	SEM_PARK(t, s);
	EV(SEM_POST, m, .obj = s);
	JOIN_PARK(m, t);
	NOTHING();
	READY(t, t);
	EV(SEM_WAITED, t, .obj = s);
	SEM_PARK(t, s);
	ONLY(201);
}

PROGRAM(what_other_processes_share)
{
	struct gosan_g *m = begin(), *t = CREATE(m);
	OBJ(s, SEM, GOSAN_OBJ_SHARED);

	COUNTED(s, 0);
	SEM_PARK(t, s);
	JOIN_PARK(m, t);
	NOTHING();
}

PROGRAM(a_woken_waiter_is_on_its_way)
{
	struct gosan_g *m = begin(), *t = CREATE(m);
	MUTEX(mu);
	OBJ(c, COND, 0);

	LOCK(t, mu);
	COND_PARK(t, c, mu);
	LOCK(m, mu);
	WAKE(m, c, 0);
	UNLOCK(m, mu);
	JOIN_PARK(m, t);
	NOTHING();
}

/* It runs into the mutex that whoever woke it never gives back. */
PROGRAM(a_woken_waiter_needs_the_mutex)
{
	struct gosan_g *m = begin(), *t = CREATE(m);
	MUTEX(mu);
	OBJ(c, COND, 0);

	LOCK(t, mu);
	COND_PARK(t, c, mu);
	LOCK(m, mu);
	WAKE(m, c, 1);
	JOIN_PARK(m, t);
	ONLY(201);
}

PROGRAM(a_barrier_that_is_not_full)
{
	struct gosan_g *m = begin(), *t = CREATE(m);
	OBJ(b, BARRIER, 0);

	COUNTED(b, 3);
	thread_park(t, GOSAN_WAIT_BARRIER, b, NULL, 0, __LINE__);
	thread_park(m, GOSAN_WAIT_BARRIER, b, NULL, 0, __LINE__);
	ONLY(201);
	CHECK(strstr(found[0].why, "2 of 3"));
}

PROGRAM(a_full_barrier_lets_all_go)
{
	struct gosan_g *m = begin(), *t = CREATE(m), *u = CREATE(m);
	OBJ(b, BARRIER, 0);

	COUNTED(b, 2);
	thread_park(t, GOSAN_WAIT_BARRIER, b, NULL, 0, __LINE__);
	thread_park(u, GOSAN_WAIT_BARRIER, b, NULL, 0, __LINE__);
	JOIN_PARK(m, t);
	NOTHING();
	READY(t, t);
	JOIN_PARK(t, u);
	NOTHING();
}

static bool somebody(void)
{
	return true;
}

PROGRAM(somebody_unknown_may_act)
{
	struct gosan_g *m = begin(), *t = CREATE(m);
	OBJ(s, SEM, 0);

	gosan_engine_can_act = somebody;
	COUNTED(s, 0);
	SEM_PARK(t, s);
	JOIN_PARK(m, t);
	NOTHING();
	gosan_engine_end(GOSAN_END_CRASH);
	ONLY(201); /* it did not act until somebody lost patience and sent a signal */
}

PROGRAM(a_standstill_that_a_signal_ends)
{
	struct gosan_g *m = begin(), *t = CREATE(m);
	OBJ(s, SEM, 0);

	COUNTED(s, 0);
	SEM_PARK(t, s);
	JOIN_PARK(m, t);
	ONLY(201);
	READY(t, t);
	CHECK(n_taken_back == 1);
	END(t);
	READY(m, m);
	JOINED(m, t);
	EXIT();
	ONLY(201);
}

/* The only one who ever posted waits for a lock of the one that waits for the post; main sleeps. */
PROGRAM(a_knot_while_others_run)
{
	struct gosan_g *m = begin(), *t = CREATE(m), *u = CREATE(m);
	MUTEX(a);
	OBJ(s, SEM, 0);

	EV(OBJ_INIT, u, .obj = s, .arg = 0);
	EV(SEM_POST, u, .obj = s);
	EV(SEM_WAITED, t, .obj = s);
	LOCK(t, a);
	PARK_LOCK(u, a);
	SEM_PARK(t, s);
	gosan_engine_end(GOSAN_END_TIMEOUT);
	ONLY(202);
	CHECK(found[0].grade == GOSAN_LIKELY && found[0].n_parts == 2);
	(void)m;
}

/* Main, who runs, made the semaphore: it may post. */
PROGRAM(no_knot_when_one_who_runs_knows_it)
{
	struct gosan_g *m = begin(), *t = CREATE(m), *u = CREATE(m);
	MUTEX(a);
	OBJ(s, SEM, 0);

	COUNTED(s, 0);
	LOCK(t, a);
	PARK_LOCK(u, a);
	SEM_PARK(t, s);
	gosan_engine_end(GOSAN_END_TIMEOUT);
	NOTHING();
}

PROGRAM(the_last_one_ends)
{
	struct gosan_g *m = begin(), *t = CREATE(m);
	OBJ(s, SEM, 0);

	COUNTED(s, 0);
	SEM_PARK(m, s);
	NOTHING();
	DETACH(m, t);
	END(t);
	ONLY(201);
}

PROGRAM(double_lock_by_kind)
{
	struct gosan_g *m = begin();
	OBJ(r, MUTEX, GOSAN_OBJ_OWNED | GOSAN_OBJ_RECURSIVE);
	OBJ(e, MUTEX, GOSAN_OBJ_OWNED | GOSAN_OBJ_ERRORCHECK);
	MUTEX(n);

	LOCK(m, r);
	REQUEST(m, r);
	LOCK(m, e);
	REQUEST(m, e);
	LOCK(m, n);
	EV(LOCK_REQUEST, m, .obj = n, .mode = GOSAN_LOCK_TIMED);
	NOTHING();
	PARK_LOCK(m, n);
	ONLY(204); /* and no standstill besides */
	CHECK(strstr(found[0].title, "by the thread"));
}

PROGRAM(unlock_by_other)
{
	struct gosan_g *m = begin(), *t = CREATE(m);
	MUTEX(mu);

	LOCK(m, mu);
	EV(FAULT, t, .arg = GOSAN_FAULT_UNLOCK_BY_OTHER, .obj = mu, .peer = m);
	ONLY(602);
	UNLOCK(t, mu);
	LOCK(m, mu);
	REQUEST(m, mu);
	CHECK(n_found == 2 && found[1].code == 204); /* a thread's lock is no semaphore for it */
}

PROGRAM(destroyed_while_held)
{
	struct gosan_g *m = begin(), *t = CREATE(m);
	MUTEX(mu);

	LOCK(t, mu);
	EV(OBJ_DESTROY, m, .obj = mu, .arg = 16);
	ONLY(603);
	CHECK(!mu->dead && found[0].parts[1].g == t && strstr(found[0].title, "destroyed while it is held"));
}

PROGRAM(destroyed_after_broadcast)
{
	struct gosan_g *m = begin(), *t = CREATE(m), *u = CREATE(m);
	MUTEX(mu);
	OBJ(c, COND, 0);
	OBJ(d, COND, 0);

	LOCK(t, mu);
	COND_PARK(t, c, mu);
	LOCK(m, mu);
	WAKE(m, c, 1);
	UNLOCK(m, mu);
	EV(OBJ_DESTROY, m, .obj = c);
	NOTHING();
	CHECK(c->dead);
	LOCK(u, mu);
	COND_PARK(u, d, mu);
	EV(OBJ_DESTROY, m, .obj = d);
	ONLY(603);
}

PROGRAM(made_new_in_a_child)
{
	struct gosan_g *m = begin();
	MUTEX(mu);

	LOCK(m, mu);
	EV(OBJ_DESTROY, m, .obj = mu, .mode = 1);
	NOTHING();
}

PROGRAM(ended_with_a_lock)
{
	struct gosan_g *m = begin(), *t = CREATE(m);
	MUTEX(mu);
	OBJ(r, MUTEX, GOSAN_OBJ_OWNED | GOSAN_OBJ_ROBUST);

	LOCK(t, mu);
	LOCK(t, r);
	END(t);
	JOINED(m, t);
	EXIT();
	ONLY(604);
	CHECK(found[0].obj == mu && strstr(found[0].title, "a thread ended"));
}

/* The main thread leaves by exit with a lock held: that is no end of a thread. */
PROGRAM(exit_with_a_lock)
{
	struct gosan_g *m = begin();
	MUTEX(mu);

	LOCK(m, mu);
	EXIT();
	NOTHING();
}

PROGRAM(the_dead_has_what_main_waits_for)
{
	struct gosan_g *m = begin(), *t = CREATE(m);
	MUTEX(mu);

	LOCK(t, mu);
	END(t);
	JOINED(m, t);
	PARK_LOCK(m, mu);
	ONLY(604); /* which explains the standstill */
}

PROGRAM(two_mutexes_at_a_time)
{
	struct gosan_g *m = begin(), *t = CREATE(m), *u = CREATE(m);
	MUTEX(a);
	MUTEX(b);
	OBJ(c, COND, 0);

	LOCK(t, a);
	COND_PARK(t, c, a);
	LOCK(u, b);
	COND_PARK(u, c, b);
	ONLY(605);
	(void)m;
}

/* One after the other is allowed: the binding ends with the last waiter. */
PROGRAM(two_mutexes_one_after_the_other)
{
	struct gosan_g *m = begin(), *t = CREATE(m);
	MUTEX(a);
	MUTEX(b);
	OBJ(c, COND, 0);

	LOCK(t, a);
	COND_PARK(t, c, a);
	WAKE(m, c, 0);
	READY(t, t);
	LOCK(t, b);
	COND_PARK(t, c, b);
	NOTHING();
}

/* Nobody waited when the signal came, and then all wait. */
PROGRAM(lost_wake_in_a_hang)
{
	struct gosan_g *m = begin(), *t = CREATE(m);
	MUTEX(mu);
	OBJ(c, COND, 0);

	LOCK(m, mu);
	WAKE(m, c, 0);
	UNLOCK(m, mu);
	LOCK(t, mu);
	COND_PARK(t, c, mu);
	NOTHING();
	JOIN_PARK(m, t);
	NOTHING(); /* it can't be taken back: told when the time is up */
	gosan_engine_end(GOSAN_END_TIMEOUT);
	ONLY(605);
	CHECK(found[0].grade == GOSAN_LIKELY);
}

/* A worker that waits for more at the exit. */
PROGRAM(no_lost_wake_at_exit)
{
	struct gosan_g *m = begin(), *t = CREATE(m);
	MUTEX(mu);
	OBJ(c, COND, 0);

	LOCK(m, mu);
	WAKE(m, c, 0);
	UNLOCK(m, mu);
	LOCK(t, mu);
	COND_PARK(t, c, mu);
	EXIT();
	NOTHING();
}

PROGRAM(leaks)
{
	struct gosan_g *m = begin(), *ended[3], *joined = CREATE(m), *detached = CREATE(m), *runs = CREATE(m);

	for (int i = 0; i < 3; i++)
		ended[i] = CREATE(m);
	for (int i = 0; i < 3; i++)
		END(ended[i]);
	END(joined);
	JOINED(m, joined);
	DETACH(m, detached);
	END(detached);
	EXIT();
	ONLY(302);
	CHECK(n_again == 2 && found[0].parts[1].g == ended[0]);
	(void)runs;
}

PROGRAM(a_crash_tells_nothing_of_leaks)
{
	struct gosan_g *m = begin(), *t = CREATE(m);

	END(t);
	gosan_engine_end(GOSAN_END_CRASH);
	NOTHING();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(two_locks_two_orders),
		RUN(a_join_under_a_lock),
		RUN(a_join_under_a_lock_while_others_run),
		RUN(a_timed_wait_ends_by_itself),
		RUN(a_semaphore_that_nobody_posts),
		RUN(a_posted_semaphore_lets_one_go),
		RUN(what_other_processes_share),
		RUN(a_woken_waiter_is_on_its_way),
		RUN(a_woken_waiter_needs_the_mutex),
		RUN(a_barrier_that_is_not_full),
		RUN(a_full_barrier_lets_all_go),
		RUN(somebody_unknown_may_act),
		RUN(a_standstill_that_a_signal_ends),
		RUN(a_knot_while_others_run),
		RUN(no_knot_when_one_who_runs_knows_it),
		RUN(the_last_one_ends),
		RUN(double_lock_by_kind),
		RUN(unlock_by_other),
		RUN(destroyed_while_held),
		RUN(destroyed_after_broadcast),
		RUN(made_new_in_a_child),
		RUN(ended_with_a_lock),
		RUN(exit_with_a_lock),
		RUN(the_dead_has_what_main_waits_for),
		RUN(two_mutexes_at_a_time),
		RUN(two_mutexes_one_after_the_other),
		RUN(lost_wake_in_a_hang),
		RUN(no_lost_wake_at_exit),
		RUN(leaks),
		RUN(a_crash_tells_nothing_of_leaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
