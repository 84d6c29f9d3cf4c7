/* SPDX-License-Identifier: Apache-2.0
 *
 * once.c: run a function exactly once.
 *
 * As in Go, a function that ends by go_exit counts as having run, and a function that calls go_once_do on
 * its own once waits for itself for ever. go__state goes 0 (nobody), RUNNING, DONE; DONE is read without
 * the lock, with acquire order.
 */
#include "waitq.h"

#define RUNNING 1u
#define DONE    2u

static inline struct go_object *object_of(go_once *once)
{
	return (struct go_object *)(void *)&once->go__id;
}

_Static_assert(offsetof(struct go_once, go__id) == 0, "the watcher's id is the first member");

/* Release under the lock, then DONE, then the waiters: whoever returns from here on saw f end. */
static void finish(go_once *once)
{
	struct go_lock *l = go__lock_of(&once->go__lock);
	go__lock(l);
	GO_PROBE(once_done, object_of(once));
	__atomic_store_n(&once->go__state, DONE, __ATOMIC_RELEASE);
	struct go_waiter *woken = once->go__queue.first;
	once->go__queue = (struct go_waitq){NULL, NULL};
	go__unlock(l);
	go__waitq_wake_all(woken);
}

/* finish() is deferred, so that go_exit in the function runs it. */
static void run(go_once *once, const struct go_call *call)
{
	go_defer(finish, once);
	go__call_invoke(call);
}

static void run_or_wait(go_once *once, const struct go_call *call)
{
	struct go_lock *l = go__lock_of(&once->go__lock);
	go__lock(l);
	if (once->go__state == 0) {
		once->go__state = RUNNING;
		go__unlock(l);
		run(once, call);
	} else if (once->go__state == RUNNING) {
		struct go_waiter w = {.g = NULL};
		go__waitq_wait(&once->go__queue, &w, l, GO_WAIT_ONCE, object_of(once), GO_ON_WAIT);
	} else {
		go__unlock(l);
	}
}

void go_once_do_(go_once *once, const struct go_call *call)
{
	go__probe_started();
	if (__atomic_load_n(&once->go__state, __ATOMIC_ACQUIRE) != DONE)
		run_or_wait(once, call);
	GO_PROBE(once_return, object_of(once));
}
