/* SPDX-License-Identifier: Apache-2.0
 *
 * ticker.c: the timers that programs see: channels that receive the time, and functions that are called
 * later.
 *
 * A record belongs to its channel: freeing the channel stops the timer and frees the record. Timers of
 * go_after_func have no channel and stay for good, since a handle may come back at any time.
 */
#include "chan.h"
#include "scheduler.h"

struct go_timer {
	struct go__timer timer;
	struct go_lock lock; /* orders stop and reset with a ticker's arming of its next tick */
	int64_t period;      /* 0: once */
	bool stopped;
	go_chan(int64_t) ch;
	void (*fn)(void *);
	void *arg;
};

struct go_ticker {
	struct go_timer timer;
};

/* From the time that was due, not from now: a ticker doesn't drift. Ticks that nobody was there for are
 * skipped, as in Go. */
static void arm_next(struct go_timer *t, int64_t now)
{
	int64_t late = now - t->timer.when;
	int64_t when = t->timer.when + t->period * (1 + (late > 0 ? late / t->period : 0));
	go__lock(&t->lock);
	if (!t->stopped)
		go__timer_start(&t->timer, when, t->timer.fire, t);
	go__unlock(&t->lock);
}

/* Never waits: a full channel drops the value, as in Go. */
static void fire_channel(void *arg)
{
	struct go_timer *t = arg;
	int64_t now = go_now();
	go__chan_try_send((void *)t->ch, &now);
	if (t->period > 0)
		arm_next(t, now);
}

/* The function may block, so it gets a goroutine of its own; `where` tells the watcher that its stack is a
 * fresh one. */
static void fire_function(void *arg)
{
	struct go_timer *t = arg;
	struct go_call call = {.fn = (void (*)(void))t->fn,
			       .name = "go_after_func",
			       .where = "go_after_func",
			       .w = {(uintptr_t)t->arg}};
	if (go__spawn(&call) != 0)
		go__fatal("out of memory (goroutine)");
}

/* First the flag, so that a tick that is firing does not arm the next one, then the timer itself. */
static bool stop(struct go_timer *t)
{
	go__lock(&t->lock);
	t->stopped = true;
	go__unlock(&t->lock);
	return go__timer_stop(&t->timer);
}

/* By go_chan_free, without the channel's lock. */
static void channel_freed(void *arg)
{
	struct go_timer *t = arg;
	stop(t);
	go__free(t, sizeof(*t));
}

/* Saturates: for ever is a valid duration. */
static int64_t later(int64_t ns)
{
	int64_t now = go_now();
	if (ns < 0)
		ns = 0;
	return ns > INT64_MAX - 1 - now ? INT64_MAX - 1 : now + ns;
}

/* The channel holds one value, so that firing never waits for a receiver. */
static struct go_timer *new_timer(bool channel)
{
	go__self();
	struct go_timer *t = go__alloc(sizeof(*t));
	if (t == NULL)
		go__fatal("out of memory (timer)");
	if (channel) {
		t->ch = go_make(int64_t, 1);
		go__chan_on_free((void *)t->ch, channel_freed, t);
	}
	return t;
}

static struct go_timer *start_channel(int64_t ns, int64_t period)
{
	struct go_timer *t = new_timer(true);
	t->period = period;
	GO_PROBE(notify, (struct go_object *)(void *)t->ch);
	go__timer_start(&t->timer, later(ns), fire_channel, t);
	return t;
}

go_chan(int64_t) go_after(int64_t ns)
{
	return start_channel(ns, 0)->ch;
}

go_chan(int64_t) go_tick(int64_t ns)
{
	return ns <= 0 ? NULL : start_channel(ns, ns)->ch;
}

go_timer *go_timer_new(int64_t ns)
{
	return start_channel(ns, 0);
}

go_timer *go_after_func(int64_t ns, void (*fn)(void *), void *arg)
{
	struct go_timer *t = new_timer(false);
	t->fn = fn;
	t->arg = arg;
	go__timer_start(&t->timer, later(ns), fire_function, t);
	return t;
}

go_chan(int64_t) go_timer_chan(go_timer *t)
{
	return t->ch;
}

bool go_timer_stop(go_timer *t)
{
	return stop(t);
}

/* A value of the earlier run that nobody received must not be taken for one of the new run. */
static void drain(struct go_timer *t)
{
	int64_t old;
	if (t->ch != NULL)
		go_select_default(GO_RECV(t->ch, &old));
}

/* A stop and a start, as in Go 1.23: after it no value of the earlier run arrives. When two reset at the
 * same time, one of their durations holds. */
bool go_timer_reset(go_timer *t, int64_t ns)
{
	void (*fire)(void *) = t->ch != NULL ? fire_channel : fire_function;
	bool active = stop(t);
	drain(t);
	go__lock(&t->lock);
	t->stopped = false;
	bool raced = t->timer.index != 0; /* another reset was faster */
	if (!raced)
		go__timer_start(&t->timer, later(ns), fire, t);
	go__unlock(&t->lock);
	return active;
}

go_ticker *go_ticker_new(int64_t ns)
{
	if (ns <= 0)
		go_panic("non-positive interval for go_ticker_new");
	struct go_timer *t = start_channel(ns, ns);
	GO_PROBE(ticker_new, t, (struct go_object *)(void *)t->ch);
	return (struct go_ticker *)(void *)t;
}

go_chan(int64_t) go_ticker_chan(go_ticker *t)
{
	return t->timer.ch;
}

void go_ticker_stop(go_ticker *t)
{
	GO_PROBE(ticker_stop, t);
	stop(&t->timer);
}
