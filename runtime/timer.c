/* SPDX-License-Identifier: Apache-2.0
 *
 * timer.c: what is to happen at a time: one heap of records, and go_sleep.
 *
 * A 4-ary heap ordered by (when, seq): shallower than a binary one, and the four children share a cache
 * line or two. The keys lie in the heap, for the records lie on the stacks of sleepers, each on a page of its own: with
 * 100,000 of them, a look at a record is a miss in cache and TLB. A record that may be stopped knows its place, so
 * that stopping is as cheap as starting; that of a sleep, which nobody stops, is not touched until it fires. The
 * poller fires; a timer that is earlier than what the poller sleeps for wakes it.
 *
 * Lock order: timers.lock is a leaf but for the locks that go__park releases; callbacks run without it.
 */
#include "scheduler.h"
#include "sys.h"

#include <sched.h>

#define ARITY 4

/* Equal times fire in the order of arming. Sequence numbers are even, so that the lowest bit is free to say whether the
 * record wants to know its place; it decides no comparison. */
struct entry {
	int64_t when;
	uint64_t seq;
	struct go__timer *t;
};

static struct {
	struct go_lock lock;
	struct entry *heap;
	size_t n, room;
	uint64_t seq;
	int64_t poller_until;     /* when the poller wakes by itself; INT64_MIN: it is awake */
	struct go__timer *firing; /* its callback runs now */
	_Atomic int32_t count;    /* armed, and firing: a standstill with none is a deadlock */
} timers;

int64_t go_now(void)
{
	return go__sys_now();
}

/* Two sleeps of the same length end in the order of their begin. */
static bool before(const struct entry *a, const struct entry *b)
{
	return a->when != b->when ? a->when < b->when : a->seq < b->seq;
}

static void place(struct entry e, size_t i)
{
	timers.heap[i] = e;
	if (e.seq & 1)
		e.t->index = i + 1;
}

/* Move the hole at i up until e fits. */
static void sift_up(struct entry e, size_t i)
{
	while (i > 0 && before(&e, &timers.heap[(i - 1) / ARITY])) {
		place(timers.heap[(i - 1) / ARITY], i);
		i = (i - 1) / ARITY;
	}
	place(e, i);
}

/* Move the hole at i down, by the least of up to four children. */
static void sift_down(struct entry e, size_t i)
{
	for (;;) {
		size_t first = i * ARITY + 1, best = first;
		if (first >= timers.n)
			break;
		for (size_t c = first + 1; c < first + ARITY && c < timers.n; c++)
			if (before(&timers.heap[c], &timers.heap[best]))
				best = c;
		if (!before(&timers.heap[best], &e))
			break;
		place(timers.heap[best], i);
		i = best;
	}
	place(e, i);
}

/* Never shrinks: a program that had many timers will have many again. */
static void grow(void)
{
	size_t room = timers.room == 0 ? 1024 : timers.room * 2;
	struct entry *heap = go__alloc(room * sizeof(*heap));
	if (heap == NULL)
		go__fatal("out of memory (timers)");
	for (size_t i = 0; i < timers.n; i++)
		heap[i] = timers.heap[i];
	go__free(timers.heap, timers.room * sizeof(*heap));
	timers.heap = heap;
	timers.room = room;
}

/* Under the lock. True: the poller must be told, since it sleeps for longer. */
static bool insert(struct go__timer *t, bool may_be_stopped)
{
	if (timers.n == timers.room)
		grow();
	struct entry e = {.when = t->when, .seq = timers.seq | may_be_stopped, .t = t};
	timers.seq += 2;
	timers.n++;
	atomic_fetch_add_explicit(&timers.count, 1, memory_order_relaxed);
	sift_up(e, timers.n - 1);
	return timers.heap[0].t == t && t->when < timers.poller_until;
}

/* The last element fills the gap; it may belong above as well as below. */
static void take_out(size_t i)
{
	struct entry last = timers.heap[--timers.n];
	if (timers.heap[i].seq & 1)
		timers.heap[i].t->index = 0;
	if (i == timers.n)
		return;
	if (i > 0 && before(&last, &timers.heap[(i - 1) / ARITY]))
		sift_up(last, i);
	else
		sift_down(last, i);
}

static void fill(struct go__timer *t, int64_t when, void (*fire)(void *arg), void *arg)
{
	GO_ASSERT(t->index == 0);
	t->when = when;
	t->fire = fire;
	t->arg = arg;
}

/* A timer that a callback arms keeps the clock of the first arm. */
static void probe_arm(struct go__timer *t)
{
	struct go_m *m = go__m();
	if (m != NULL && m->g != NULL)
		GO_PROBE(timer_arm, t);
}

/* At once a poller, not at the next switch: the caller may compute until the timer fires. */
void go__timer_start(struct go__timer *t, int64_t when, void (*fire)(void *arg), void *arg)
{
	probe_arm(t);
	go__lock(&timers.lock);
	fill(t, when, fire, arg);
	bool kick = insert(t, true);
	go__unlock(&timers.lock);
	if (kick)
		go__netpoll_kick();
	go__poller_need(true);
}

bool go__timer_cancel(struct go__timer *t)
{
	go__lock(&timers.lock);
	bool armed = t->index != 0;
	if (armed) {
		take_out(t->index - 1);
		atomic_fetch_sub_explicit(&timers.count, 1, memory_order_relaxed);
	}
	go__unlock(&timers.lock);
	return armed;
}

/* The callback is short and takes no lock of ours, so waiting for it is yielding the thread. */
bool go__timer_stop(struct go__timer *t)
{
	if (go__timer_cancel(t))
		return true;
	for (;;) {
		go__lock(&timers.lock);
		bool firing = timers.firing == t;
		go__unlock(&timers.lock);
		if (!firing)
			return false;
		sched_yield();
	}
}

/* ---- the poller's side ---- */

/* Notes until when the poller sleeps, under the same lock as insert() reads it: a timer that is armed in
 * between sees the note and kicks, or is seen here. */
int64_t go__timer_next(int64_t now)
{
	go__lock(&timers.lock);
	int64_t when = timers.n == 0 ? INT64_MAX : timers.heap[0].when;
	timers.poller_until = when;
	go__unlock(&timers.lock);
	if (when == INT64_MAX)
		return -1;
	return when <= now ? 0 : when - now;
}

/* The record may be gone when its callback returns: it is named by address only afterwards. */
static bool fire_one(int64_t now)
{
	go__lock(&timers.lock);
	timers.poller_until = INT64_MIN;
	if (timers.n == 0 || timers.heap[0].when > now) {
		go__unlock(&timers.lock);
		return false;
	}
	struct go__timer *t = timers.heap[0].t;
	take_out(0);
	timers.firing = t;
	void (*fire)(void *arg) = t->fire;
	void *arg = t->arg;
	go__unlock(&timers.lock);

	GO_PROBE(system_begin, t);
	fire(arg);
	GO_PROBE(system_end);

	go__lock(&timers.lock);
	timers.firing = NULL;
	go__unlock(&timers.lock);
	atomic_fetch_sub(&timers.count, 1);
	return true;
}

/* The clock is read once: timers that become due meanwhile are the next round's. */
size_t go__timer_run(struct go_m *m)
{
	size_t n = 0;
	int64_t now = go__sys_now();
	(void)m;
	while (fire_one(now)) {
		/* A herd that wakes must not wait for its last member to be readied. */
		if (++n % 64 == 0)
			go__wake_p();
	}
	return n;
}

int32_t go__timer_count(void)
{
	return atomic_load(&timers.count);
}

void go__timer_hold(bool hold)
{
	if (hold)
		go__lock(&timers.lock);
	else
		go__unlock(&timers.lock);
}

/* In the child of a fork: whoever waited for them is gone. */
void go__timer_reset(void)
{
	for (size_t i = 0; i < timers.n; i++)
		if (timers.heap[i].seq & 1)
			timers.heap[i].t->index = 0;
	timers.n = 0;
	timers.firing = NULL;
	timers.poller_until = INT64_MIN;
	atomic_store(&timers.count, 0);
}

/* ---- sleep ---- */

/* The lock is the sleeper's: taken and dropped, it says that the sleeper's registers are saved. */
struct sleep {
	struct go__timer timer;
	struct go_g *g;
	struct go_lock lock;
};

/* The sleeper's frame, with s in it, is gone as soon as it is ready. */
static void wake_sleeper(void *arg)
{
	struct sleep *s = arg;
	go__lock(&s->lock);
	struct go_g *g = s->g;
	go__unlock(&s->lock);
	go__ready(g);
}

/* The poller is needed only if something else runs here meanwhile: else this thread becomes it. */
void go_sleep(int64_t ns)
{
	struct sleep s = {.g = go__self()};
	struct go_lock *unlock = &s.lock;
	struct go_wait_on on = {.obj = NULL, .op = GO_ON_AFTER};
	int64_t now;
	if (ns <= 0)
		return;
	now = go_now();
	probe_arm(&s.timer);
	fill(&s.timer, ns > INT64_MAX - now ? INT64_MAX - 1 : now + ns, wake_sleeper, &s);
	go__lock(&s.lock);
	go__lock(&timers.lock);
	bool kick = insert(&s.timer, false);
	go__unlock(&timers.lock);
	if (kick)
		go__netpoll_kick();
	go__poller_need(s.g->bound != NULL);
	go__park(GO_WAIT_SLEEP, &on, 1, &unlock, 1);
}
