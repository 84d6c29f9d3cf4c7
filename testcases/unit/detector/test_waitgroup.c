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

	feed_limit(20);
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

static void node(struct gosan_g *parent, struct gosan_obj *wg, int depth)
{
	struct gosan_g *g[2];

	for (int i = 0; i < 2; i++) {
		ADD(parent, wg, 1);
		g[i] = GO(parent);
	}
	for (int i = 2; i-- > 0;) {
		if (depth > 0)
			node(g[i], wg, depth - 1);
		DONE(g[i], wg);
		END(g[i]);
	}
}

/* A tree of 4094 tasks, each counted before it starts: every question has an answer. */
PROGRAM(deep_recursion)
{
	struct gosan_g *m = feed_main(), *root;
	struct gosan_obj *wg = feed_obj(GOSAN_OBJ_WAITGROUP);

	feed_limit(20);
	ADD(m, wg, 1);
	root = GO(m);
	WAIT(m, wg);
	node(root, wg, 10);
	DONE(root, wg);
	WAITED(m, wg);
	EXIT();
	NOTHING();
	CHECK(gosan_counters->wg_lost == 0);
}

/* Small random programs against an enumeration of all schedules. */
enum { G = 4, OPS = 11 };

static struct op {
	char kind; /* + Add, - Done, w Wait, p Pair */
	int g, peer;
	unsigned past; /* bit i: operation i is before this one */
} op[OPS];

static unsigned rand_state;

static int pick(int n)
{
	rand_state = rand_state * 1664525u + 1013904223u;
	return (int)(rand_state >> 16) % n;
}

/* What runs in some schedule at some time: with each operation, all before it. */
static bool down_closed(unsigned set, int n)
{
	for (int i = 0; i < n; i++)
		if (set >> i & 1 && op[i].past & ~set)
			return false;
	return true;
}

static int counter_of(unsigned set, int n)
{
	int sum = 0;

	for (int i = 0; i < n; i++)
		if (set >> i & 1)
			sum += op[i].kind == '+' ? 1 : op[i].kind == '-' ? -1 : 0;
	return sum;
}

/* The lowest counter over all schedules, with `all of must` and `none of never` run. */
static int lowest(unsigned must, unsigned never, int n)
{
	int low = OPS;

	for (unsigned set = 0; set < 1u << n; set++)
		if ((set & must) == must && !(set & never) && down_closed(set, n)) {
			int sum = counter_of(set, n);

			low = sum < low ? sum : low;
		}
	return low;
}

static bool overtaken(int n)
{
	for (int a = 0; a < n; a++)
		for (int w = 0; w < n; w++)
			if (op[a].kind == '+' && op[w].kind == 'w' && !(op[a].past >> w & 1) &&
			    !(op[w].past >> a & 1) && lowest(op[a].past, 1u << a, n) <= 0)
				return true;
	return false;
}

/* Run a random operation for real, and note what is before it. */
static void step(struct gosan_g **g, struct gosan_obj *wg, struct gosan_obj *ch, unsigned *knows, int i,
		 int *count)
{
	static uint32_t stack = 1000;
	struct op *o = &op[i];
	bool waits = false;

	for (int k = 0; k < i; k++)
		waits = waits || op[k].kind == 'w';
	o->g = pick(G);
	o->peer = (o->g + 1 + pick(G - 1)) % G;
	o->kind = "+-p+-pw"[pick(waits ? 6 : 7)];
	if (o->kind == '-' && *count == 0)
		o->kind = '+';
	o->past = knows[o->g] | (o->kind == 'p' ? knows[o->peer] : 0);
	knows[o->g] = o->past | 1u << i;
	if (o->kind == 'p') {
		knows[o->peer] = knows[o->g];
		EV(CHAN_PAIR, g[o->g], .peer = g[o->peer], .obj = ch);
		return;
	}
	*count += o->kind == '+' ? 1 : o->kind == '-' ? -1 : 0;
	gosan_engine_event(&(struct gosan_event){.op = o->kind == 'w' ? GOSAN_EV_WG_WAIT : GOSAN_EV_WG_ADD,
						 .g = g[o->g],
						 .obj = wg,
						 .stack = stack++,
						 .arg = o->kind == '+' ? 1 : -1,
						 .arg2 = *count});
}

static void one_random_program(unsigned seed)
{
	struct gosan_g *g[G] = {feed_main()};
	struct gosan_obj *wg = feed_obj(GOSAN_OBJ_WAITGROUP), *ch = feed_obj(GOSAN_OBJ_CHAN);
	unsigned knows[G] = {0};
	int count = 0, n = 4 + (int)(seed % (OPS - 3));
	bool got_wait = false, got_negative = false, expect_wait, expect_negative;

	rand_state = seed;
	n_found = 0;
	for (int i = 1; i < G; i++)
		g[i] = GO(g[0]);
	for (int i = 0; i < n; i++)
		step(g, wg, ch, knows, i, &count);
	EV(FREE, g[0], .addr = wg->addr, .size = 8); /* its end: judged now */
	for (size_t i = 0; i < n_found; i++) {
		got_wait = got_wait || found[i].code == 401 || found[i].code == 403;
		got_negative = got_negative || found[i].code == 402;
	}
	expect_wait = overtaken(n);
	expect_negative = lowest(0, 0, n) < 0;
	if (got_wait == expect_wait && got_negative == expect_negative)
		return;
	for (int i = 0; i < n; i++)
		fprintf(stderr, "%d: %c g%d peer %d past %x\n", i, op[i].kind, op[i].g, op[i].peer,
			op[i].past);
	fprintf(stderr, "seed %u: wait %d not %d, negative %d not %d\n", seed, got_wait, expect_wait,
		got_negative, expect_negative);
	exit(1);
}

PROGRAM(random_programs_agree_with_enumeration)
{
	for (unsigned seed = 1; seed <= 4000; seed++)
		one_random_program(seed);
	CHECK(gosan_counters->wg_lost == 0);
	n_found = 0;
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
		RUN(deep_recursion),
		RUN(random_programs_agree_with_enumeration),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
