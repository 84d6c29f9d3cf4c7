/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

struct counter {
	go_mutex mu;
	go_waitgroup wg;
	long n;
	int inside, overlaps;
};

static void add(struct counter *c, int rounds, bool yields)
{
	go_defer(go_waitgroup_done, &c->wg);
	for (int i = 0; i < rounds; i++) {
		go_mutex_lock(&c->mu);
		c->overlaps += c->inside++;
		c->n++;
		if (yields)
			go_yield();
		c->inside--;
		go_mutex_unlock(&c->mu);
	}
}

static void excludes_each_other(void)
{
	enum { TASKS = 50, ROUNDS = 400 };
	int before = go_procs();
	for (int procs = 1; procs <= 8; procs *= 2) {
		struct counter c = {0};
		go_set_procs(procs);
		for (int i = 0; i < TASKS; i++) {
			go_waitgroup_add(&c.wg, 1);
			go(add, &c, ROUNDS, i % 2 == 0);
		}
		go_waitgroup_wait(&c.wg);
		check_int(c.n, TASKS * ROUNDS);
		check_int(c.overlaps, 0);
		check(go_mutex_trylock(&c.mu));
		go_mutex_unlock(&c.mu);
	}
	go_set_procs(before);
}

static void trylock_fails_when_held(void)
{
	go_mutex mu = {0};
	check(go_mutex_trylock(&mu));
	check(!go_mutex_trylock(&mu));
	go_mutex_unlock(&mu);
	check(go_mutex_trylock(&mu));
	go_mutex_unlock(&mu);
}

static void unlock_for(go_mutex *mu)
{
	go_mutex_unlock(mu);
}

static void another_goroutine_may_unlock(void)
{
	go_mutex mu = {0};
	go_mutex_lock(&mu);
	go(unlock_for, &mu);
	go_mutex_lock(&mu);
	go_mutex_unlock(&mu);
}

static void set_flag(go_mutex *mu, bool *flag)
{
	go_mutex_lock(mu);
	*flag = true;
	go_mutex_unlock(mu);
}

/* Each loop waits for a goroutine that has no other processor to run on. */
static void polling_lets_others_run(void)
{
	go_mutex mu = {0};
	go_rwmutex rw = {0};
	go_chan(int) ch = go_make(int, 1);
	go_context *ctx = go_with_cancel(go_background());
	const int one = 1;
	bool flag = false;
	go_set_procs(1);
	go(set_flag, &mu, &flag);
	for (bool seen = false; !seen;) {
		go_mutex_lock(&mu);
		seen = flag;
		go_mutex_unlock(&mu);
	}
	go_mutex_lock(&mu);
	go(unlock_for, &mu);
	while (!go_mutex_trylock(&mu))
		;
	go_rwmutex_rlock(&rw);
	go(go_rwmutex_runlock, &rw);
	while (!go_rwmutex_trylock(&rw))
		;
	go(go_chan_send_, (struct go_chan_of *)(void *)ch, &one);
	while (go_len(ch) == 0)
		;
	go(go_cancel, ctx);
	while (go_err(ctx) == 0)
		;
	go(go_chan_close_, (struct go_chan_of *)(void *)ch);
	go_recv(ch);
	while (go_select_default(GO_RECV(ch)) < 0)
		;
	go_context_free(ctx);
}

struct hog {
	go_mutex mu;
	_Atomic bool stop;
	go_waitgroup wg;
};

/* Locks again at once, and parks while it holds: without hand-over the others would never get in. */
static void hog(struct hog *h)
{
	while (!h->stop) {
		go_mutex_lock(&h->mu);
		go_sleep(100 * GO_US);
		go_mutex_unlock(&h->mu);
	}
	go_waitgroup_done(&h->wg);
}

static void nobody_starves(void)
{
	struct hog h = {.stop = false};
	go_waitgroup_add(&h.wg, 2);
	go(hog, &h);
	go(hog, &h);
	int64_t start = go_now();
	for (int i = 0; i < 10; i++) {
		go_mutex_lock(&h.mu);
		go_mutex_unlock(&h.mu);
		go_sleep(10 * GO_US);
	}
	check(go_now() - start < 5 * GO_SEC);
	h.stop = true;
	go_waitgroup_wait(&h.wg);
}

struct counted {
	go_mutex mu;
	int users;
};

/* The last user needs no one's leave to reuse the memory. */
static void use(struct counted *c, go_waitgroup *wg)
{
	go_mutex_lock(&c->mu);
	if (c->users % 2 == 0)
		go_yield();
	bool last = --c->users == 0;
	go_mutex_unlock(&c->mu);
	if (last)
		memset(c, 0x55, sizeof(*c));
	go_waitgroup_done(wg);
}

/* Unlock has let go of the mutex for good when the next owner has it. */
static void last_user_may_free(void)
{
	enum { OBJECTS = 3000, USERS = 4 };
	struct counted *all = calloc(OBJECTS, sizeof(*all));
	check(all != NULL);
	go_set_procs(4);
	for (int i = 0; i < OBJECTS; i++) {
		go_waitgroup wg = {0};
		all[i].users = USERS;
		go_waitgroup_add(&wg, USERS);
		for (int k = 0; k < USERS; k++)
			go(use, &all[i], &wg);
		go_waitgroup_wait(&wg);
	}
	const unsigned char *bytes = (const void *)all;
	for (size_t i = 0; i < OBJECTS * sizeof(*all); i++)
		check_int(bytes[i], 0x55);
	free(all);
}

static void unlocked(void)
{
	go_mutex mu = {0};
	go_mutex_unlock(&mu);
}

static void twice(void)
{
	go_mutex mu = {0};
	go_mutex_lock(&mu);
	go_mutex_lock(&mu);
}

static void misuse(void **state)
{
	(void)state;
	expect_exit(unlocked, 2, "fatal error: sync: unlock of unlocked mutex");
	expect_exit(twice, 2, "all goroutines are asleep - deadlock!");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(excludes_each_other),
		child_test(trylock_fails_when_held),
		child_test(another_goroutine_may_unlock),
		child_test(nobody_starves),
		child_test(polling_lets_others_run),
		child_test(last_user_may_free),
		cmocka_unit_test(misuse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
