/* SPDX-License-Identifier: Apache-2.0
 * test_engine.c: objects, goroutines, what they hold and wait for, dispatch, loss. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <pthread.h>
#include <cmocka.h>

#include "../runtime/probe.h"
#include "chain.h"
#include "engine.h"
#include "mem.h"
#include "options.h"
#include "registry.h"

/* Two analyzers that write down what they see. */
static char seen[64];
static struct gosan_event last;
static struct gosan_g *watched;
static bool watched_owner_after, watched_waits_before;

static void look(char who, const struct gosan_event *ev)
{
	size_t n = strlen(seen);

	if (n + 1 < sizeof seen)
		seen[n] = who;
	last = *ev;
}

static void before_a(const struct gosan_event *ev)
{
	look('a', ev);
	watched_waits_before = watched && watched->wait.why;
}

static void after_a(const struct gosan_event *ev)
{
	look('A', ev);
}

static void after_b(const struct gosan_event *ev)
{
	look('B', ev);
	watched_owner_after = ev->obj && ev->obj->owner == watched;
}

static void end_b(enum gosan_end why)
{
	seen[strlen(seen)] = why == GOSAN_END_STALL ? 'S' : 'E';
}

static const struct gosan_analyzer a = {.check = "a", .before = before_a, .after = after_a},
				   b = {.check = "b", .after = after_b, .end = end_b};
const struct gosan_analyzer *const gosan_registry[] = {&a, &b, NULL};

static uint64_t ids = 1;

static struct gosan_g *new_g(void)
{
	return gosan_engine_new_g(ids++, false);
}

static void send(enum gosan_op op, struct gosan_g *g, struct gosan_obj *obj, struct gosan_g *peer, int mode)
{
	struct gosan_event ev = {.op = op, .g = g, .obj = obj, .peer = peer, .mode = mode, .stack = 9};

	memset(seen, 0, sizeof seen);
	gosan_engine_event(&ev);
}

static void an_event_passes_all_analyzers(void **state)
{
	static uint32_t word;
	struct gosan_g *g = new_g();
	struct gosan_obj *mu = gosan_engine_object(&word, GOSAN_OBJ_MUTEX, NULL);
	uint64_t events = gosan_counters->events;

	(void)state;
	watched = g;
	send(GOSAN_EV_LOCK_ACQUIRE, g, mu, NULL, 0);
	assert_string_equal(seen, "aAB");
	assert_true(watched_owner_after);
	assert_int_equal(last.seq, 1);
	assert_int_equal(last.at.cid, g->cid);
	assert_int_equal(gosan_counters->events, events + 1);
	assert_int_equal(g->last_stack, 9);
	assert_int_equal(mu->created_stack, 9);
	send(GOSAN_EV_LOCK_RELEASE, g, mu, NULL, 0);
	assert_int_equal(last.seq, 2);
	assert_int_equal(g->n_held, 0);
	assert_int_equal(gosan_stamp_of(g).epoch, last.at.epoch + 1);
}

static void objects_by_id_word(void **state)
{
	static uint32_t word[8];
	struct gosan_obj *from, *first = gosan_engine_object(&word[0], GOSAN_OBJ_MUTEX, &from), *second;

	(void)state;
	assert_non_null(first);
	assert_null(from);
	assert_int_equal(word[0], first->id);
	assert_ptr_equal(gosan_engine_object(&word[0], GOSAN_OBJ_MUTEX, NULL), first);
	assert_ptr_equal(gosan_engine_find((uintptr_t)&word[0], GOSAN_OBJ_MUTEX), first);

	word[1] = word[0]; /* a copy */
	second = gosan_engine_object(&word[1], GOSAN_OBJ_MUTEX, &from);
	assert_ptr_equal(from, first);
	assert_ptr_not_equal(second, first);
	assert_int_equal(word[1], second->id);
	assert_ptr_equal(gosan_engine_object(&word[1], GOSAN_OBJ_MUTEX, &from), second);
	assert_null(from);

	word[0] = 0; /* zeroed in place: another object */
	assert_ptr_not_equal(gosan_engine_object(&word[0], GOSAN_OBJ_MUTEX, NULL), first);
	assert_true(first->dead);

	word[2] = first->id; /* what it was copied from is dead: memory that was used again */
	gosan_engine_object(&word[2], GOSAN_OBJ_MUTEX, &from);
	assert_null(from);
	word[3] = 0xdeadbeef; /* garbage */
	assert_non_null(gosan_engine_object(&word[3], GOSAN_OBJ_ONCE, &from));
	assert_null(from);
	word[4] = word[1]; /* of another kind */
	assert_int_equal(gosan_engine_object(&word[4], GOSAN_OBJ_COND, &from)->kind, GOSAN_OBJ_COND);
	assert_null(from);
}

static void count_one(struct gosan_obj *obj, void *arg)
{
	size_t *n = arg;

	assert_false(obj->dead);
	++*n;
}

static void objects_by_address(void **state)
{
	enum { N = 3000 };
	const uintptr_t at = 0x7f0000000000;
	size_t n = 0;
	struct gosan_obj *obj = gosan_engine_object_at(at, GOSAN_OBJ_SEM);

	(void)state;
	assert_ptr_equal(gosan_engine_object_at(at, GOSAN_OBJ_SEM), obj);
	assert_ptr_not_equal(gosan_engine_object_at(at, GOSAN_OBJ_ATOMIC), obj);
	assert_null(gosan_engine_find(at + 8, GOSAN_OBJ_SEM));
	for (uintptr_t i = 1; i < N; i++)
		gosan_engine_object_at(at + 40 * i, GOSAN_OBJ_SEM);
	gosan_engine_each_object(at, at + 40 * N, count_one, &n);
	assert_int_equal(n, N + 1);
	n = 0;
	gosan_engine_each_object(at + 40, at + 80, count_one, &n);
	assert_int_equal(n, 1);
	gosan_engine_each_object(at + 41, at + 80, count_one, &n);
	gosan_engine_each_object(at + 41, at + 41, count_one, &n);
	assert_int_equal(n, 1);

	gosan_engine_forget(at, at + 400);
	assert_true(obj->dead);
	assert_int_equal(obj->addr, at);
	assert_null(gosan_engine_find(at, GOSAN_OBJ_SEM));
	assert_ptr_not_equal(gosan_engine_object_at(at, GOSAN_OBJ_SEM), obj);
	gosan_engine_forget(0, UINTPTR_MAX); /* wider than the table */
	n = 0;
	gosan_engine_each_object(0, UINTPTR_MAX, count_one, &n);
	assert_int_equal(n, 0);
}

static void held_locks(void **state)
{
	struct gosan_obj *mu = gosan_engine_object_at(0x1000, GOSAN_OBJ_MUTEX);
	struct gosan_obj *rw = gosan_engine_object_at(0x2000, GOSAN_OBJ_RWMUTEX);
	struct gosan_g *g = new_g(), *h = new_g();

	(void)state;
	send(GOSAN_EV_LOCK_ACQUIRE, g, mu, NULL, 0);
	send(GOSAN_EV_LOCK_ACQUIRE, g, rw, NULL, GO_LOCK_READ);
	send(GOSAN_EV_LOCK_ACQUIRE, g, rw, NULL, GO_LOCK_READ | GO_LOCK_TRY);
	send(GOSAN_EV_LOCK_ACQUIRE, h, rw, NULL, GO_LOCK_READ);
	assert_int_equal(g->n_held, 3);
	assert_ptr_equal(g->held[0].obj, mu);
	assert_int_equal(g->held[0].stack, 9);
	assert_int_equal(rw->readers, 3);
	send(GOSAN_EV_LOCK_RELEASE, g, rw, NULL, GO_LOCK_READ);
	assert_int_equal(g->n_held, 2);
	assert_int_equal(g->held[1].mode, GO_LOCK_READ);

	send(GOSAN_EV_LOCK_RELEASE, h, mu, NULL, 0); /* by another: the owner loses it */
	assert_null(mu->owner);
	send(GOSAN_EV_LOCK_REQUEST, g, mu, NULL, 0); /* and knows it when it comes by */
	assert_int_equal(g->n_held, 1);
	g->wait.why = 1;
	send(GOSAN_EV_LOCK_RELEASE, new_g(), rw, NULL, GO_LOCK_READ); /* one reader less: one that rests */
	g->wait.why = 0;
	assert_int_equal(rw->readers, 1);
	assert_int_equal(g->n_held, 0);
	assert_int_equal(h->n_held, 1);
	send(GOSAN_EV_LOCK_RELEASE, g, mu, NULL, 0); /* not held by anybody */
	assert_int_equal(h->n_held, 1);
	send(GOSAN_EV_LOCK_RELEASE, g, rw, NULL,
	     GO_LOCK_READ); /* all run: nobody is known to have it any more */
	send(GOSAN_EV_LOCK_REQUEST, h, mu, NULL, 0);
	assert_int_equal(rw->readers, 0);
	assert_int_equal(h->n_held, 0);
}

static void more_locks_than_are_remembered(void **state)
{
	struct gosan_g *g = new_g();
	uint64_t lost = gosan_counters->held_lost;

	(void)state;
	for (uintptr_t i = 0; i < GOSAN_HELD_MAX + 3; i++)
		send(GOSAN_EV_LOCK_ACQUIRE, g, gosan_engine_object_at(0x9000 + 8 * i, GOSAN_OBJ_MUTEX), NULL,
		     0);
	assert_int_equal(g->n_held, GOSAN_HELD_MAX);
	assert_int_equal(gosan_counters->held_lost, lost + 3);
	for (uintptr_t i = 0; i < GOSAN_HELD_MAX + 3; i++)
		send(GOSAN_EV_LOCK_RELEASE, g, gosan_engine_object_at(0x9000 + 8 * i, GOSAN_OBJ_MUTEX), NULL,
		     0);
	assert_int_equal(g->n_held, 0);
}

static void parking(void **state)
{
	struct gosan_g *g = new_g(), *h = new_g();
	struct gosan_event ev = {.op = GOSAN_EV_G_PARK, .g = g, .stack = 5, .arg = GO_WAIT_CHAN_RECV};

	(void)state;
	watched = g;
	g->wait.n = 1;
	g->wait.on[0].op = GO_ON_RECV;
	gosan_engine_event(&ev);
	assert_false(watched_waits_before);
	assert_int_equal(g->wait.why, GO_WAIT_CHAN_RECV);
	assert_int_equal(g->wait.stack, 5);
	assert_int_equal(g->wait.at.epoch, g->epoch);
	assert_true(g->wait.since_ns > 0);
	send(GOSAN_EV_G_READY, h, NULL, g, 0);
	assert_true(watched_waits_before);
	assert_int_equal(g->wait.why, 0);
}

static void incomplete_events_are_lost(void **state)
{
	uint64_t lost = gosan_counters->lost;

	(void)state;
	send(GOSAN_EV_LOCK_ACQUIRE, new_g(), NULL, NULL, 0);
	send(GOSAN_EV_CHAN_SEND, NULL, gosan_engine_object_at(0x10, GOSAN_OBJ_CHAN), NULL, 0);
	send(GOSAN_EV_G_SPAWN, new_g(), NULL, NULL, 0);
	assert_string_equal(seen, "");
	assert_int_equal(gosan_counters->lost, lost + 3);
}

/* A signal handler that interrupts the engine on its own thread gets through, and loses its event. */
static void hooks_inside_the_engine(void **state)
{
	struct gosan_g *g = new_g(), *made;
	uint64_t lost = gosan_counters->lost;
	uint32_t word = 0;

	(void)state;
	assert_false(gosan_engine_inside());
	gosan_engine_lock();
	assert_true(gosan_engine_inside());
	send(GOSAN_EV_G_START, g, NULL, NULL, 0);
	assert_null(gosan_engine_object(&word, GOSAN_OBJ_CHAN, NULL));
	assert_null(gosan_engine_object_at(77, GOSAN_OBJ_SEM));
	made = gosan_engine_new_g(12345, false);
	assert_false(gosan_engine_lock_within(1));
	gosan_engine_end(GOSAN_END_CRASH);
	gosan_engine_unlock();
	assert_false(gosan_engine_inside());
	assert_non_null(made);
	assert_int_equal(gosan_stamp_of(made).epoch, 0);
	assert_true(gosan_counters->lost >= lost + 5);
	send(GOSAN_EV_G_START, made, NULL, NULL, 0);
	assert_string_equal(seen, "");
}

static void *lock_for_a_while(void *arg)
{
	gosan_engine_lock();
	__atomic_store_n((int *)arg, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n((int *)arg, __ATOMIC_ACQUIRE) == 1)
		usleep(100);
	gosan_engine_unlock();
	return NULL;
}

static void waiting_for_the_lock(void **state)
{
	int step = 0;
	pthread_t t;

	(void)state;
	pthread_create(&t, NULL, lock_for_a_while, &step);
	while (!__atomic_load_n(&step, __ATOMIC_ACQUIRE))
		usleep(100);
	assert_false(gosan_engine_lock_within(5));
	assert_false(gosan_engine_inside());
	__atomic_store_n(&step, 2, __ATOMIC_RELEASE);
	gosan_engine_lock();
	gosan_engine_unlock();
	pthread_join(t, NULL);
	assert_true(gosan_engine_lock_within(1000));
	gosan_engine_unlock();
}

static void *many_events(void *arg)
{
	struct gosan_obj *mu = arg;
	struct gosan_g *g = gosan_engine_self();

	for (int i = 0; i < 3000; i++) {
		gosan_engine_event(&(struct gosan_event){.op = GOSAN_EV_HB_ACQUIRE, .g = g, .obj = mu});
		gosan_engine_event(&(struct gosan_event){.op = GOSAN_EV_HB_RELEASE, .g = g, .obj = mu});
	}
	return g;
}

static void threads_get_a_context(void **state)
{
	struct gosan_obj *mu = gosan_engine_object_at(0x5000, GOSAN_OBJ_SEM);
	uint64_t events = gosan_counters->events, seq = mu->seq;
	pthread_t t[4];
	void *g[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, many_events, mu);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], &g[i]);
	assert_int_equal(gosan_counters->events, events + 4 * 6000);
	assert_int_equal(mu->seq, seq + 4 * 6000);
	for (int i = 0; i < 4; i++) {
		struct gosan_g *h = g[i];

		assert_true(h->is_thread && h->tid > 0 && h->cid > 0);
		for (int k = 0; k < i; k++)
			assert_ptr_not_equal(h, g[k]);
	}
	assert_ptr_equal(gosan_engine_self(), gosan_self);
}

/* main starts waves of goroutines that it waits for: their chains serve the next wave, and a stamp still
 * names the goroutine that had it. */
static void chains_are_used_again(void **state)
{
	struct gosan_obj *wg = gosan_engine_object_at(0x6000, GOSAN_OBJ_WAITGROUP);
	struct gosan_g *parent = new_g(), *old = NULL;
	struct gosan_stamp stamp = {0, 0};
	uint32_t highest = 0;

	(void)state;
	for (int wave = 0; wave < 50; wave++) {
		struct gosan_g *g[10];

		for (int i = 0; i < 10; i++) {
			g[i] = new_g();
			send(GOSAN_EV_G_SPAWN, parent, NULL, g[i], 0);
			assert_true(g[i]->epoch > 0);
			if (wave == 0 && g[i]->cid > highest)
				highest = g[i]->cid;
			assert_true(g[i]->cid <= highest);
		}
		for (int i = 0; i < 10; i++) {
			send(GOSAN_EV_G_START, g[i], NULL, NULL, 0);
			if (wave == 7 && i == 3) {
				old = g[i];
				stamp = gosan_stamp_of(old);
			}
			gosan_engine_event(&(struct gosan_event){
				.op = GOSAN_EV_WG_ADD, .g = g[i], .obj = wg, .arg = -1});
			send(GOSAN_EV_G_END, g[i], NULL, NULL, 0);
			assert_true(gosan_clock_empty(&g[i]->strong));
		}
		send(GOSAN_EV_WG_WAITED, parent, wg, NULL, 0);
	}
	assert_ptr_equal(gosan_engine_whose(stamp), old);
	assert_null(gosan_engine_whose((struct gosan_stamp){GOSAN_CID_MAX - 5, 1}));
}

/* An access after the last release is not covered by anybody, so its chain must not serve again. */
static void an_unordered_access_keeps_its_chain(void **state)
{
	struct gosan_obj *wg = gosan_engine_object_at(0x7000, GOSAN_OBJ_WAITGROUP);
	struct gosan_g *parent = new_g(), *g = new_g(), *next = new_g();

	(void)state;
	send(GOSAN_EV_G_SPAWN, parent, NULL, g, 0);
	gosan_engine_event(&(struct gosan_event){.op = GOSAN_EV_WG_ADD, .g = g, .obj = wg, .arg = -1});
	g->access_epoch = g->epoch;
	send(GOSAN_EV_G_END, g, NULL, NULL, 0);
	send(GOSAN_EV_WG_WAITED, parent, wg, NULL, 0);
	send(GOSAN_EV_G_SPAWN, parent, NULL, next, 0);
	assert_int_not_equal(next->cid, g->cid);
}

static void no_chains_left(void **state)
{
	uint64_t lost = gosan_counters->cid_lost;
	uint32_t limit = gosan_chain_limit;

	(void)state;
	gosan_chain_limit = 0;
	while (new_g()->cid != GOSAN_CHAIN_SHARED)
		;
	struct gosan_g *x = new_g(), *y = new_g();

	gosan_chain_limit = limit;
	assert_int_equal(x->cid, y->cid);
	assert_true(gosan_counters->cid_lost >= lost + 3);
	assert_null(gosan_engine_whose(gosan_stamp_of(x)));
	send(GOSAN_EV_G_SPAWN, x, NULL, y, 0);
	assert_true(y->epoch >= 1 && gosan_clock_get(&y->strong, y->cid) == y->epoch);
}

static void memory_ends(void **state)
{
	uint64_t lost = gosan_counters->lost;
	uint32_t word = 0;
	struct gosan_g *g;
	int spins = 0;

	(void)state;
	gosan_options.memory_limit_mb = 1;
	while ((g = new_g())->epoch && spins++ < 1000000)
		;
	while (gosan_mem_alloc(16))
		;
	assert_int_equal(g->epoch, 0);
	assert_null(gosan_engine_object(&word, GOSAN_OBJ_MUTEX, NULL));
	assert_int_equal(word, 0);
	send(GOSAN_EV_G_SPAWN, gosan_engine_self(), NULL, g, 0);
	gosan_options.memory_limit_mb = 0;
	assert_true(gosan_counters->lost >= lost + 3);
	assert_true(new_g()->epoch > 0);
}

static void fork_keeps_the_locks_usable(void **state)
{
	int status;

	(void)state;
	gosan_engine_fork(true);
	pid_t pid = fork();

	gosan_engine_fork(false);
	if (pid == 0) {
		send(GOSAN_EV_G_START, new_g(), NULL, NULL, 0);
		_exit(strcmp(seen, "aAB") != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Last, since nothing is judged after it. Clocks go on. */
static void the_end_comes_once(void **state)
{
	struct gosan_obj *sem = gosan_engine_object_at(0x8000, GOSAN_OBJ_SEM);
	struct gosan_g *g = new_g(), *h = new_g();

	(void)state;
	h->is_system = true;
	memset(seen, 0, sizeof seen);
	gosan_engine_end(GOSAN_END_STALL);
	gosan_engine_end(GOSAN_END_EXIT);
	assert_string_equal(seen, "S");
	send(GOSAN_EV_HB_RELEASE, g, sem, NULL, 0);
	send(GOSAN_EV_HB_ACQUIRE, h, sem, NULL, 0);
	assert_string_equal(seen, "");
	assert_int_equal(gosan_clock_get(&h->strong, g->cid), g->epoch - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_passes_all_analyzers),
		cmocka_unit_test(objects_by_id_word),
		cmocka_unit_test(objects_by_address),
		cmocka_unit_test(held_locks),
		cmocka_unit_test(more_locks_than_are_remembered),
		cmocka_unit_test(parking),
		cmocka_unit_test(incomplete_events_are_lost),
		cmocka_unit_test(hooks_inside_the_engine),
		cmocka_unit_test(waiting_for_the_lock),
		cmocka_unit_test(threads_get_a_context),
		cmocka_unit_test(chains_are_used_again),
		cmocka_unit_test(an_unordered_access_keeps_its_chain),
		cmocka_unit_test(no_chains_left),
		cmocka_unit_test(memory_ends),
		cmocka_unit_test(fork_keeps_the_locks_usable),
		cmocka_unit_test(the_end_comes_once),
	};
	gosan_engine_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
