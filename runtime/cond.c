/* SPDX-License-Identifier: Apache-2.0
 *
 * cond.c: condition variables. First come, first woken; no spurious wake-ups.
 *
 * A waiter is queued before it unlocks the mutex, so a signal by whoever locks the mutex next finds it.
 * Lock order: the condition's own lock, then the mutex's.
 */
#include "waitq.h"

static inline struct go_object *object_of(go_cond *c)
{
	return (struct go_object *)(void *)&c->go__id;
}

_Static_assert(offsetof(struct go_cond, go__id) == 0, "the watcher's id is the first member");

static inline struct go_object *mutex_of(go_cond *c)
{
	return (struct go_object *)(void *)&c->go__mu->go__id;
}

void go_cond_wait(go_cond *c)
{
	struct go_lock *l = go__lock_of(&c->go__lock);
	struct go_wait_on on = {.obj = object_of(c), .op = GO_ON_WAIT};
	struct go_waiter w = {.g = go__self()};
	if (c->go__mu == NULL)
		go_panic("sync: condition variable without a mutex (use GO_COND)");
	/* By whom is not known here; by nobody is wrong for sure. Go finds it when it unlocks. */
	if (!go__mutex_is_locked(c->go__mu))
		go__fault(GO_FAULT_COND_UNLOCKED, object_of(c), "sync: unlock of unlocked mutex");
	go__lock(l);
	/* Told in the order of the queue, and while the mutex is still held. */
	GO_PROBE(cond_wait, object_of(c), mutex_of(c));
	go__waitq_push(&c->go__queue, &w);
	go__mutex_unlock(c->go__mu);
	go__park(GO_WAIT_COND, &on, 1, &l, 1);
	go_mutex_lock(c->go__mu);
	GO_PROBE(cond_waited, object_of(c), mutex_of(c));
}

/* The mutex need not be held, as in Go. */
void go_cond_signal(go_cond *c)
{
	struct go_lock *l = go__lock_of(&c->go__lock);
	go__self();
	go__lock(l);
	struct go_waiter *w = go__waitq_pop(&c->go__queue);
	struct go_g *g = w ? w->g : NULL;
	GO_PROBE(cond_wake, object_of(c), false, g != NULL);
	go__unlock(l);
	if (g != NULL)
		go__ready(g);
}

void go_cond_broadcast(go_cond *c)
{
	struct go_lock *l = go__lock_of(&c->go__lock);
	size_t n = 0;
	go__self();
	go__lock(l);
	struct go_waiter *woken = c->go__queue.first;
	for (struct go_waiter *w = woken; w != NULL; w = w->next)
		n++;
	c->go__queue = (struct go_waitq){NULL, NULL};
	GO_PROBE(cond_wake, object_of(c), true, n);
	go__unlock(l);
	go__waitq_wake_all(woken);
}
