/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

struct shared {
	go_rwmutex rw;
	go_waitgroup wg;
	_Atomic int readers, writers, bad;
	long n;
};

static void reader(struct shared *s, int rounds)
{
	go_defer(go_waitgroup_done, &s->wg);
	for (int i = 0; i < rounds; i++) {
		go_rwmutex_rlock(&s->rw);
		s->readers++;
		s->bad += s->writers;
		if (i % 8 == 0)
			go_yield();
		s->readers--;
		go_rwmutex_runlock(&s->rw);
	}
}

static void writer(struct shared *s, int rounds)
{
	go_defer(go_waitgroup_done, &s->wg);
	for (int i = 0; i < rounds; i++) {
		go_rwmutex_lock(&s->rw);
		s->bad += s->writers++ + s->readers;
		s->n++;
		if (i % 8 == 0)
			go_yield();
		s->writers--;
		go_rwmutex_unlock(&s->rw);
	}
}

static void one_writer_or_many_readers(void)
{
	enum { ROUNDS = 500 };
	int before = go_procs();
	for (int procs = 1; procs <= 8; procs *= 2) {
		struct shared s = {.n = 0};
		go_set_procs(procs);
		go_waitgroup_add(&s.wg, 20);
		for (int i = 0; i < 16; i++)
			go(reader, &s, ROUNDS);
		for (int i = 0; i < 4; i++)
			go(writer, &s, ROUNDS);
		go_waitgroup_wait(&s.wg);
		check_int(s.bad, 0);
		check_int(s.n, 4 * ROUNDS);
		check(go_rwmutex_trylock(&s.rw));
		go_rwmutex_unlock(&s.rw);
	}
	go_set_procs(before);
}

static void lock_and_log(go_rwmutex *rw, go_chan(int) log, bool write, int id)
{
	if (write) {
		go_rwmutex_lock(rw);
		go_send(log, id);
		go_rwmutex_unlock(rw);
	} else {
		go_rwmutex_rlock(rw);
		go_send(log, id);
		go_rwmutex_runlock(rw);
	}
}

/* A reader holds; a writer queues, then a reader, then a writer. */
static void writer_first_then_all_readers(void)
{
	go_rwmutex rw = {0};
	go_chan(int) log = go_make(int, 4);
	go_rwmutex_rlock(&rw);
	check(go_rwmutex_tryrlock(&rw));
	go_rwmutex_runlock(&rw);
	go(lock_and_log, &rw, log, true, 1);
	go_sleep(5 * GO_MS);
	check(!go_rwmutex_tryrlock(&rw)); /* a writer waits */
	check(!go_rwmutex_trylock(&rw));
	go(lock_and_log, &rw, log, false, 2);
	go_sleep(5 * GO_MS);
	go(lock_and_log, &rw, log, true, 3);
	go_sleep(5 * GO_MS);
	check_int(go_len(log), 0);
	go_rwmutex_runlock(&rw);
	for (int i = 1; i <= 3; i++)
		check_int(go_recv(log), i);
	go_chan_free(log);
}

static void unlock_unlocked(void)
{
	go_rwmutex rw = {0};
	go_rwmutex_unlock(&rw);
}

static void runlock_unlocked(void)
{
	go_rwmutex rw = {0};
	go_rwmutex_runlock(&rw);
}

static void rlock_under_lock(void)
{
	go_rwmutex rw = {0};
	go_rwmutex_lock(&rw);
	go_rwmutex_rlock(&rw);
}

static void misuse(void **state)
{
	(void)state;
	expect_exit(unlock_unlocked, 2, "fatal error: sync: Unlock of unlocked RWMutex");
	expect_exit(runlock_unlocked, 2, "fatal error: sync: RUnlock of unlocked RWMutex");
	expect_exit(rlock_under_lock, 2, "all goroutines are asleep - deadlock!");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(one_writer_or_many_readers),
		child_test(writer_first_then_all_readers),
		cmocka_unit_test(misuse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
