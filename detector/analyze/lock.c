/* SPDX-License-Identifier: Apache-2.0
 *
 * lock.c: misuse of one lock or condition by itself: GS204, GS601, GS603, GS604, GS605, GS606.
 *
 * Invariant: holders of a lock are those that the engine lists in held[]; the readers that this file lists
 * besides are a shortcut for walks from a lock to whoever has it (block.c).
 *
 * Most rules look at one event and at what the engine knows of the lock: GS204 at the request, since the
 * goroutine will not say more; GS601 at the runtime's fault; GS603 when memory with a lock, condition or
 * channel in it is freed; GS606 when the front end meets an id at an address that it was not given for.
 *
 * What is only known at the end. GS604: Go lets another goroutine unlock, so a lock that the dead left locked
 * counts when nobody has unlocked it by the end, and nobody ever unlocked it for another: then it is a semaphore. GS605, lost wake-up: a goroutine waits, no wake came since,
 * and one that woke nobody came before, with no section of the mutex by this waiter in between: had it
 * looked at the condition in an earlier section, it had seen what the wake was about:
 *
 *      signaller:  lock  ready = true  signal (wakes nobody)  unlock
 *      a waiter:                                                      lock  wait              <- lost
 *      a worker:                          lock  takes the work  unlock    lock  wait          <- not lost
 */
#include <inttypes.h>
#include <stdio.h>

#include "../../runtime/probe.h"
#include "mem.h"
#include "analyze.h"

#define READERS_MAX 16

/* obj->lock of mutexes and rwmutexes. */
struct lock {
	struct gosan_g *readers[READERS_MAX];
	size_t n_readers;
	bool handed_over; /* somebody unlocked it who had not locked it */
};

/* obj->cond. */
struct cond {
	const struct gosan_obj *mutex; /* that the first wait came with */
	const struct gosan_g *first;
	uint32_t first_stack;
	uint64_t empty_tick, wake_tick; /* the last wake that woke nobody, the last wake at all; 0: none */
	const struct gosan_g *waker;
	uint32_t empty_stack;
	bool mixed; /* two mutexes: reported */
};

/* A goroutine that ended with a lock. */
struct left {
	struct gosan_g *g;
	struct gosan_obj *obj;
	uint32_t acquired, ended;
};

static struct gosan_vec left;
static bool judged;

/* Both never freed, like their objects. NULL when memory is exhausted: then less is known, nothing wrong. */
static struct lock *lock_of(struct gosan_obj *obj)
{
	if (!obj->lock)
		obj->lock = gosan_mem_alloc(sizeof(struct lock));
	return obj->lock;
}

/* The mutex of a condition is known at its first wait only: with pthreads a signal does not name one. */
static struct cond *cond_of(struct gosan_obj *obj)
{
	if (!obj->cond)
		obj->cond = gosan_mem_alloc(sizeof(struct cond));
	return obj->cond;
}

bool gosan_lock_handed_over(const struct gosan_obj *obj)
{
	const struct lock *l = obj->lock;

	return l && l->handed_over;
}

static bool has(const struct gosan_g *g, const struct gosan_obj *obj)
{
	for (size_t i = 0; i < g->n_held; i++)
		if (g->held[i].obj == obj && (g->held[i].mode & GO_LOCK_READ || obj->owner == g))
			return true;
	return false;
}

/* Beyond READERS_MAX readers are not listed: a cycle through one of them is found at the end as a leak. Go lets
 * another goroutine read-unlock, so a listed one may have it no more: held[] knows. */
size_t gosan_lock_readers(const struct gosan_obj *obj, struct gosan_g **ret, size_t n)
{
	const struct lock *l = obj->lock;
	size_t found = 0;

	for (size_t i = 0; l && i < l->n_readers && found < n; i++)
		if (has(l->readers[i], obj))
			ret[found++] = l->readers[i];
	return found;
}

/* A goroutine that reads twice is listed twice, and taken out twice. */
static void add_reader(struct lock *l, struct gosan_g *g)
{
	if (l->n_readers < READERS_MAX)
		l->readers[l->n_readers++] = g;
}

/* Go lets another goroutine read-unlock: then the reader that did not stays listed. */
static void drop_reader(struct lock *l, const struct gosan_g *g)
{
	for (size_t i = 0; i < l->n_readers; i++)
		if (l->readers[i] == g) {
			l->readers[i] = l->readers[--l->n_readers];
			return;
		}
}

/* GS204 */

/* An acquisition by g itself that its request must wait for. Reading twice is GS205's, if a writer exists. */
static const struct gosan_held *conflict(const struct gosan_g *g, const struct gosan_obj *obj, int mode)
{
	for (size_t i = 0; i < g->n_held; i++)
		if (g->held[i].obj == obj && !(g->held[i].mode & mode & GO_LOCK_READ))
			return &g->held[i];
	return NULL;
}

/* At the request, not at the park: the process may be killed while it waits. Taken back when it gets the lock: a
 * mutex that others unlock is a semaphore, and from then on waiting for one's own is no bug before it is for ever:
 * block.c and leak.c see to that. */
static void on_request(const struct gosan_event *ev)
{
	const struct gosan_held *h = ev->mode & GO_LOCK_TRY ? NULL : conflict(ev->g, ev->obj, ev->mode);
	bool was_read = h && h->mode & GO_LOCK_READ, read = ev->mode & GO_LOCK_READ;
	struct gosan_finding *f;

	if (!h || gosan_lock_handed_over(ev->obj))
		return;
	f = gosan_finding_begin(204);
	f->obj = ev->obj;
	gosan_finding_locks(gosan_finding_part(f, "waiter", ev->g, read ? "rlock" : "lock", ev->stack));
	gosan_finding_part(f, "owner", ev->g, was_read ? "rlock" : "lock", h->stack);
	snprintf(f->title, sizeof f->title, "{obj} is locked again by the goroutine that holds it");
	snprintf(f->why, sizeof f->why, "%s %s a lock that it holds itself%s: it waits for itself, for ever",
		 gosan_waits_who(ev->g), read ? "read-locks" : "locks", was_read ? " for reading" : "");
	snprintf(
		f->help, sizeof f->help,
		"unlock first, or split off a function that expects the lock to be held; these locks are not "
		"recursive");
	gosan_finding_story(f, ev->g, h->stack, was_read ? "rlock" : "lock");
	gosan_finding_story(f, ev->g, ev->stack, "%s  <-- waits for itself", read ? "rlock" : "lock");
	gosan_finding_emit(f);
	gosan_waits_blame(ev->g, "deadlock");
}

/* GS601 */

/* Who unlocked last tells most: two defers, or an unlock on a path that never locked. */
static void on_unlock_fault(const struct gosan_event *ev)
{
	const struct gosan_g *unlocker = ev->obj ? ev->obj->from : NULL;
	struct gosan_finding *f = gosan_finding_begin(601);

	f->obj = ev->obj;
	gosan_finding_locks(gosan_finding_part(f, "current", ev->g, "unlock", ev->stack));
	if (unlocker)
		gosan_finding_part(f, "previous", unlocker, "unlock", ev->obj->release_stack);
	snprintf(f->title, sizeof f->title, "unlock of unlocked {obj}");
	if (unlocker)
		snprintf(f->why, sizeof f->why,
			 "%s unlocks it, but %s had unlocked it already and nobody has "
			 "locked it since",
			 gosan_waits_who(ev->g), gosan_waits_who(unlocker));
	else
		snprintf(f->why, sizeof f->why, "%s unlocks it, and nobody ever locked it",
			 gosan_waits_who(ev->g));
	snprintf(f->help, sizeof f->help,
		 "pair each unlock with one lock; go_defer() right after the lock keeps "
		 "them together");
	gosan_finding_emit(f);
}

/* GS603 */

/* What waits for a destroyed or orphaned object waits for ever, and this finding says why. */
static void explain_waiters(const struct gosan_obj *obj)
{
	for (struct gosan_g *g = gosan_waits_any(obj) ? gosan_waits_first() : NULL; g;
	     g = gosan_waits_next(g))
		if (gosan_waits_on(g, obj))
			gosan_waits_explain(g, "lock");
}

/* In order of their ids; true when there were any. */
static bool add_waiters(struct gosan_finding *f, const struct gosan_obj *obj)
{
	size_t before_n = f->n_parts;
	struct gosan_g *g = gosan_waits_any(obj) ? gosan_waits_by_id(1, obj) : NULL;

	for (; g && f->n_parts < GOSAN_PARTS_MAX; g = gosan_waits_by_id(g->id + 1, obj))
		gosan_finding_part(f, "waiter", g, gosan_waits_op(g), g->wait.stack);
	for (; g; g = gosan_waits_by_id(g->id + 1, obj))
		f->n_more++;
	return f->n_parts > before_n;
}

/* The dead don't hold: a lock that they left is GS604's. */
static bool add_holders(struct gosan_finding *f, struct gosan_obj *obj)
{
	struct gosan_g *holder[READERS_MAX + 1];
	size_t n = gosan_lock_readers(obj, holder, READERS_MAX), parts = f->n_parts;

	if (obj->owner)
		holder[n++] = obj->owner;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < holder[i]->n_held; k++)
			if (holder[i]->held[k].obj == obj && !holder[i]->ended)
				gosan_finding_part(f, "owner", holder[i], "lock", holder[i]->held[k].stack);
	return f->n_parts > parts;
}

/* Destroying what the dead left locked is their fault, not the destroyer's. */
static void judge_left(const struct left *l);

/* `arg` is the event that destroys obj. */
static void destroy(struct gosan_obj *obj, void *arg)
{
	const struct gosan_event *ev = arg;
	const struct left *l = left.data;
	struct gosan_finding *f;
	bool held, waited;

	for (size_t i = 0; i < left.n; i++)
		if (l[i].obj == obj && obj->owner == l[i].g)
			judge_left(&l[i]);
	if (!obj->owner && !obj->readers && !gosan_waits_any(obj))
		return;
	f = gosan_finding_begin(603);
	f->obj = obj;
	gosan_finding_part(f, "current", ev->g, "free", ev->stack);
	held = add_holders(f, obj);
	waited = add_waiters(f, obj);
	if (!held && !waited)
		return;
	snprintf(f->title, sizeof f->title, "{obj} is freed while it is %s", held ? "held" : "waited for");
	snprintf(f->why, sizeof f->why, "%s frees the %s that %s %s", gosan_waits_who(ev->g),
		 gosan_finding_kind_name(obj->kind),
		 f->parts[1].g == ev->g ? "it" : gosan_waits_who(f->parts[1].g),
		 held ? "still holds" : "is parked on");
	snprintf(f->help, sizeof f->help, "free it only after every goroutine that uses it is done");
	gosan_finding_emit(f);
	explain_waiters(obj);
}

/* GS604 */

/* Nobody unlocked it in its name, or is used to. */
static bool still_held(const struct left *l)
{
	return !l->obj->dead && has(l->g, l->obj) && !gosan_lock_handed_over(l->obj);
}

/* Idempotent: the finding is the same each time, and folds. */
static void judge_left(const struct left *l)
{
	struct gosan_finding *f;

	if (!still_held(l))
		return;
	f = gosan_finding_begin(604);
	f->obj = l->obj;
	gosan_finding_part(f, "owner", l->g, "lock", l->acquired);
	snprintf(f->title, sizeof f->title, "a goroutine ended with {obj} locked");
	snprintf(f->why, sizeof f->why, "%s locked it and ended without unlocking it%s",
		 gosan_waits_who(l->g),
		 add_waiters(f, l->obj) ? "; whoever waits for it waits for ever"
					: "; nobody else did, either");
	snprintf(f->help, sizeof f->help,
		 "unlock on every path out of the function: go_defer(go_mutex_unlock, ..) "
		 "right after the lock");
	gosan_finding_story(f, l->g, l->acquired, "lock");
	gosan_finding_story(f, l->g, l->ended, "end, still locked");
	gosan_finding_emit(f);
	explain_waiters(l->obj);
}

/* A thread's mutex may be robust, or unlocked by its destructors: only goroutines are judged here. */
static void on_end(const struct gosan_event *ev)
{
	for (size_t i = 0; i < ev->g->n_held && !ev->g->is_thread; i++) {
		struct left *l = gosan_vec_push(&left, sizeof *l);

		if (l)
			*l = (struct left){ev->g, ev->g->held[i].obj, ev->g->held[i].stack, ev->stack};
	}
}

/* GS605 */

/* The beginning that the three kinds of misuse share. */
static struct gosan_finding *begin_cond(const struct gosan_obj *obj, const struct gosan_g *g, uint32_t stack)
{
	struct gosan_finding *f = gosan_finding_begin(605);

	f->obj = obj;
	gosan_finding_locks(gosan_finding_part(f, "waiter", g, "cond wait", stack));
	return f;
}

/* The runtime refuses it, too; pthreads would not. */
static void on_cond_fault(const struct gosan_event *ev)
{
	struct gosan_finding *f = begin_cond(ev->obj, ev->g, ev->stack);

	snprintf(f->title, sizeof f->title, "wait on {obj} without its mutex held");
	snprintf(f->why, sizeof f->why,
		 "%s waits without holding the mutex of the condition: a wake-up between "
		 "its test of the condition and the wait is lost",
		 gosan_waits_who(ev->g));
	snprintf(f->help, sizeof f->help,
		 "lock the mutex, test the condition in a loop, and wait with it held");
	gosan_finding_emit(f);
}

/* Once per condition. A mutex that died in between (a new one at the same place) is no second mutex. */
static void report_two_mutexes(struct cond *c, const struct gosan_event *ev)
{
	struct gosan_finding *f = begin_cond(ev->obj, ev->g, ev->stack);

	c->mixed = true;
	gosan_finding_part(f, "previous", c->first, "cond wait", c->first_stack);
	snprintf(f->title, sizeof f->title, "{obj} is waited on with two mutexes");
	snprintf(f->why, sizeof f->why,
		 "%s waits with %s, %s had waited with %s: neither mutex protects the "
		 "condition from the other's side",
		 gosan_waits_who(ev->g), gosan_waits_what(ev->obj2), gosan_waits_who(c->first),
		 gosan_waits_what(c->mutex));
	snprintf(f->help, sizeof f->help, "use one mutex with each condition variable");
	gosan_finding_emit(f);
}

/* Did g end a section of mutex m after t? */
/* The last few releases are enough: sections of the condition's own mutex are the latest of a waiter. One that came
 * the short way has the number of the event before it. */
static bool left_since(const struct gosan_g *g, const struct gosan_obj *m, uint64_t t)
{
	for (size_t i = 0; i < GOSAN_LEFT_MAX; i++)
		if (g->left[i].lock == m && g->left[i].tick >= t)
			return true;
	return false;
}

/* Decided here, with the mutex still held: the wait's own unlock is no section that could have seen anything. */
static void on_cond_wait(const struct gosan_event *ev)
{
	struct cond *c = cond_of(ev->obj);
	struct gosan_waits *w = gosan_waits_of(ev->g);

	if (!c || !w)
		return;
	w->lost_wake = c->empty_tick && ev->obj2 && !left_since(ev->g, ev->obj2, c->empty_tick);
	if (!c->mutex) {
		c->mutex = ev->obj2;
		c->first = ev->g;
		c->first_stack = ev->stack;
	}
	if (c->mutex != ev->obj2 && ev->obj2 && !c->mutex->dead && !c->mixed)
		report_two_mutexes(c, ev);
}

/* One tick for both kinds of wake when nobody was woken: equal ticks mean that the last wake was in vain. */
static void on_wake(const struct gosan_event *ev)
{
	struct cond *c = cond_of(ev->obj);

	if (!c)
		return;
	c->wake_tick = gosan_engine_tick;
	if (ev->arg)
		return;
	c->empty_tick = gosan_engine_tick;
	c->empty_stack = ev->stack;
	c->waker = ev->g;
}

/* Likely, not proved: the signal may have been about something else. */
static void judge_lost_wake(struct gosan_g *g)
{
	const struct gosan_waits *w = g->waits;
	const struct cond *c = NULL;
	struct gosan_finding *f;

	if (g->wait.why == GO_WAIT_COND && g->wait.n && g->wait.on[0].obj)
		c = g->wait.on[0].obj->cond;
	if (!c || !w->lost_wake || c->wake_tick != c->empty_tick || w->explained)
		return;
	f = begin_cond(g->wait.on[0].obj, g, g->wait.stack);
	f->grade = GOSAN_LIKELY;
	gosan_finding_part(f, "waker", c->waker, "signal", c->empty_stack);
	snprintf(f->title, sizeof f->title, "the wake-up of {obj} came before the wait and was lost");
	snprintf(f->why, sizeof f->why,
		 "%s signalled when nobody waited; %s then waited for a signal that never "
		 "comes again: signals are not remembered",
		 gosan_waits_who(c->waker), gosan_waits_who(g));
	snprintf(f->help, sizeof f->help,
		 "keep the condition in a variable, set it under the mutex before the "
		 "signal, and wait only while it is not set");
	gosan_finding_story(f, c->waker, c->empty_stack, "signal: nobody waits");
	gosan_finding_story(f, g, g->wait.stack, "wait  <-- for ever");
	gosan_finding_emit(f);
	gosan_waits_explain(g, "lock");
}

/* After a panic nothing is judged that needs the end of the program: defers that would have unlocked did not
 * run. */
void gosan_lock_judge(enum gosan_end why)
{
	const struct left *l = left.data;

	if (judged || why == GOSAN_END_CRASH)
		return;
	judged = true;
	for (size_t i = 0; i < left.n; i++)
		judge_left(&l[i]);
	for (struct gosan_g *g = gosan_waits_first(); g; g = gosan_waits_next(g)) {
		const struct gosan_obj *obj = g->wait.n ? g->wait.on[0].obj : NULL;
		const struct gosan_use *u = obj ? obj->use : NULL;

		if (u && u->copied)
			gosan_waits_explain(g, "lock");
		judge_lost_wake(g);
	}
}

/* GS606 */

/* Objects know their maker by number. */
static const struct gosan_g *find_g(uint64_t id)
{
	const struct gosan_g *g = gosan_engine_all();

	while (g && (g->id != id || !id))
		g = g->next;
	return g;
}

/* Neither side wakes the other's users, so a wait for either may last for ever. */
static void mark_copied(struct gosan_obj *obj)
{
	struct gosan_use *u = gosan_waits_use(obj);

	if (u)
		u->copied = true;
	gosan_waitgroup_copied(obj);
}

void gosan_lock_copied(struct gosan_obj *copy, struct gosan_obj *original, struct gosan_g *g, uint32_t stack)
{
	struct gosan_finding *f;

	gosan_engine_lock();
	f = gosan_finding_begin(606);
	f->obj = copy;
	gosan_finding_part(f, "current", g, "use of a copy", stack);
	gosan_finding_part(f, "previous", find_g(original->created_by), "first use", original->created_stack);
	snprintf(f->title, sizeof f->title, "a copy of a used %s is used",
		 gosan_finding_kind_name(copy->kind));
	snprintf(f->why, sizeof f->why,
		 "%s uses a %s that was copied from %s after that was used: the two share "
		 "no state, so neither excludes nor wakes the other's users",
		 gosan_waits_who(g), gosan_finding_kind_name(copy->kind), gosan_waits_what(original));
	snprintf(f->help, sizeof f->help, "pass a pointer to it, and to the struct that contains it");
	gosan_finding_emit(f);
	mark_copied(copy);
	mark_copied(original);
	gosan_engine_unlock();
}

/* Dispatch. */

/* Writers are in obj->owner. */
static void note_acquire(const struct gosan_event *ev)
{
	struct lock *l = lock_of(ev->obj);

	gosan_waits_went_on(ev->g);
	if (l && ev->mode & GO_LOCK_READ)
		add_reader(l, ev->g);
}

static void note_release(const struct gosan_event *ev)
{
	struct lock *l = lock_of(ev->obj);

	if (!l)
		return;
	l->handed_over |= !has(ev->g, ev->obj) && ev->g->n_held < GOSAN_HELD_MAX;
	if (ev->mode & GO_LOCK_READ)
		drop_reader(l, ev->g);
}

/* The other faults are of other analyzers. */
static void on_fault(const struct gosan_event *ev)
{
	if (ev->arg == GO_FAULT_UNLOCK_OF_UNLOCKED)
		on_unlock_fault(ev);
	if (ev->arg == GO_FAULT_COND_UNLOCKED)
		on_cond_fault(ev);
}

/* All in before(): a release has not been taken from held[] yet, and a goroutine that ends still has its own. */
static void before(const struct gosan_event *ev)
{
	switch (ev->op) {
	case GOSAN_EV_LOCK_REQUEST:
		on_request(ev);
		break;
	case GOSAN_EV_LOCK_ACQUIRE:
		note_acquire(ev);
		break;
	case GOSAN_EV_LOCK_RELEASE:
		note_release(ev);
		break;
	case GOSAN_EV_COND_WAIT:
		on_cond_wait(ev);
		break;
	case GOSAN_EV_COND_WAKE:
		on_wake(ev);
		break;
	case GOSAN_EV_G_END:
		on_end(ev);
		break;
	case GOSAN_EV_CHAN_FREE:
		destroy(ev->obj, (void *)ev);
		break;
	case GOSAN_EV_FREE:
		gosan_engine_each_object(ev->addr, ev->addr + ev->size, destroy, (void *)ev);
		break;
	case GOSAN_EV_FAULT:
		on_fault(ev);
		break;
	default: /* the others don't concern locks */
		break;
	}
}

/* Of channels, only that they are freed. */
static bool wants(enum gosan_op op)
{
	return op >= GOSAN_EV_CHAN_FREE || op == GOSAN_EV_G_END;
}

const struct gosan_analyzer gosan_analyze_lock = {
	.check = "lock",
	.wants = wants,
	.before = before,
	.end = gosan_lock_judge,
};
