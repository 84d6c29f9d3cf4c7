/* SPDX-License-Identifier: Apache-2.0
 * test_block.c: GS201, GS202, GS301, GS504: one root cause, one finding. */
#include <time.h>

#include "feed.h"
#include "options.h"

#define OBJ(name, kind) struct gosan_obj *name = feed_obj(GOSAN_OBJ_##kind)

PROGRAM(all_blocked_on_channels)
{
	struct gosan_g *m = feed_main(), *w = GO(m), *gone = GO(m);
	OBJ(a, CHAN);
	OBJ(b, CHAN);

	PAIR(gone, m, a);
	END(gone);
	PARK(w, GO_WAIT_CHAN_SEND, b, GO_ON_SEND);
	PARK(m, GO_WAIT_CHAN_RECV, a, GO_ON_RECV);
	STALL();
	gosan_engine_end(GOSAN_END_STALL);
	ONLY(201);
	CHECK(found[0].n_parts == 2 && found[0].parts[0].g == m && found[0].parts[1].g == w);
	CHECK(strstr(found[0].why, "sender was goroutine 3") && strstr(found[0].why, "which ended"));
}

PROGRAM(more_than_fit)
{
	struct gosan_g *m = feed_main();
	OBJ(a, CHAN);

	for (int i = 0; i < 100; i++)
		PARK(GO(m), GO_WAIT_CHAN_RECV, a, GO_ON_RECV);
	PARK(m, GO_WAIT_CHAN_RECV, a, GO_ON_RECV);
	STALL();
	ONLY(201);
	CHECK(found[0].n_parts == 16 && found[0].n_more == 85);
}

static void cross(struct gosan_g *x, struct gosan_g *y, struct gosan_obj *a, struct gosan_obj *b)
{
	LOCK(x, a);
	LOCK(y, b);
	PARK_LOCK(x, b);
	PARK_LOCK(y, a);
}

PROGRAM(cycle_of_two_and_bystander)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);
	OBJ(wg, WAITGROUP);

	cross(x, y, a, b);
	PARK(m, GO_WAIT_WAITGROUP, wg, GO_ON_WAIT);
	NOTHING();
	STALL();
	ONLY(201);
	CHECK(found[0].n_parts == 3 && found[0].n_story == 4);
}

PROGRAM(cycle_while_others_run)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);

	cross(x, y, a, b);
	EXIT();
	ONLY(202); /* and no leak, and no lock order */
	CHECK(found[0].n_parts == 2 && found[0].parts[0].g == x && found[0].parts[1].g == y);
}

/* A killed process never comes to its end: after the grace period any event will do. */
PROGRAM(cycle_is_reported_after_a_while)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);
	OBJ(ch, CHAN);

	cross(x, y, a, b);
	x->wait.since_ns -= 1000;
	nanosleep(&(struct timespec){.tv_nsec = 250000000}, NULL);
	CLOSE(m, ch);
	ONLY(202);
	PARK(m, GO_WAIT_CHAN_RECV, ch, GO_ON_RECV);
	STALL();
	EXIT();
	ONLY(202);
}

PROGRAM(cycle_of_three_with_closer_behind)
{
	struct gosan_g *m = feed_main(), *x, *y, *z, *closer;
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);
	OBJ(c, MUTEX);
	OBJ(wg, WAITGROUP);

	ADD(m, wg, 3);
	x = GO(m);
	y = GO(m);
	z = GO(m);
	closer = GO(m);
	LOCK(x, a);
	LOCK(y, b);
	LOCK(z, c);
	PARK_LOCK(x, b);
	PARK_LOCK(y, c);
	PARK_LOCK(z, a);
	WAIT(closer, wg);
	PARK(closer, GO_WAIT_WAITGROUP, wg, GO_ON_WAIT);
	EXIT();
	ONLY(202); /* no leak: the closer waits behind them, though they never came to their Done */
	CHECK(found[0].n_parts == 3);
}

/* Workers that sleep have not touched the WaitGroup yet, and will. */
PROGRAM(closer_of_workers_that_sleep)
{
	struct gosan_g *m = feed_main(), *w, *closer;
	OBJ(wg, WAITGROUP);

	ADD(m, wg, 1);
	w = GO(m);
	closer = GO(m);
	WAIT(closer, wg);
	PARK(closer, GO_WAIT_WAITGROUP, wg, GO_ON_WAIT);
	PARK(w, GO_WAIT_SLEEP, NULL, 0);
	EXIT();
	NOTHING();
}

PROGRAM(readers_and_writer_in_a_cycle)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(l, RWMUTEX);
	OBJ(mu, MUTEX);

	RLOCK(x, l);
	LOCK(y, mu);
	REQUEST(y, l);
	PARK(y, GO_WAIT_WLOCK, l, GO_ON_LOCK);
	PARK_LOCK(x, mu);
	EXIT();
	ONLY(202);
}

PROGRAM(recursive_read_lock_that_happened)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(l, RWMUTEX);

	RLOCK(x, l);
	REQUEST(y, l);
	PARK(y, GO_WAIT_WLOCK, l, GO_ON_LOCK);
	EV(LOCK_REQUEST, x, .obj = l, .mode = GO_LOCK_READ);
	PARK(x, GO_WAIT_RLOCK, l, GO_ON_RLOCK);
	EXIT();
	ONLY(202);
}

PROGRAM(waiting_for_a_running_owner)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(a, MUTEX);

	LOCK(x, a);
	PARK_LOCK(y, a);
	EXIT();
	NOTHING();
}

PROGRAM(nil_channel)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	OBJ(wg, WAITGROUP);

	PARK(w, GO_WAIT_NIL_CHAN, NULL, GO_ON_RECV);
	ONLY(504); /* at once */
	PARK(m, GO_WAIT_WAITGROUP, wg, GO_ON_WAIT);
	STALL();
	gosan_engine_end(GOSAN_END_STALL);
	ONLY(504);
}

/* A finding that nobody will see explains nothing. */
PROGRAM(nil_channel_with_the_check_off)
{
	struct gosan_g *m = feed_main();

	gosan_options.no_checks = "channel";
	PARK(m, GO_WAIT_NIL_CHAN, NULL, GO_ON_RECV);
	n_found = 0; /* what finding.c would have done */
	STALL();
	ONLY(201);
}

PROGRAM(leaks_with_the_check_off)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m), *closer = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);

	gosan_options.no_checks = "leak";
	feed_limit(20);
	cross(x, y, a, b);
	PARK_LOCK(closer, a);
	EXIT();
	ONLY(202);
}

PROGRAM(no_cases_at_exit)
{
	struct gosan_g *m = feed_main();

	for (int i = 0; i < 3; i++)
		PARK(GO(m), GO_WAIT_NO_CASES, NULL, 0);
	EXIT();
	ONLY(504);
	CHECK(n_again == 2);
}

PROGRAM(leak_likely)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	OBJ(ch, CHAN);

	EV(CHAN_MAKE, m, .obj = ch);
	PAIR(m, w, ch);
	PARK(w, GO_WAIT_CHAN_RECV, ch, GO_ON_RECV);
	EXIT();
	ONLY(301);
	CHECK(found[0].grade == GOSAN_LIKELY && found[0].parts[0].g == w);
}

PROGRAM(leak_proved)
{
	struct gosan_g *m = feed_main(), *a = GO(m), *b = GO(a);
	OBJ(ch, CHAN);

	EV(CHAN_MAKE, a, .obj = ch);
	PARK(b, GO_WAIT_CHAN_SEND, ch, GO_ON_SEND);
	END(a);
	EXIT();
	ONLY(301);
	CHECK(found[0].grade == GOSAN_PROVED);
}

PROGRAM(leaks_fold_by_site)
{
	struct gosan_g *m = feed_main();
	OBJ(ch, CHAN);

	feed_limit(20);
	for (int i = 0; i < 5000; i++) {
		struct gosan_g *g = GO(m);

		PAIR(m, g, ch);
		PARK(g, GO_WAIT_CHAN_RECV, ch, GO_ON_RECV);
	}
	EXIT();
	ONLY(301);
	CHECK(n_again == 4999);
}

PROGRAM(not_leaks)
{
	struct gosan_g *m = feed_main(), *sys = gosan_engine_new_g(0, true), *sender = GO(m);
	OBJ(signals, CHAN);
	OBJ(ticks, CHAN);
	OBJ(t, TICKER);
	OBJ(after, CHAN);
	OBJ(ch, CHAN);

	sys->is_system = true;
	PARK(GO(m), GO_WAIT_SLEEP, NULL, 0);
	PARK(GO(m), GO_WAIT_IO, NULL, 0);
	PARK(GO(m), GO_WAIT_BLOCKING, NULL, 0);
	EV(NOTIFY, m, .obj = signals);
	PARK(GO(m), GO_WAIT_CHAN_RECV, signals, GO_ON_RECV);
	EV(TICKER_NEW, sender, .obj = t, .obj2 = ticks);
	PARK(GO(m), GO_WAIT_CHAN_RECV, ticks, GO_ON_RECV);
	SEND(sys, after, 0);
	PARK(GO(m), GO_WAIT_CHAN_RECV, after, GO_ON_RECV);
	PARK(GO(m), GO_WAIT_SELECT, NULL, 0);
	CLOSE(sender, ch); /* runs, and uses ch */
	PARK(GO(m), GO_WAIT_CHAN_RECV, ch, GO_ON_RECV);
	EXIT();
	for (size_t i = 0; i < n_found; i++)
		CHECK(found[i].code == 301 && !strcmp(found[i].parts[0].op, "select"));
}

/* Helped by one that is helped by one that sleeps. */
PROGRAM(help_is_transitive)
{
	struct gosan_g *m = feed_main(), *a = GO(m), *b = GO(m), *c = GO(m);
	OBJ(x, CHAN);
	OBJ(y, CHAN);

	PAIR(a, b, x);
	PAIR(b, c, y);
	PARK(c, GO_WAIT_CHAN_RECV, y, GO_ON_RECV);
	PARK(b, GO_WAIT_CHAN_RECV, x, GO_ON_RECV);
	PARK(a, GO_WAIT_SLEEP, NULL, 0);
	EXIT();
	NOTHING();
}

PROGRAM(readied_at_exit)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	OBJ(ch, CHAN);

	PARK(w, GO_WAIT_CHAN_RECV, ch, GO_ON_RECV);
	CLOSE(m, ch);
	READY(m, w);
	EXIT();
	NOTHING();
}

PROGRAM(consequence_of_a_leak)
{
	struct gosan_g *m = feed_main(), *w, *closer;
	OBJ(wg, WAITGROUP);
	OBJ(ch, CHAN);

	ADD(m, wg, 2);
	w = GO(m);
	closer = GO(m);
	DONE(w, wg); /* one of two: w uses wg */
	PARK(w, GO_WAIT_CHAN_SEND, ch, GO_ON_SEND);
	WAIT(closer, wg);
	PARK(closer, GO_WAIT_WAITGROUP, wg, GO_ON_WAIT);
	EXIT();
	ONLY(301);
	CHECK(found[0].parts[0].g == w);
}

/* The holder of a lock waits for workers that need it: one finding, beside that of a leak that has nothing to do
 * with it. */
PROGRAM(circle_of_leaks)
{
	struct gosan_g *m = feed_main(), *plain = GO(m), *boss = GO(m), *w;
	OBJ(wg, WAITGROUP);
	OBJ(mu, MUTEX);
	OBJ(ch, CHAN);

	PARK(plain, GO_WAIT_CHAN_RECV, ch, GO_ON_RECV);
	LOCK(boss, mu);
	ADD(boss, wg, 1);
	w = GO(boss);
	PARK_LOCK(w, mu);
	WAIT(boss, wg);
	PARK(boss, GO_WAIT_WAITGROUP, wg, GO_ON_WAIT);
	EXIT();
	CHECK(n_found == 2 && found[0].code == 301 && found[1].code == 301);
	CHECK(found[0].parts[0].g == plain && found[1].parts[0].g == boss);
}

/* Two wait for each other's lock until a third unlocks one. */
PROGRAM(cycle_that_somebody_ends)
{
	struct gosan_g *m = feed_main(), *x = GO(m), *y = GO(m);
	OBJ(a, MUTEX);
	OBJ(b, MUTEX);
	OBJ(ch, CHAN);

	cross(x, y, a, b);
	nanosleep(&(struct timespec){.tv_nsec = 250000000}, NULL);
	CLOSE(m, ch);
	ONLY(202);
	UNLOCK(m, b);
	READY(m, x);
	CHECK(n_taken_back == 1 && !gosan_waits_explained(x));
	EV(LOCK_ACQUIRE, x, .obj = b);
	UNLOCK(x, a);
	READY(x, y);
	CHECK(n_taken_back == 1);
}

PROGRAM(no_leaks_after_stall_or_panic)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	OBJ(ch, CHAN);

	PARK(w, GO_WAIT_CHAN_RECV, ch, GO_ON_RECV);
	FAULT(m, GO_FAULT_PANIC, NULL);
	gosan_engine_end(GOSAN_END_CRASH);
	NOTHING();
}

PROGRAM(timeout_spares_main_and_who_may_be_helped)
{
	struct gosan_g *m = feed_main(), *w;
	OBJ(ch, CHAN);

	EV(CHAN_MAKE, m, .obj = ch);
	w = GO(m); /* was given ch and has not used it yet */
	PARK(w, GO_WAIT_SLEEP, NULL, 0);
	PARK(GO(m), GO_WAIT_CHAN_RECV, ch, GO_ON_RECV);
	PARK(m, GO_WAIT_CHAN_RECV, ch, GO_ON_RECV);
	gosan_engine_end(GOSAN_END_TIMEOUT);
	NOTHING();
}

PROGRAM(timeout_finds_leaks)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	OBJ(ch, CHAN);

	PARK(w, GO_WAIT_CHAN_RECV, ch, GO_ON_RECV);
	PARK(m, GO_WAIT_CHAN_RECV, ch, GO_ON_RECV);
	gosan_engine_end(GOSAN_END_TIMEOUT);
	ONLY(301);
	CHECK(found[0].parts[0].g == w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(all_blocked_on_channels),
		RUN(more_than_fit),
		RUN(cycle_of_two_and_bystander),
		RUN(cycle_while_others_run),
		RUN(cycle_is_reported_after_a_while),
		RUN(cycle_of_three_with_closer_behind),
		RUN(closer_of_workers_that_sleep),
		RUN(readers_and_writer_in_a_cycle),
		RUN(recursive_read_lock_that_happened),
		RUN(waiting_for_a_running_owner),
		RUN(nil_channel),
		RUN(nil_channel_with_the_check_off),
		RUN(leaks_with_the_check_off),
		RUN(no_cases_at_exit),
		RUN(leak_likely),
		RUN(leak_proved),
		RUN(leaks_fold_by_site),
		RUN(not_leaks),
		RUN(help_is_transitive),
		RUN(readied_at_exit),
		RUN(consequence_of_a_leak),
		RUN(circle_of_leaks),
		RUN(cycle_that_somebody_ends),
		RUN(no_leaks_after_stall_or_panic),
		RUN(timeout_spares_main_and_who_may_be_helped),
		RUN(timeout_finds_leaks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
