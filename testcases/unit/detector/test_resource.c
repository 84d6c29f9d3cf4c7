/* SPDX-License-Identifier: Apache-2.0
 * test_resource.c: GS303 and GS304. */
#include "feed.h"

#define OBJ(name, kind) struct gosan_obj *name = feed_obj(GOSAN_OBJ_##kind)

PROGRAM(context_never_cancelled)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	OBJ(ctx, CONTEXT);
	OBJ(done, CHAN);

	EV(CTX_NEW, m, .obj = ctx, .obj2 = done, .arg = GO_CTX_CANCEL);
	PARK(w, GO_WAIT_CHAN_RECV, done, GO_ON_RECV);
	EXIT();
	ONLY(303); /* and no leak of the one who waits for it */
	CHECK(feed_has_role(&found[0], "blocked"));
}

static void settled_by(enum gosan_op op, int mode)
{
	struct gosan_g *m = feed_main();
	OBJ(ctx, CONTEXT);

	EV(CTX_NEW, m, .obj = ctx, .arg = GO_CTX_DEADLINE);
	gosan_engine_event(&(struct gosan_event){.op = op, .g = m, .obj = ctx, .mode = mode, .stack = 1});
	EXIT();
	NOTHING();
}

PROGRAM(context_cancelled)
{
	settled_by(GOSAN_EV_CTX_CANCEL, 1);
}

PROGRAM(context_timed_out)
{
	settled_by(GOSAN_EV_CTX_CANCEL, 0);
}

PROGRAM(context_freed)
{
	settled_by(GOSAN_EV_CTX_FREE, 0);
}

PROGRAM(context_with_value)
{
	OBJ(ctx, CONTEXT);

	EV(CTX_NEW, feed_main(), .obj = ctx, .arg = GO_CTX_VALUE);
	EXIT();
	NOTHING();
}

/* The address of a freed context is used again. */
PROGRAM(context_address_reused)
{
	struct gosan_g *m = feed_main();
	OBJ(ctx, CONTEXT);

	EV(CTX_NEW, m, .obj = ctx, .arg = GO_CTX_CANCEL);
	EV(CTX_CANCEL, m, .obj = ctx, .mode = 1);
	EV(CTX_FREE, m, .obj = ctx);
	EV(CTX_NEW, m, .obj = ctx, .arg = GO_CTX_CANCEL);
	EXIT();
	ONLY(303);
}

PROGRAM(ticker_never_stopped)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	OBJ(t, TICKER);

	EV(TICKER_NEW, w, .obj = t);
	END(w);
	EXIT();
	ONLY(304);
}

PROGRAM(ticker_stopped)
{
	struct gosan_g *m = feed_main();
	OBJ(t, TICKER);

	EV(TICKER_NEW, m, .obj = t);
	EV(TICKER_STOP, m, .obj = t);
	EXIT();
	NOTHING();
}

PROGRAM(ticker_of_one_that_still_runs)
{
	struct gosan_g *m = feed_main(), *w = GO(m);
	OBJ(t, TICKER);

	EV(TICKER_NEW, w, .obj = t);
	EXIT();
	NOTHING();
}

PROGRAM(only_at_an_orderly_exit)
{
	struct gosan_g *m = feed_main();
	OBJ(t, TICKER);

	EV(TICKER_NEW, m, .obj = t);
	gosan_engine_end(GOSAN_END_CRASH);
	NOTHING();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(context_never_cancelled), RUN(context_cancelled),  RUN(context_timed_out),
		RUN(context_freed),           RUN(context_with_value), RUN(context_address_reused),
		RUN(ticker_never_stopped),    RUN(ticker_stopped),     RUN(ticker_of_one_that_still_runs),
		RUN(only_at_an_orderly_exit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
