/* SPDX-License-Identifier: Apache-2.0
 *
 * rwmutex.c: many readers or one writer, with the policy of Go's sync.RWMutex.
 *
 *  - A writer that waits holds back new readers, so writers don't starve.
 *  - When a writer unlocks, all readers that wait enter together before the next writer, so readers don't
 *    starve either.
 *  - Whoever makes room hands the lock over: a waiter that wakes owns it already.
 *
 * Invariants, under go__lock: go__writer is 1 while a writer owns it, and then go__readers is 0; readers
 * wait only while a writer owns it or waits.
 */
#include "waitq.h"

static inline struct go_object *object_of(go_rwmutex *rw)
{
	return (struct go_object *)(void *)&rw->go__id;
}

_Static_assert(offsetof(struct go_rwmutex, go__id) == 0, "the watcher's id is the first member");

static inline struct go_lock *lock_of(go_rwmutex *rw)
{
	return go__lock_of(&rw->go__lock);
}

/* ---- writers ---- */

/* A writer that comes while others queue goes behind them, even if the lock is free for the moment. */
static bool write_locked(go_rwmutex *rw)
{
	if (rw->go__writer || rw->go__readers > 0 || rw->go__write_queue.first != NULL)
		return false;
	rw->go__writer = 1;
	return true;
}

void go_rwmutex_lock(go_rwmutex *rw)
{
	go__probe_started();
	GO_PROBE(lock_request, object_of(rw), GO_RWMUTEX, GO_LOCK_WRITE);
	go__lock(lock_of(rw));
	if (write_locked(rw)) {
		go__unlock(lock_of(rw));
	} else {
		struct go_waiter w = {.g = NULL};
		go__waitq_wait(&rw->go__write_queue, &w, lock_of(rw), GO_WAIT_WLOCK, object_of(rw),
			       GO_ON_LOCK);
	}
	GO_PROBE(lock_acquire, object_of(rw), GO_RWMUTEX, GO_LOCK_WRITE);
}

bool go_rwmutex_trylock(go_rwmutex *rw)
{
	go__probe_started();
	go__lock(lock_of(rw));
	bool locked = write_locked(rw);
	go__unlock(lock_of(rw));
	if (locked)
		GO_PROBE(lock_acquire, object_of(rw), GO_RWMUTEX, GO_LOCK_WRITE | GO_LOCK_TRY);
	else
		go__give_way();
	return locked;
}

/* The first writer that waits becomes the owner. */
static struct go_waiter *grant_writer(go_rwmutex *rw)
{
	struct go_waiter *w = go__waitq_pop(&rw->go__write_queue);
	if (w != NULL) {
		w->next = NULL;
		rw->go__writer = 1;
	}
	return w;
}

/* Every reader that waits becomes an owner. */
static struct go_waiter *grant_readers(go_rwmutex *rw)
{
	struct go_waiter *first = rw->go__read_queue.first;
	for (struct go_waiter *w = first; w != NULL; w = w->next)
		rw->go__readers++;
	rw->go__read_queue = (struct go_waitq){NULL, NULL};
	return first;
}

void go_rwmutex_unlock(go_rwmutex *rw)
{
	go__probe_started();
	go__lock(lock_of(rw));
	if (!rw->go__writer) {
		go__unlock(lock_of(rw));
		go__fault(GO_FAULT_UNLOCK_OF_UNLOCKED, object_of(rw), "sync: Unlock of unlocked RWMutex");
	}
	GO_PROBE(lock_release, object_of(rw), GO_RWMUTEX, GO_LOCK_WRITE);
	rw->go__writer = 0;
	/* Readers first: those who queued behind us. New ones will queue behind the next writer. */
	struct go_waiter *woken = grant_readers(rw);
	if (woken == NULL)
		woken = grant_writer(rw);
	go__unlock(lock_of(rw));
	go__waitq_wake_all(woken);
	go__count_unparked();
}

/* ---- readers ---- */

/* Writer-preferring: see above. This is why a goroutine that takes a read lock twice can deadlock with a
 * writer that queues in between. */
static bool read_locked(go_rwmutex *rw)
{
	if (rw->go__writer || rw->go__write_queue.first != NULL)
		return false;
	rw->go__readers++;
	return true;
}

void go_rwmutex_rlock(go_rwmutex *rw)
{
	go__probe_started();
	GO_PROBE(lock_request, object_of(rw), GO_RWMUTEX, GO_LOCK_READ);
	go__lock(lock_of(rw));
	if (read_locked(rw)) {
		go__unlock(lock_of(rw));
	} else {
		struct go_waiter w = {.g = NULL};
		go__waitq_wait(&rw->go__read_queue, &w, lock_of(rw), GO_WAIT_RLOCK, object_of(rw),
			       GO_ON_RLOCK);
	}
	GO_PROBE(lock_acquire, object_of(rw), GO_RWMUTEX, GO_LOCK_READ);
}

bool go_rwmutex_tryrlock(go_rwmutex *rw)
{
	go__probe_started();
	go__lock(lock_of(rw));
	bool locked = read_locked(rw);
	go__unlock(lock_of(rw));
	if (locked)
		GO_PROBE(lock_acquire, object_of(rw), GO_RWMUTEX, GO_LOCK_READ | GO_LOCK_TRY);
	else
		go__give_way();
	return locked;
}

void go_rwmutex_runlock(go_rwmutex *rw)
{
	struct go_waiter *woken = NULL;
	go__probe_started();
	go__lock(lock_of(rw));
	if (rw->go__readers == 0) {
		go__unlock(lock_of(rw));
		go__fault(GO_FAULT_UNLOCK_OF_UNLOCKED, object_of(rw), "sync: RUnlock of unlocked RWMutex");
	}
	GO_PROBE(lock_release, object_of(rw), GO_RWMUTEX, GO_LOCK_READ);
	if (--rw->go__readers == 0)
		woken = grant_writer(rw);
	go__unlock(lock_of(rw));
	go__waitq_wake_all(woken);
	go__count_unparked();
}
