/* SPDX-License-Identifier: Apache-2.0
 *
 * waitgroup.c: wait until a number of goroutines are done.
 *
 * Counter and waiters belong to go__lock; probes are called under it, so a watcher sees additions and
 * waits in the order in which they counted. The add that makes the counter 0 takes all waiters with it:
 * what comes after is the next round. A waiter that wakes and finds the next round begun panics, as
 * Go's does: the program reused the WaitGroup before all waits had returned.
 */
#include "waitq.h"

static inline struct go_object *object_of(go_waitgroup *wg)
{
	return (struct go_object *)(void *)&wg->go__id;
}

_Static_assert(offsetof(struct go_waitgroup, go__id) == 0, "the watcher's id is the first member");

static inline struct go_lock *lock_of(go_waitgroup *wg)
{
	return go__lock_of(&wg->go__lock);
}

void go_waitgroup_add(go_waitgroup *wg, int n)
{
	struct go_waiter *woken = NULL;
	go__probe_started();
	go__lock(lock_of(wg));
	int64_t count = wg->go__count += n;
	/* A negative counter is told as a fault. */
	if (count >= 0)
		GO_PROBE(wg_add, object_of(wg), n, count);
	if (count == 0) {
		woken = wg->go__queue.first;
		wg->go__queue = (struct go_waitq){NULL, NULL};
	}
	go__unlock(lock_of(wg));
	if (count < 0)
		go__fault(GO_FAULT_WG_NEGATIVE, object_of(wg), "sync: negative WaitGroup counter");
	go__waitq_wake_all(woken);
}

void go_waitgroup_done(go_waitgroup *wg)
{
	go_waitgroup_add(wg, -1);
}

void go_waitgroup_wait(go_waitgroup *wg)
{
	bool reused = false;
	go__probe_started();
	go__lock(lock_of(wg));
	GO_PROBE(wg_wait, object_of(wg));
	if (wg->go__count > 0) {
		struct go_waiter w = {.g = NULL};
		go__waitq_wait(&wg->go__queue, &w, lock_of(wg), GO_WAIT_WAITGROUP, object_of(wg), GO_ON_WAIT);
		go__lock(lock_of(wg));
		/* Both were 0 when we were woken. */
		reused = wg->go__count != 0 || wg->go__queue.first != NULL;
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
	go_waitgroup_add(wg, 1);
	go_spawn_(&with_done);
}
