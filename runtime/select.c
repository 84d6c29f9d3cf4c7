/* SPDX-License-Identifier: Apache-2.0
 *
 * select.c: wait for the first of several channel operations, or a time.
 *
 *  1. Lock every channel, in the order of their addresses (two selects can't deadlock).
 *  2. Count the cases that are ready, choose one uniformly, run it.
 *  3. None: queue one waiter per case, park; the locks go when the registers are saved.
 *  4. Woken by whoever claimed the select (go_sel.won): lock everything again, take the other waiters
 *     off, and return the index that the claimer left.
 *
 * A waiter of ours that is still queued keeps other goroutines' pointers into our stack valid, so step 4
 * must finish before we return. The time case is a timer that claims like a channel does.
 */
#include "chan.h"

/* Selects with at most this many cases need no memory but their stack. */
#define GO_SELECT_FEW 8

struct select {
	struct go_sel sel;
	struct go_lock lock; /* held from arming the timer until the goroutine is parked */
	struct go__timer timer;
	struct go_g *g;
	struct go_case_ *cases;
	size_t n;
	struct go_lock **locks; /* distinct, ascending; then our own, once it is held. Room for n + 1 */
	size_t n_locks;
	size_t after; /* index of the earliest GO_AFTER, or n */
};

static bool on_channel(const struct go_case_ *c)
{
	return (c->op == GO_CASE_SEND_ || c->op == GO_CASE_RECV_) && c->ch != NULL;
}

/* Insertion sort without duplicates: selects are short. */
static void collect_locks(struct select *s)
{
	s->n_locks = 0;
	for (size_t i = 0; i < s->n; i++) {
		if (!on_channel(&s->cases[i]))
			continue;
		struct go_lock *l = &s->cases[i].ch->lock;
		size_t at = s->n_locks;
		while (at > 0 && (uintptr_t)s->locks[at - 1] > (uintptr_t)l)
			at--;
		if (at > 0 && s->locks[at - 1] == l)
			continue;
		for (size_t j = s->n_locks; j > at; j--)
			s->locks[j] = s->locks[j - 1];
		s->locks[at] = l;
		s->n_locks++;
	}
}

static void lock_all(struct select *s)
{
	for (size_t i = 0; i < s->n_locks; i++)
		go__lock(s->locks[i]);
}

static void unlock_all(struct select *s)
{
	for (size_t i = s->n_locks; i > 0; i--)
		go__unlock(s->locks[i - 1]);
}

static bool ready(const struct go_case_ *c)
{
	if (c->op == GO_CASE_AFTER_)
		return c->ns <= 0;
	if (!on_channel(c))
		return false;
	return c->op == GO_CASE_SEND_ ? go__chan_send_ready(c->ch) : go__chan_recv_ready(c->ch);
}

/* One of the ready cases, each with the same probability; n when there is none. A peer's select may be
 * won elsewhere between the two looks: look again. */
static size_t choose(struct select *s)
{
	for (;;) {
		uint32_t n_ready = 0;
		for (size_t i = 0; i < s->n; i++)
			n_ready += ready(&s->cases[i]);
		if (n_ready == 0)
			return s->n;
		uint32_t skip = n_ready > 1 ? go__choose(GO__CHOOSE_CASE, n_ready) : 0;
		for (size_t i = 0; i < s->n; i++)
			if (ready(&s->cases[i]) && skip-- == 0)
				return i;
	}
}

/* The goroutine's own reads and writes of element i, for a watcher. */
static void report_access(struct go_case_ *c, bool write)
{
	if (c->elem != NULL && c->ch->elem_size > 0)
		GO_PROBE(access, c->elem, c->ch->elem_size, write);
}

/* What remains of a completed case: ok false means that its channel was closed. */
static int finish(struct go_case_ *c, size_t i, bool ok)
{
	if (c->op == GO_CASE_SEND_ && !ok)
		go__fault(GO_FAULT_SEND_ON_CLOSED, &c->ch->obj, "send on closed channel");
	if (c->op == GO_CASE_RECV_) {
		report_access(c, true);
		if (c->ok != NULL)
			*c->ok = ok;
	}
	return (int)i;
}

/* Locks held, which this releases. False: a peer was lost to another select, and the caller looks again. */
static bool run_case(struct select *s, size_t i, int *result)
{
	struct go_case_ *c = &s->cases[i];
	struct go_g *wake = NULL;
	bool ok = true, done = true;
	if (c->op == GO_CASE_SEND_) {
		report_access(c, false);
		ok = !c->ch->closed;
		done = !ok || go__chan_send_locked(c->ch, s->g, c->elem, &wake);
	} else if (c->op == GO_CASE_RECV_) {
		done = go__chan_recv_locked(c->ch, s->g, c->elem, &ok, &wake);
	}
	if (!done)
		return false;
	unlock_all(s);
	if (wake != NULL)
		go__ready(wake);
	*result = finish(c, i, ok);
	if (c->op == GO_CASE_AFTER_)
		go__give_way(); /* as a sleep of no time */
	return true;
}

/* ----------------------------------------------------------------------------------------- waiting -- */

/* In scheduler context. The lock is released by the park only when the registers are saved, so a timer that
 * is due at once waits for that; and a goroutine that another case woke waits in go__timer_stop() for us, so
 * *s is still there. */
static void fire(void *arg)
{
	struct select *s = arg;
	go__lock(&s->lock);
	bool won = atomic_exchange_explicit(&s->sel.won, 1, memory_order_acq_rel) == 0;
	struct go_g *g = s->g;
	if (won)
		s->sel.index = s->after;
	go__unlock(&s->lock);
	if (won)
		go__ready(g);
}

/* Only the earliest of several times can fire. */
static void find_after(struct select *s)
{
	s->after = s->n;
	for (size_t i = 0; i < s->n; i++)
		if (s->cases[i].op == GO_CASE_AFTER_ &&
		    (s->after == s->n || s->cases[i].ns < s->cases[s->after].ns))
			s->after = i;
}

/* Queue a waiter per case; fills on[] with what can wake us, and returns how many. */
static size_t enqueue(struct select *s, struct go_waiter *w, struct go_wait_on *on)
{
	size_t n_on = 0;
	for (size_t i = 0; i < s->n; i++) {
		struct go_case_ *c = &s->cases[i];
		w[i] = (struct go_waiter){.g = s->g, .elem = c->elem, .sel = &s->sel, .index = i};
		if (c->op == GO_CASE_AFTER_)
			on[n_on++] = (struct go_wait_on){.obj = NULL, .op = GO_ON_AFTER};
		if (!on_channel(c))
			continue;
		bool send = c->op == GO_CASE_SEND_;
		if (send)
			report_access(c, false);
		on[n_on++] = (struct go_wait_on){.obj = &c->ch->obj, .op = send ? GO_ON_SEND : GO_ON_RECV};
		go__waitq_push(send ? &c->ch->sendq : &c->ch->recvq, &w[i]);
	}
	return n_on;
}

/* Also for the case that won, whose waiter is off already. The time's own lock is among them, as go__park
 * wants it when there are many. */
static void dequeue_all(struct select *s, struct go_waiter *w)
{
	lock_all(s);
	for (size_t i = 0; i < s->n; i++) {
		struct go_case_ *c = &s->cases[i];
		if (on_channel(c))
			go__waitq_remove(c->op == GO_CASE_SEND_ ? &c->ch->sendq : &c->ch->recvq, &w[i]);
	}
	unlock_all(s);
}

/* All locks held. Returns when a case has been completed for us. */
static int wait_for_case(struct select *s, struct go_waiter *w, struct go_wait_on *on)
{
	size_t n_on = enqueue(s, w, on);
	find_after(s);
	if (s->after < s->n) {
		go__lock(&s->lock);
		s->locks[s->n_locks++] = &s->lock;
		int64_t now = go_now(), ns = s->cases[s->after].ns;
		go__timer_start(&s->timer, ns < INT64_MAX - now ? now + ns : INT64_MAX - 1, fire, s);
	}
	go__park(n_on > 0 ? GO_WAIT_SELECT : GO_WAIT_NO_CASES, on, n_on, s->locks, s->n_locks);
	dequeue_all(s, w);
	if (s->after < s->n)
		go__timer_stop(&s->timer);
	struct go_case_ *c = &s->cases[s->sel.index];
	/* The waker closed the channel that we were receiving from. */
	if (c->op == GO_CASE_RECV_ && !s->sel.ok)
		go__chan_zero(c->ch, c->elem);
	return finish(c, s->sel.index, s->sel.ok);
}

static int run(struct select *s, bool block, struct go_waiter *w, struct go_wait_on *on)
{
	int result;
	collect_locks(s);
	lock_all(s);
	for (size_t i; (i = choose(s)) < s->n;)
		if (run_case(s, i, &result))
			return result;
	if (block)
		return wait_for_case(s, w, on);
	unlock_all(s);
	go__give_way();
	return -1;
}

/* Not on the stack: the number is up to the program, and a goroutine's stack is small. */
static int select_many(struct select *s, bool block)
{
	const size_t per_case =
		sizeof(struct go_waiter) + sizeof(struct go_wait_on) + sizeof(struct go_lock *);
	const size_t size = s->n * per_case + sizeof(struct go_lock *);
	if (s->n > INT_MAX)
		go_panic("select: too many cases");
	char *memory = go__alloc(size);
	if (memory == NULL)
		go_panic("select: out of memory");
	struct go_waiter *w = (void *)memory;
	struct go_wait_on *on = (void *)(w + s->n);
	s->locks = (void *)(on + s->n);
	int result = run(s, block, w, on);
	go__free(memory, size);
	return result;
}

int go_select_(struct go_case_ *cases, size_t n, bool block)
{
	struct select s = {.g = go__self(), .cases = cases, .n = n, .after = n};
	if (n > GO_SELECT_FEW)
		return select_many(&s, block);
	struct go_waiter w[GO_SELECT_FEW];
	struct go_wait_on on[GO_SELECT_FEW];
	struct go_lock *locks[GO_SELECT_FEW + 1];
	s.locks = locks;
	return run(&s, block, w, on);
}
