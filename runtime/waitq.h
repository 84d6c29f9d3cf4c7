/* SPDX-License-Identifier: Apache-2.0
 *
 * waitq.h: the queue of parked goroutines that each synchronisation object has.
 *
 * A waiter lives on the stack of the goroutine that waits, from the moment it is queued until it was
 * taken off by a waker or by the goroutine itself. The queue belongs to the object's lock. First in,
 * first out, but for push_front.
 */
#ifndef GO_WAITQ_H
#define GO_WAITQ_H

#include "internal.h"

struct go_sel;

struct go_waiter {
	struct go_waiter *next, *prev;
	struct go_g *g;
	bool granted; /* set by the waker: what was waited for is now the waiter's */
	bool queued;  /* in a queue */
	/* channels only */
	void *elem;         /* to send from or receive into; NULL drops the value */
	struct go_sel *sel; /* the select that this waiter is a case of, or NULL */
	size_t index;       /* the case's */
};

static inline void go__waitq_push(struct go_waitq *q, struct go_waiter *w)
{
	w->next = NULL;
	w->prev = q->last;
	*(q->last ? &q->last->next : &q->first) = w;
	q->last = w;
	w->queued = true;
}

static inline void go__waitq_push_front(struct go_waitq *q, struct go_waiter *w)
{
	w->prev = NULL;
	w->next = q->first;
	*(q->first ? &q->first->prev : &q->last) = w;
	q->first = w;
	w->queued = true;
}

static inline void go__waitq_remove(struct go_waitq *q, struct go_waiter *w)
{
	if (!w->queued)
		return;
	*(w->prev ? &w->prev->next : &q->first) = w->next;
	*(w->next ? &w->next->prev : &q->last) = w->prev;
	w->queued = false;
}

static inline struct go_waiter *go__waitq_pop(struct go_waitq *q)
{
	struct go_waiter *w = q->first;
	if (w == NULL)
		return NULL;
	q->first = w->next;
	if (w->next != NULL)
		w->next->prev = NULL;
	else
		q->last = NULL;
	/* Last: a select that was won elsewhere may return when it sees this, and the waiter is gone. */
	__atomic_store_n(&w->queued, false, __ATOMIC_RELEASE);
	return w;
}

/* Operations that don't need the current goroutine may be the first that the program makes: a watcher
 * must have seen the main goroutine start before it sees them. */
static inline void go__probe_started(void)
{
	if (GO_UNLIKELY(go_probe_table != NULL))
		go__self();
}

/* call.c: preemption is cooperative, and on one processor a loop that polls (a flag under a mutex, the length
 * of a channel) would keep whoever it waits for from ever running. Operations that complete without parking
 * count, and now and then give way; those that fail for want of another goroutine's doing yield at once.
 * Without any lock. */
extern __thread unsigned go__unparked __attribute__((tls_model("initial-exec")));
void go__give_way(void);

static inline void go__count_unparked(void)
{
	if (GO_UNLIKELY((++go__unparked & 2047) == 0))
		go__give_way();
}

/* mutex.c: held by anybody? Unlock as a part of another operation, with locks held. */
bool go__mutex_is_locked(const go_mutex *mu);
void go__mutex_unlock(go_mutex *mu);

/* Objects in goroutine.h are plain C and C++: their lock is an unsigned there. */
static inline struct go_lock *go__lock_of(unsigned *word)
{
	_Static_assert(sizeof(struct go_lock) == sizeof(unsigned), "the lock fits the public structs");
	return (struct go_lock *)(void *)word;
}

/* Grant and wake every waiter of a detached queue. Each `next` is read before its goroutine may run,
 * for the waiter is on that goroutine's stack. */
static inline void go__waitq_wake_all(struct go_waiter *w)
{
	while (w != NULL) {
		struct go_waiter *next = w->next;
		w->granted = true;
		go__ready(w->g);
		w = next;
	}
}

/* Queue the caller behind the others and stop; `l` is the lock of the queue, and is released. */
static inline void go__waitq_wait(struct go_waitq *q, struct go_waiter *w, struct go_lock *l,
				  enum go_wait why, struct go_object *obj, enum go_wait_op op)
{
	w->g = go__self();
	w->granted = false;
	go__waitq_push(q, w);
	go__park_one(why, obj, op, l);
}

#endif
