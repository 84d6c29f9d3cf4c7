/* SPDX-License-Identifier: Apache-2.0
 *
 * waitgroup.c: wait until a number of goroutines are done.
 *
 * One word holds the counter (upper half) and the number of waiters (lower half). An addition is one atomic
 * operation, and its result says all: whoever brings the counter to 0 with waiters there, and nobody else,
 * wakes them. Looking for waiters only afterwards would be wrong: those seen then may belong to the next round.
 *
 * The queue belongs to go__lock; a waiter is queued before it is counted, both under the lock, so the waker
 * finds as many as the word told. What comes after is the next round. A waiter that wakes and finds the next
 * round begun panics, as Go's does: the program reused the WaitGroup before all waits had returned.
 *
 * With a watcher, additions take the lock too: probes are called under it, in the order in which they counted.
 */
#include "waitq.h"

#define ONE     ((uint64_t)1 << 32)
#define WAITERS UINT32_MAX

static inline struct go_object *object_of(go_waitgroup *wg)
{
	return (struct go_object *)(void *)&wg->go__id;
}

_Static_assert(offsetof(struct go_waitgroup, go__id) == 0, "the watcher's id is the first member");

static inline struct go_lock *lock_of(go_waitgroup *wg)
{
	return go__lock_of(&wg->go__lock);
}

static inline int32_t counter_of(uint64_t word)
{
	return (int32_t)(word >> 32);
}

/* Acquire and release: what was done before each Done is known to the one that wakes the waiters. */
static inline uint64_t add_word(go_waitgroup *wg, uint64_t n)
{
	return __atomic_add_fetch(&wg->go__word, n, __ATOMIC_ACQ_REL);
}

static inline uint64_t load(go_waitgroup *wg)
{
	return __atomic_load_n(&wg->go__word, __ATOMIC_ACQUIRE);
}

/* With the lock held, and the counter at 0: all waiters off, and the word ready for the next round. */
static struct go_waiter *detach(go_waitgroup *wg)
{
	struct go_waiter *woken = wg->go__queue.first;
	wg->go__queue = (struct go_waitq){NULL, NULL};
	__atomic_and_fetch(&wg->go__word, ~(uint64_t)WAITERS, __ATOMIC_RELAXED);
	return woken;
}

static __attribute__((noinline)) void go__waitgroup_wake(go_waitgroup *wg)
{
	go__lock(lock_of(wg));
	struct go_waiter *woken = detach(wg);
	go__unlock(lock_of(wg));
	go__waitq_wake_all(woken);
}

static _Noreturn void negative(go_waitgroup *wg)
{
	go__fault(GO_FAULT_WG_NEGATIVE, object_of(wg), "sync: negative WaitGroup counter");
}

/* A negative counter is told as a fault. */
static __attribute__((noinline)) void go__waitgroup_add_watched(go_waitgroup *wg, int n)
{
	struct go_waiter *woken = NULL;
	go__probe_started();
	go__lock(lock_of(wg));
	/* The word changes under the lock only: the probe may come first. */
	int64_t count = (int64_t)counter_of(load(wg)) + n;
	if (count >= 0)
		GO_PROBE(wg_add, object_of(wg), n, count);
	add_word(wg, (uint64_t)(int64_t)n << 32);
	if (count == 0)
		woken = detach(wg);
	go__unlock(lock_of(wg));
	if (count < 0)
		negative(wg);
	go__waitq_wake_all(woken);
}

static inline void add(go_waitgroup *wg, int n)
{
	if (GO_UNLIKELY(go_probe_table != NULL)) {
		go__waitgroup_add_watched(wg, n);
		return;
	}
	uint64_t word = add_word(wg, (uint64_t)(int64_t)n << 32);
	GO_USDT(wg_add, wg, (int64_t)n, counter_of(word));
	if (GO_UNLIKELY(counter_of(word) <= 0)) {
		if (counter_of(word) < 0)
			negative(wg);
		if ((word & WAITERS) != 0)
			go__waitgroup_wake(wg);
	}
}

void go_waitgroup_add(go_waitgroup *wg, int n)
{
	add(wg, n);
}

void go_waitgroup_done(go_waitgroup *wg)
{
	add(wg, -1);
}

/* With the lock held. False: the counter is 0. */
static bool queue_up(go_waitgroup *wg, struct go_waiter *w)
{
	uint64_t word = load(wg);
	w->g = go__self();
	w->granted = false;
	go__waitq_push(&wg->go__queue, w);
	while (counter_of(word) > 0)
		if (__atomic_compare_exchange_n(&wg->go__word, &word, word + 1, false, __ATOMIC_ACQ_REL,
						__ATOMIC_ACQUIRE))
			return true;
	go__waitq_remove(&wg->go__queue, w);
	return false;
}

void go_waitgroup_wait(go_waitgroup *wg)
{
	struct go_waiter w;
	bool reused = false;
	go__self();
	if (go_probe_table == NULL && counter_of(load(wg)) <= 0)
		return;
	go__lock(lock_of(wg));
	GO_PROBE(wg_wait, object_of(wg));
	if (queue_up(wg, &w)) {
		go__park_one(GO_WAIT_WAITGROUP, object_of(wg), GO_ON_WAIT, lock_of(wg));
		go__lock(lock_of(wg));
		/* Both were 0 when we were woken. */
		reused = load(wg) != 0;
	}
	GO_PROBE(wg_waited, object_of(wg));
	go__unlock(lock_of(wg));
	if (reused)
		go__fault(GO_FAULT_WG_REUSE, object_of(wg),
			  "sync: WaitGroup is reused before previous Wait has returned");
}

/* The counter goes down when the goroutine ends, in whatever way: see go__call_invoke. */
void go_waitgroup_go_(go_waitgroup *wg, const struct go_call *call)
{
	struct go_call with_done = *call;
	with_done.wg = wg;
	add(wg, 1);
	go_spawn_(&with_done);
}
