/* SPDX-License-Identifier: Apache-2.0
 *
 * select.c: wait for the first of several channel operations, or a time.
 *
 *  0. Look without locks which cases seem ready, choose one uniformly, lock its channel, run it if it still
 *     is. Only "nothing is ready" has to be a statement about all channels at the same time.
 *  1. Lock every channel, in the order of their addresses (two selects can't deadlock).
 *  2. Count the cases that are ready, choose one uniformly, run it.
 *  3. None: queue one waiter per case, park; the locks go when the registers are saved.
 *  4. Woken by whoever claimed the select (go_sel.won): take the other waiters off, each under the lock of
 *     its channel, and return the index that the claimer left.
 *
 * A waiter of ours that is still queued keeps other goroutines' pointers into our stack valid, so step 4
 * must finish before we return. The time case is a timer that claims like a channel does.
 */
#include "chan.h"

/* Selects with at most this many cases need no memory but their stack. */
#define GO_SELECT_FEW GO_PARK_LOCKS

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

/* The channel's lock held. False: nothing was done, for a peer was lost to another select. */
static bool exchange(struct select *s, struct go_case_ *c, bool *ok, struct go_g **wake)
{
	if (c->op == GO_CASE_RECV_)
		return go__chan_recv_locked(c->ch, s->g, c->elem, ok, wake);
	report_access(c, false);
	*ok = !c->ch->closed;
	return !*ok || go__chan_send_locked(c->ch, s->g, c->elem, wake);
}

/* All locks held, which this releases. False: the caller looks again. */
static bool run_case(struct select *s, size_t i, int *result)
{
	struct go_case_ *c = &s->cases[i];
	struct go_g *wake = NULL;
	bool ok = true;
	if (c->op != GO_CASE_AFTER_ && !exchange(s, c, &ok, &wake))
		return false;
	unlock_all(s);
	if (wake != NULL)
		go__ready(wake);
	*result = finish(c, i, ok);
	if (c->op == GO_CASE_AFTER_)
		go__give_way(); /* as a sleep of no time */
	return true;
}

/* ------------------------------------------------------------------------------- without all locks -- */

#define PEEK(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)

/* Old and new values of different fields may be mixed: a hint, which the lock confirms. */
static inline bool seems_ready(const struct go_case_ *c)
{
	const struct go_chan_of *ch = c->ch;
	if (!on_channel(c))
		return false;
	if (c->op == GO_CASE_SEND_)
		return PEEK(ch->recvq.first) != NULL || PEEK(ch->count) < ch->cap || PEEK(ch->closed);
	return PEEK(ch->sendq.first) != NULL || PEEK(ch->count) > 0 || PEEK(ch->closed);
}

/* The index of one of the bits that are set, each with the same probability. */
static inline unsigned choose_bit(unsigned mask)
{
	uint32_t n = 0;
	if ((mask & (mask - 1)) != 0) {
		for (unsigned left = mask; left != 0; left &= left - 1)
			n++;
		for (n = go__choose(GO__CHOOSE_CASE, n); n > 0; n--)
			mask &= mask - 1;
	}
	return (unsigned)__builtin_ctz(mask);
}

/* Each of those that seem ready has the same chance; one that disappoints is dropped, and the others have
 * theirs. A time that is over already waits for the look with all locks. */
static bool run_one(struct select *s, int *result)
{
	unsigned mask = 0;
	for (size_t i = 0; i < s->n; i++)
		mask |= (unsigned)seems_ready(&s->cases[i]) << i;
	while (mask != 0) {
		unsigned i = choose_bit(mask);
		struct go_case_ *c = &s->cases[i];
		struct go_g *wake = NULL;
		bool ok;
		go__lock(&c->ch->lock);
		bool done = exchange(s, c, &ok, &wake);
		go__unlock(&c->ch->lock);
		if (wake != NULL)
			go__ready(wake);
		if (done) {
			*result = finish(c, i, ok);
			return true;
		}
		mask &= ~(1u << i);
	}
	return false;
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

static struct go_waitq *queue_of(const struct go_case_ *c)
{
	return c->op == GO_CASE_SEND_ ? &c->ch->sendq : &c->ch->recvq;
}

/* Queue a waiter per case; fills on[] with what can wake us, and returns how many. */
static size_t enqueue(struct select *s, struct go_waiter *w, struct go_wait_on *on)
{
	size_t n_on = 0;
	for (size_t i = 0; i < s->n; i++) {
		struct go_case_ *c = &s->cases[i];
		w[i].g = s->g;
		w[i].elem = c->elem;
		w[i].sel = &s->sel;
		w[i].index = i;
		if (c->op == GO_CASE_AFTER_)
			on[n_on++] = (struct go_wait_on){.obj = NULL, .op = GO_ON_AFTER};
		if (!on_channel(c))
			continue;
		bool send = c->op == GO_CASE_SEND_;
		if (send)
			report_access(c, false);
		on[n_on++] = (struct go_wait_on){.obj = &c->ch->obj, .op = send ? GO_ON_SEND : GO_ON_RECV};
		go__waitq_push(queue_of(c), &w[i]);
	}
	return n_on;
}

/* The case that won is off already, and so are those that others came across. A waiter that is seen as not
 * queued is not touched by them any more (see go__waitq_pop); one that is queued may be popped until its
 * channel's lock is ours. */
static void dequeue_few(struct select *s, struct go_waiter *w)
{
	for (size_t i = 0; i < s->n; i++) {
		struct go_case_ *c = &s->cases[i];
		if (!on_channel(c) || !__atomic_load_n(&w[i].queued, __ATOMIC_ACQUIRE))
			continue;
		go__lock(&c->ch->lock);
		go__waitq_remove(queue_of(c), &w[i]);
		go__unlock(&c->ch->lock);
	}
}

/* All locks again, as go__park wants it when there are many: it may still be reading the list of them. The
 * time's own lock is among them. */
static void dequeue_many(struct select *s, struct go_waiter *w)
{
	lock_all(s);
	for (size_t i = 0; i < s->n; i++)
		if (on_channel(&s->cases[i]))
			go__waitq_remove(queue_of(&s->cases[i]), &w[i]);
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
	if (s->n_locks <= GO_PARK_LOCKS)
		dequeue_few(s, w);
	else
		dequeue_many(s, w);
	if (s->after < s->n) {
		/* Another case may have won before the thread that we left has released this, the last of our locks: it must
		 * be through with our frame. */
		go__lock(&s->lock);
		go__unlock(&s->lock);
		go__timer_stop(&s->timer);
	}
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
static int go__select_many(struct select *s, bool block)
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

static __attribute__((noinline)) int go__select_few(struct select *s, bool block)
{
	struct go_waiter w[GO_SELECT_FEW];
	struct go_wait_on on[GO_SELECT_FEW];
	struct go_lock *locks[GO_SELECT_FEW + 1];
	s->locks = locks;
	return run(s, block, w, on);
}

int go_select_(struct go_case_ *cases, size_t n, bool block)
{
	struct select s;
	int result;
	s.sel.won = 0;
	s.sel.ok = false;
	s.lock.word = 0;
	s.timer.index = 0;
	s.g = go__self();
	s.cases = cases;
	s.n = s.after = n;
	if (n > GO_SELECT_FEW)
		return go__select_many(&s, block);
	return run_one(&s, &result) ? result : go__select_few(&s, block);
}
