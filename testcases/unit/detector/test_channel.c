/* SPDX-License-Identifier: Apache-2.0
 * test_channel.c: GS501, GS502, GS503, GS505. */
#include "feed.h"

PROGRAM(send_on_closed)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	struct gosan_obj *ch = feed_obj(GOSAN_OBJ_CHAN);

	CLOSE(m, ch);
	FAULT(w, GO_FAULT_SEND_ON_CLOSED, ch);
	gosan_engine_end(GOSAN_END_CRASH);
	ONLY(501);
	CHECK(found[0].parts[0].g == w && found[0].parts[1].g == m);
	CHECK(feed_has_role(&found[0], "current") && feed_has_role(&found[0], "closer"));
}

PROGRAM(close_of_closed)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	struct gosan_obj *ch = feed_obj(GOSAN_OBJ_CHAN);

	CLOSE(w, ch);
	FAULT(m, GO_FAULT_CLOSE_OF_CLOSED, ch);
	ONLY(502);
	CHECK(found[0].parts[1].g == w);
}

PROGRAM(close_of_nil)
{
	FAULT(feed_main(), GO_FAULT_CLOSE_OF_NIL, NULL);
	ONLY(503);
}

PROGRAM(send_close_unordered)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	struct gosan_obj *ch = feed_obj(GOSAN_OBJ_CHAN);

	EV(CHAN_MAKE, m, .obj = ch, .arg = 4);
	SEND(w, ch, 0);
	CLOSE(m, ch);
	EXIT();
	ONLY(505);
	CHECK(found[0].parts[0].g == w && found[0].parts[1].g == m);
}

/* The panic that came of it says the same and more. */
PROGRAM(send_close_unordered_and_panic)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	struct gosan_obj *ch = feed_obj(GOSAN_OBJ_CHAN);

	EV(CHAN_MAKE, m, .obj = ch, .arg = 4);
	SEND(w, ch, 0);
	CLOSE(m, ch);
	FAULT(w, GO_FAULT_SEND_ON_CLOSED, ch);
	gosan_engine_end(GOSAN_END_CRASH);
	CHECK(n_found == 2 && found[1].code == 501 && n_taken_back == 1);
}

PROGRAM(close_after_receive)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	struct gosan_obj *ch = feed_obj(GOSAN_OBJ_CHAN);

	EV(CHAN_MAKE, m, .obj = ch, .arg = 1);
	SEND(w, ch, 0);
	RECV(m, ch, 0);
	CLOSE(m, ch);
	EXIT();
	NOTHING();
}

PROGRAM(close_after_rendezvous)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	struct gosan_obj *ch = feed_obj(GOSAN_OBJ_CHAN);

	PAIR(w, m, ch);
	CLOSE(m, ch);
	EXIT();
	NOTHING();
}

PROGRAM(close_by_sender)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	struct gosan_obj *ch = feed_obj(GOSAN_OBJ_CHAN);

	EV(CHAN_MAKE, m, .obj = ch, .arg = 1);
	SEND(w, ch, 0);
	CLOSE(w, ch);
	RECV(m, ch, 0);
	EV(CHAN_RECV_CLOSED, m, .obj = ch);
	EXIT();
	NOTHING();
}

PROGRAM(close_after_wait)
{
	struct gosan_g *m = feed_main(), *w[20], *closer;
	struct gosan_obj *ch = feed_obj(GOSAN_OBJ_CHAN), *wg = feed_obj(GOSAN_OBJ_WAITGROUP);

	EV(CHAN_MAKE, m, .obj = ch, .arg = 32);
	for (int i = 0; i < 20; i++) {
		ADD(m, wg, 1);
		w[i] = GO(m);
	}
	closer = GO(m);
	for (int i = 0; i < 20; i++) {
		SEND(w[i], ch, i);
		DONE(w[i], wg);
	}
	WAIT(closer, wg);
	WAITED(closer, wg);
	CLOSE(closer, ch);
	EXIT();
	NOTHING();
}

/* One of twenty senders is not waited for. */
PROGRAM(close_misses_one_sender)
{
	struct gosan_g *m = feed_main(), *w[20];
	struct gosan_obj *ch = feed_obj(GOSAN_OBJ_CHAN), *done = feed_obj(GOSAN_OBJ_CHAN);

	EV(CHAN_MAKE, m, .obj = ch, .arg = 32);
	for (int i = 0; i < 20; i++) {
		w[i] = GO(m);
		SEND(w[i], ch, i);
		if (i != 13)
			PAIR(w[i], m, done);
	}
	CLOSE(m, ch);
	EXIT();
	ONLY(505);
	CHECK(found[0].parts[0].g == w[13]);
}

/* Under a mutex: closed is a flag that senders look at, whoever comes first. */
PROGRAM(close_under_mutex)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	struct gosan_obj *ch = feed_obj(GOSAN_OBJ_CHAN), *mu = feed_obj(GOSAN_OBJ_MUTEX);

	EV(CHAN_MAKE, m, .obj = ch, .arg = 1);
	LOCK(w, mu);
	SEND(w, ch, 0);
	UNLOCK(w, mu);
	LOCK(m, mu);
	CLOSE(m, ch);
	UNLOCK(m, mu);
	EXIT();
	NOTHING();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(send_on_closed),
		RUN(close_of_closed),
		RUN(close_of_nil),
		RUN(send_close_unordered),
		RUN(send_close_unordered_and_panic),
		RUN(close_after_receive),
		RUN(close_after_rendezvous),
		RUN(close_by_sender),
		RUN(close_after_wait),
		RUN(close_misses_one_sender),
		RUN(close_under_mutex),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
