/* SPDX-License-Identifier: Apache-2.0
 *
 * lock.c: misuse of one lock by itself: GS204, GS601, GS602, GS603, GS604, GS606. Conditions are in cond.c.
 *
 * Invariant: who holds a lock is what the engine says, in held[] and in the lock's owner and readers. Nothing here
 * counts acquisitions: repeated ones that nobody contends for may not be seen.
 *
 * Most rules look at one event and at what the engine knows of the lock: GS204 at the request, since the
 * goroutine will not say more; GS601 and GS602 at the fault that the front end saw; GS603 when a lock,
 * condition or channel is destroyed or its memory freed, or used after that; GS606 when the front end meets an id at an address that it was not given for.
 *
 * What is only known at the end. GS604: Go lets another goroutine unlock, so a lock that the dead left locked
 * counts when nobody has unlocked it by the end, and nobody ever unlocked it for another: then it is a semaphore.
 */
#include <inttypes.h>
#include <stdio.h>

#include "../../runtime/probe.h"
#include "mem.h"
#include "recorder.h"
#include "words.h"
#include "cond.h"

/* obj->lock of mutexes and rwmutexes. */
struct lock {
	bool handed_over; /* somebody unlocked it who had not locked it */
};

/* A goroutine that ended with a lock. */
struct left {
	struct gosan_g *g;
	struct gosan_obj *obj;
	uint32_t acquired, ended;
	bool told;
};

static struct gosan_vec left;

/* Never freed, like its object. NULL when memory is exhausted: then less is known, nothing wrong. */
static struct lock *lock_of(struct gosan_obj *obj)
{
	if (!obj->lock)
		obj->lock = gosan_mem_alloc(sizeof(struct lock));
	return obj->lock;
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

/* GS204 */

/* Taking one of these again is no wait: it counts, or it is refused and the program is told. */
#define TOLERANT (GOSAN_OBJ_RECURSIVE | GOSAN_OBJ_ERRORCHECK)

/* A goroutine's mutex that others unlock is one. A thread's has an owner, whoever unlocks it. */
static bool is_semaphore(const struct gosan_obj *obj)
{
	return !(obj->flags & GOSAN_OBJ_OWNED) && gosan_lock_handed_over(obj);
}

/* An acquisition by g itself that its request must wait for. Reading twice is GS205's, if a writer exists. */
static const struct gosan_held *conflict(const struct gosan_g *g, const struct gosan_obj *obj, int mode)
{
	for (size_t i = 0; i < g->n_held; i++)
		if (g->held[i].obj == obj && !(g->held[i].mode & mode & GO_LOCK_READ) &&
		    (g->held[i].mode & GO_LOCK_READ || obj->owner == g))
			return &g->held[i];
	return NULL;
}

/* At the request, not at the park: the process may be killed while it waits. Taken back when it gets the lock: a
 * mutex that others unlock is a semaphore, and from then on waiting for one's own is no bug before it is for ever:
 * block.c and leak.c see to that. */
static void on_request(const struct gosan_event *ev)
{
	bool waits = !(ev->mode & (GO_LOCK_TRY | GOSAN_LOCK_TIMED)) && !(ev->obj->flags & TOLERANT);
	const struct gosan_held *h = waits ? conflict(ev->g, ev->obj, ev->mode) : NULL;
	bool was_read = h && h->mode & GO_LOCK_READ, read = ev->mode & GO_LOCK_READ;
	struct gosan_finding *f;

	if (!h || is_semaphore(ev->obj))
		return;
	f = gosan_finding_begin(204);
	f->obj = ev->obj;
	gosan_finding_locks(gosan_finding_part(f, "waiter", ev->g, read ? "rlock" : "lock", ev->stack));
	gosan_finding_part(f, "owner", ev->g, was_read ? "rlock" : "lock", h->stack);
	snprintf(f->title, sizeof f->title, "{obj} is locked again by the %s that holds it",
		 gosan_words_kind(ev->g));
	snprintf(f->why, sizeof f->why, "%s %s a lock that it holds itself%s: it waits for itself, for ever",
		 gosan_words_who(ev->g), read ? "read-locks" : "locks", was_read ? " for reading" : "");
	snprintf(f->help, sizeof f->help,
		 "unlock first, or split off a function that expects the lock to be held; %s",
		 gosan_words_advice(ev->g, "these locks are not recursive",
				    "this kind of lock is not recursive"));
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
	bool written = ev->obj && ev->obj->owner == ev->g && ev->mode & GO_LOCK_READ;
	struct gosan_finding *f = gosan_finding_begin(601);

	f->obj = ev->obj;
	gosan_finding_locks(gosan_finding_part(f, "current", ev->g, "unlock", ev->stack));
	if (unlocker)
		gosan_finding_part(f, "previous", unlocker, "unlock", ev->obj->release_stack);
	snprintf(f->title, sizeof f->title, "unlock of unlocked {obj}");
	if (written)
		snprintf(f->why, sizeof f->why, "%s gives it back as a reader, but holds it as the writer",
			 gosan_words_who(ev->g));
	else if (unlocker)
		snprintf(f->why, sizeof f->why,
			 "%s unlocks it, but %s had unlocked it already and nobody has "
			 "locked it since",
			 gosan_words_who(ev->g), gosan_words_who(unlocker));
	else
		snprintf(f->why, sizeof f->why, "%s unlocks it, and nobody ever locked it",
			 gosan_words_who(ev->g));
	snprintf(f->help, sizeof f->help, "%s",
		 gosan_words_advice(ev->g,
				    "pair each unlock with one lock; go_defer() right after the lock keeps "
				    "them together",
				    "pair each unlock with one lock, on every path of the same function"));
	gosan_finding_emit(f);
}

/* GS602 */

/* peer is the owner, where it is known. */
static void on_other_fault(const struct gosan_event *ev)
{
	const struct gosan_held *h = ev->obj && ev->peer ? gosan_waits_holds(ev->peer, ev->obj) : NULL;
	struct gosan_finding *f = gosan_finding_begin(602);

	f->obj = ev->obj;
	f->obj_kind = "mutex";
	gosan_finding_locks(gosan_finding_part(f, "current", ev->g, "unlock", ev->stack));
	if (h)
		gosan_finding_part(f, "owner", ev->peer, "lock", h->stack);
	snprintf(f->title, sizeof f->title, "{obj} is unlocked by a thread that does not hold it");
	snprintf(f->why, sizeof f->why,
		 "%s unlocks it while %s holds it: the owner goes on as if it were still alone",
		 gosan_words_who(ev->g), ev->peer ? gosan_words_who(ev->peer) : "another thread");
	snprintf(f->help, sizeof f->help,
		 "unlock in the thread that locked; to wake another thread use a semaphore or a condition");
	if (h)
		gosan_finding_story(f, ev->peer, h->stack, "lock");
	gosan_finding_story(f, ev->g, ev->stack, "unlock  <-- not the owner");
	gosan_finding_emit(f);
}

/* GS204 of a lock that the program announces: it says itself that two have what only one can. */
static void on_double_fault(const struct gosan_event *ev)
{
	const struct gosan_held *h = gosan_waits_holds(ev->peer, ev->obj);
	bool read = ev->mode & GO_LOCK_READ, own = ev->peer == ev->g;
	struct gosan_finding *f = gosan_finding_begin(204);

	f->obj = ev->obj;
	gosan_finding_locks(gosan_finding_part(f, "current", ev->g, read ? "rlock" : "lock", ev->stack));
	gosan_finding_part(f, "owner", ev->peer, "lock", h ? h->stack : 0);
	snprintf(f->title, sizeof f->title, "{obj} is locked while it is locked for writing");
	snprintf(f->why, sizeof f->why, "%s announces that it has it, and %s did not give it back",
		 gosan_words_who(ev->g), own ? "it" : gosan_words_who(ev->peer));
	snprintf(f->help, sizeof f->help,
		 "a lock whose annotations are right lets two in: look at the lock; otherwise announce its "
		 "release before it can be taken again");
	if (h)
		gosan_finding_story(f, ev->peer, h->stack, "lock");
	gosan_finding_story(f, ev->g, ev->stack, "%s  <-- it is held", read ? "rlock" : "lock");
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
	struct gosan_g *g = gosan_waits_any(obj) ? gosan_waits_by_rank(1, obj) : NULL;

	for (; g && f->n_parts < GOSAN_PARTS_MAX; g = gosan_waits_by_rank(gosan_waits_rank(g) + 1, obj))
		gosan_finding_part(f, "waiter", g, gosan_words_op(g), g->wait.stack);
	for (; g; g = gosan_waits_by_rank(gosan_waits_rank(g) + 1, obj))
		f->n_more++;
	return f->n_parts > before_n;
}

/* The dead don't hold: a lock that they left is GS604's. Readers are few and destroying rare: everybody is asked. */
static bool add_holders(struct gosan_finding *f, const struct gosan_obj *obj)
{
	size_t parts = f->n_parts;

	for (const struct gosan_g *g = obj->readers ? gosan_engine_all() : obj->owner; g;
	     g = obj->readers ? g->next : NULL) {
		const struct gosan_held *h = g->ended ? NULL : gosan_waits_holds(g, obj);

		if (h)
			gosan_finding_part(f, "owner", g, h->mode & GO_LOCK_READ ? "rlock" : "lock",
					   h->stack);
	}
	return f->n_parts > parts;
}

/* Destroying what the dead left locked is their fault, not the destroyer's. */
static void judge_left(struct left *l);

/* What is done to it: memory is freed, an object destroyed, or initialised as if it were new. */
static const char *act(const struct gosan_event *ev, const char *of_free, const char *of_destroy,
		       const char *of_init)
{
	return ev->op != GOSAN_EV_OBJ_DESTROY ? of_free : ev->mode == 1 ? of_init : of_destroy;
}

/* Who waits for a lock is in its way as long as it is locked, or (a goroutine) was handed it already. A thread that
 * was sent its wake, or that finds its lock free, is on its way out. */
static bool has_waiters(const struct gosan_obj *obj)
{
	return !(obj->flags & GOSAN_OBJ_OWNED) && gosan_waits_unwoken(obj) != 0;
}

/* After fork, a child makes locks new that its only thread, or nobody any more, holds. */
static bool is_reset(const struct gosan_obj *obj, const struct gosan_event *ev)
{
	return ev->op == GOSAN_EV_OBJ_DESTROY && ev->mode == 1 && !obj->readers && obj->owner &&
	       (obj->owner == ev->g || obj->owner->ended);
}

static void report_destroyed(struct gosan_obj *obj, const struct gosan_event *ev)
{
	struct gosan_finding *f = gosan_finding_begin(603);
	bool held, waited;

	f->obj = obj;
	gosan_finding_part(f, "current", ev->g, act(ev, "free", "destroy", "init"), ev->stack);
	held = add_holders(f, obj);
	waited = add_waiters(f, obj);
	if (!held && !waited)
		return;
	snprintf(f->title, sizeof f->title, "{obj} is %s while it is %s",
		 act(ev, "freed", "destroyed", "initialised again"), held ? "held" : "waited for");
	snprintf(f->why, sizeof f->why, "%s %s the %s that %s %s", gosan_words_who(ev->g),
		 act(ev, "frees", "destroys", "initialises"), gosan_finding_kind_name(obj->kind),
		 f->parts[1].g == ev->g ? "it" : gosan_words_who(f->parts[1].g),
		 held ? "still holds" : "is parked on");
	snprintf(f->help, sizeof f->help, "%s it only after every %s that uses it is done",
		 act(ev, "free", "destroy", "initialise"), gosan_words_kind(ev->g));
	gosan_finding_emit(f);
	explain_waiters(obj);
}

/* The other order: the end came first. Whether it has been freed, too, is GS102's to say. */
static void on_dead_fault(const struct gosan_event *ev)
{
	struct gosan_finding *f = gosan_finding_begin(603);

	f->obj = ev->obj;
	gosan_finding_locks(gosan_finding_part(f, "current", ev->g, ev->text, ev->stack));
	if (ev->peer)
		gosan_finding_part(f, "previous", ev->peer, "destroy", (uint32_t)ev->arg2);
	snprintf(f->title, sizeof f->title, "%s of {obj}, which is destroyed%s", ev->text,
		 ev->peer ? "" : " or was never initialised");
	if (ev->peer)
		snprintf(f->why, sizeof f->why,
			 "%s uses it after %s destroyed it: the call does nothing but fail",
			 gosan_words_who(ev->g), ev->peer == ev->g ? "it" : gosan_words_who(ev->peer));
	else
		snprintf(f->why, sizeof f->why, "its memory holds no lock: the call does nothing but fail");
	snprintf(f->help, sizeof f->help, "%s",
		 ev->peer ? "destroy it only after its last use" : "initialise it before its first use");
	if (ev->peer)
		gosan_finding_story(f, ev->peer, (uint32_t)ev->arg2, "destroy");
	gosan_finding_story(f, ev->g, ev->stack, "%s  <-- no lock any more", ev->text);
	gosan_finding_emit(f);
}

/* `arg` is the event that destroys obj. What other processes share is theirs, too. */
static void destroy(struct gosan_obj *obj, void *arg)
{
	const struct gosan_event *ev = arg;
	struct left *l = left.data;

	for (size_t i = 0; i < left.n; i++)
		if (l[i].obj == obj && obj->owner == l[i].g)
			judge_left(&l[i]);
	if ((obj->owner || obj->readers || has_waiters(obj)) && !is_reset(obj, ev) &&
	    !(obj->flags & GOSAN_OBJ_SHARED))
		report_destroyed(obj, ev);
}

/* GS604 */

/* Nobody unlocked it in its name, or is used to. */
static bool still_held(const struct left *l)
{
	return !l->told && !l->obj->dead && gosan_waits_holds(l->g, l->obj) && !is_semaphore(l->obj);
}

/* Once for each. */
static void judge_left(struct left *l)
{
	struct gosan_finding *f;

	if (!still_held(l))
		return;
	l->told = true;
	f = gosan_finding_begin(604);
	f->obj = l->obj;
	gosan_finding_part(f, "owner", l->g, "lock", l->acquired);
	snprintf(f->title, sizeof f->title, "a %s ended with {obj} locked", gosan_words_kind(l->g));
	snprintf(f->why, sizeof f->why, "%s locked it and ended without unlocking it%s",
		 gosan_words_who(l->g),
		 add_waiters(f, l->obj) ? "; whoever waits for it waits for ever"
					: "; nobody else did, either");
	snprintf(f->help, sizeof f->help, "%s",
		 gosan_words_advice(
			 l->g,
			 "unlock on every path out of the function: go_defer(go_mutex_unlock, ..) "
			 "right after the lock",
			 "unlock on every path out of the function, and in a cleanup handler where the "
			 "thread can be cancelled"));
	gosan_finding_story(f, l->g, l->acquired, "lock");
	gosan_finding_story(f, l->g, l->ended, "end, still locked");
	gosan_finding_emit(f);
	explain_waiters(l->obj);
}

/* The next owner of a robust mutex is told, and with a shared one it may be another process. A thread ends after its
 * destructors, so what they unlock is not left. The exit of the process is no end of a thread. */
static void on_end(const struct gosan_event *ev)
{
	for (size_t i = 0; i < ev->g->n_held; i++) {
		const struct gosan_held *h = &ev->g->held[i];
		struct left *l = h->obj->flags & (GOSAN_OBJ_ROBUST | GOSAN_OBJ_SHARED)
					 ? NULL
					 : gosan_vec_push(&left, sizeof *l);

		if (l)
			*l = (struct left){ev->g, h->obj, h->stack, ev->stack ? ev->stack : ev->g->last_stack,
					   false};
	}
}

/* The end. */

/* Would a lost wake-up be told of a thread? It can't be taken back, so that is left to the end of the run. */
bool gosan_lock_in_doubt(void)
{
	for (struct gosan_g *g = gosan_waits_first(); g; g = gosan_waits_next(g))
		if (g->is_thread && g->wait.why == GO_WAIT_COND && gosan_cond_lost(g))
			return true;
	return false;
}

/* After a panic nothing is judged that needs the end of the program: defers that would have unlocked did not
 * run. Only a thread that had ended before took with it what nobody else may unlock. */
void gosan_lock_judge(enum gosan_end why)
{
	struct left *l = left.data;

	for (size_t i = 0; i < left.n; i++)
		if (why != GOSAN_END_CRASH || (l[i].g->is_thread && l[i].obj->flags & GOSAN_OBJ_OWNED))
			judge_left(&l[i]);
	if (why == GOSAN_END_CRASH)
		return;
	for (struct gosan_g *g = gosan_waits_first(); g; g = gosan_waits_next(g)) {
		const struct gosan_obj *obj = g->wait.n ? g->wait.on[0].obj : NULL;
		const struct gosan_use *u = obj ? obj->use : NULL;

		if (u && u->copied)
			gosan_waits_explain(g, "lock");
		if (!g->is_thread || why != GOSAN_END_EXIT)
			gosan_cond_judge(g);
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
	GOSAN_RECORD(gosan_recorder_copied(copy, original, stack));
	f = gosan_finding_begin(606);
	f->obj = copy;
	gosan_finding_part(f, "current", g, "use of a copy", stack);
	gosan_finding_part(f, "previous", find_g(original->created_by), "first use", original->created_stack);
	snprintf(f->title, sizeof f->title, "a copy of a used %s is used",
		 gosan_finding_kind_name(copy->kind));
	snprintf(f->why, sizeof f->why,
		 "%s uses a %s that was copied from %s after that was used: the two share "
		 "no state, so neither excludes nor wakes the other's users",
		 gosan_words_who(g), gosan_finding_kind_name(copy->kind), gosan_words_what(original));
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
	gosan_waits_went_on(ev->g);
}

static void note_release(const struct gosan_event *ev)
{
	struct lock *l = lock_of(ev->obj);

	if (!l)
		return;
	l->handed_over |= !has(ev->g, ev->obj) && ev->g->n_held < GOSAN_HELD_MAX;
}

/* The other faults are of other analyzers. What the libc refuses with an error (arg2), it tells the program. */
static void on_fault(const struct gosan_event *ev)
{
	if (ev->arg == GOSAN_FAULT_USE_OF_DEAD)
		on_dead_fault(ev);
	if (ev->g->is_thread && ev->arg2 != 0)
		return;
	if (ev->arg == GO_FAULT_UNLOCK_OF_UNLOCKED)
		on_unlock_fault(ev);
	if (ev->arg == GOSAN_FAULT_UNLOCK_BY_OTHER)
		on_other_fault(ev);
	if (ev->arg == GOSAN_FAULT_LOCK_OF_LOCKED)
		on_double_fault(ev);
	if (ev->arg == GO_FAULT_COND_UNLOCKED)
		gosan_cond_fault(ev);
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
		gosan_cond_wait(ev);
		break;
	case GOSAN_EV_COND_WAKE:
		gosan_cond_wake(ev);
		break;
	case GOSAN_EV_G_END:
		on_end(ev);
		break;
	case GOSAN_EV_CHAN_FREE:
	case GOSAN_EV_OBJ_DESTROY:
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

/* Of channels, only that they are freed; of WaitGroups, that they die with their memory. */
static bool wants(enum gosan_op op)
{
	return (op >= GOSAN_EV_CHAN_FREE && op < GOSAN_EV_WG_ADD) || op > GOSAN_EV_WG_WAITED ||
	       op == GOSAN_EV_G_END;
}

const struct gosan_analyzer gosan_analyze_lock = {
	.check = "lock",
	.wants = wants,
	.before = before,
	.end = gosan_lock_judge,
};
