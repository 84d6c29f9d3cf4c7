/* SPDX-License-Identifier: Apache-2.0
 *
 * cond.c: misuse of condition variables, GS605: waiting without the mutex, with two mutexes, and lost wake-ups.
 *
 * Lost wake-up: a goroutine waits, no wake came since, and one that woke nobody came before, with no section of the
 * mutex by this waiter in between: had it looked at the condition in an earlier section, it had seen what the wake
 * was about:
 *
 *      signaller:  lock  ready = true  signal (wakes nobody)  unlock
 *      a waiter:                                                      lock  wait              <- lost
 *      a worker:                          lock  takes the work  unlock    lock  wait          <- not lost
 */
#include <inttypes.h>
#include <stdio.h>

#include "../../runtime/probe.h"
#include "mem.h"
#include "words.h"
#include "cond.h"

/* obj->cond. */
struct cond {
	const struct gosan_obj *mutex; /* that the first wait came with */
	const struct gosan_g *first;
	uint32_t first_stack;
	uint64_t empty_tick, wake_tick; /* the last wake that woke nobody, the last wake at all; 0: none */
	const struct gosan_g *waker;
	uint32_t empty_stack;
	int64_t empty_number; /* of that wake, as its thread counts them; 0: unknown */
	bool mixed;           /* two mutexes: reported */
};

/* The mutex of a condition is known at its first wait only: with pthreads a signal does not name one. */
static struct cond *cond_of(struct gosan_obj *obj)
{
	if (!obj->cond)
		obj->cond = gosan_mem_alloc(sizeof(struct cond));
	return obj->cond;
}

/* The beginning that the three kinds of misuse share. */
static struct gosan_finding *begin_cond(const struct gosan_obj *obj, const struct gosan_g *g, uint32_t stack)
{
	struct gosan_finding *f = gosan_finding_begin(605);

	f->obj = obj;
	gosan_finding_locks(gosan_finding_part(f, "waiter", g, "cond wait", stack));
	return f;
}

/* The runtime refuses it, too; pthreads would not. */
void gosan_cond_fault(const struct gosan_event *ev)
{
	struct gosan_finding *f = begin_cond(ev->obj, ev->g, ev->stack);

	snprintf(f->title, sizeof f->title, "wait on {obj} without its mutex held");
	snprintf(f->why, sizeof f->why,
		 "%s waits without holding the mutex of the condition: a wake-up between "
		 "its test of the condition and the wait is lost",
		 gosan_words_who(ev->g));
	snprintf(f->help, sizeof f->help,
		 "lock the mutex, test the condition in a loop, and wait with it held");
	gosan_finding_emit(f);
}

/* POSIX binds a condition to a mutex for as long as somebody waits with it: who waits now with another one? */
static const struct gosan_g *waits_with_other(const struct gosan_event *ev)
{
	const struct gosan_g *g = gosan_waits_unwoken(ev->obj) ? gosan_waits_first() : NULL;

	while (g && !(gosan_waits_on(g, ev->obj) && g->wait.relock && g->wait.relock != ev->obj2))
		g = gosan_waits_next(g);
	return g;
}

/* Goroutines' conditions have one mutex for life. A mutex that died in between (a new one at the same place) is no
 * second one. */
static bool has_two_mutexes(struct cond *c, const struct gosan_event *ev)
{
	const struct gosan_g *other;

	if (!ev->obj2 || c->mixed)
		return false;
	if (!ev->g->is_thread)
		return c->mutex != ev->obj2 && !c->mutex->dead;
	other = waits_with_other(ev);
	if (!other)
		return false;
	c->first = other;
	c->first_stack = other->wait.stack;
	c->mutex = other->wait.relock;
	return true;
}

/* Once per condition. */
static void report_two_mutexes(struct cond *c, const struct gosan_event *ev)
{
	struct gosan_finding *f = begin_cond(ev->obj, ev->g, ev->stack);

	c->mixed = true;
	gosan_finding_part(f, "previous", c->first, "cond wait", c->first_stack);
	snprintf(f->title, sizeof f->title, "{obj} is waited on with two mutexes");
	snprintf(f->why, sizeof f->why,
		 "%s waits with %s, %s had waited with %s: neither mutex protects the "
		 "condition from the other's side",
		 gosan_words_who(ev->g), gosan_words_what(ev->obj2), gosan_words_who(c->first),
		 gosan_words_what(c->mutex));
	snprintf(f->help, sizeof f->help, "use one mutex with each condition variable");
	gosan_finding_emit(f);
}

/* Did g end a section of mutex m after t?
 * The last few releases are enough: sections of the condition's own mutex are the latest of a waiter. One that came
 * the short way has the number of the event before it. */
static bool left_since(const struct gosan_g *g, const struct gosan_obj *m, uint64_t t)
{
	for (size_t i = 0; i < GOSAN_LEFT_MAX; i++)
		if (g->left[i].lock == m && g->left[i].tick >= t)
			return true;
	return false;
}

/* Sections of threads that nobody contended for may have been told to nobody. Then the wait itself says how many wakes
 * there had been when the last of them ended. */
static bool had_section(const struct gosan_event *ev, const struct cond *c)
{
	return left_since(ev->g, ev->obj2, c->empty_tick) ||
	       (ev->arg2 && c->empty_number && ev->arg2 >= c->empty_number);
}

/* Decided here, with the mutex still held: the wait's own unlock is no section that could have seen anything. */
void gosan_cond_wait(const struct gosan_event *ev)
{
	struct cond *c = cond_of(ev->obj);
	struct gosan_waits *w = gosan_waits_of(ev->g);

	if (!c || !w)
		return;
	w->lost_wake = c->empty_tick && ev->obj2 && !had_section(ev, c);
	if (!c->mutex) {
		c->mutex = ev->obj2;
		c->first = ev->g;
		c->first_stack = ev->stack;
	}
	if (has_two_mutexes(c, ev))
		report_two_mutexes(c, ev);
}

/* One tick for both kinds of wake when nobody was woken: equal ticks mean that the last wake was in vain. */
void gosan_cond_wake(const struct gosan_event *ev)
{
	struct cond *c = cond_of(ev->obj);

	if (!c)
		return;
	c->wake_tick = gosan_engine_tick;
	if (ev->arg > 0 || (ev->arg < 0 && gosan_waits_unwoken(ev->obj)))
		return;
	c->empty_tick = gosan_engine_tick;
	c->empty_number = ev->arg2;
	c->empty_stack = ev->stack;
	c->waker = ev->g;
}

/* Did the last wake of the condition that g waits for come before the wait, and wake nobody? */
bool gosan_cond_lost(const struct gosan_g *g)
{
	const struct gosan_waits *w = g->waits;
	const struct cond *c = NULL;

	if (g->wait.why == GO_WAIT_COND && g->wait.n && g->wait.on[0].obj)
		c = g->wait.on[0].obj->cond;
	return c && w && w->lost_wake && c->wake_tick == c->empty_tick && !w->explained && !g->wait.timed;
}

/* Likely, not proved: the signal may have been about something else. A thread that waits for work at the exit of the
 * program is no bug: of threads this is asked in a hang only. */
void gosan_cond_judge(struct gosan_g *g)
{
	const struct cond *c;
	struct gosan_finding *f;

	if (!gosan_cond_lost(g))
		return;
	c = g->wait.on[0].obj->cond;
	f = begin_cond(g->wait.on[0].obj, g, g->wait.stack);
	f->grade = GOSAN_LIKELY;
	gosan_finding_part(f, "waker", c->waker, "signal", c->empty_stack);
	snprintf(f->title, sizeof f->title, "the wake-up of {obj} came before the wait and was lost");
	snprintf(f->why, sizeof f->why,
		 "%s signalled when nobody waited; %s then waited for a signal that never "
		 "comes again: signals are not remembered",
		 gosan_words_who(c->waker), gosan_words_who(g));
	snprintf(f->help, sizeof f->help,
		 "keep the condition in a variable, set it under the mutex before the "
		 "signal, and wait only while it is not set");
	gosan_finding_story(f, c->waker, c->empty_stack, "signal: nobody waits");
	gosan_finding_story(f, g, g->wait.stack, "wait  <-- for ever");
	gosan_finding_emit(f);
	gosan_waits_explain(g, "lock");
}
