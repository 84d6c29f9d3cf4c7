/* SPDX-License-Identifier: Apache-2.0
 *
 * handoff.c: what a waiter does after its wait comes after what the waker did before its wake. When does that hold in
 * every schedule, and not in this one only? A waiter that comes late finds the condition true and does not wait.
 *
 *      A:  nest(a, b)   lock m   done = true   signal c   unlock m
 *      B:  lock m   while (!done) wait c                              unlock m   nest(b, a)
 *
 * B waited before anybody had woken c: so the condition was false at first, and it is the wake's section that makes it
 * true. Whenever B comes, it passes after that section, and nest(b, a) does not meet nest(a, b). A hand-off is taken to
 * hold everywhere when
 *  - the wait began before the first wake of the condition: with later ones it would be a guess which of the sections
 *    before made the condition true, and another consumer may have made it false again;
 *  - only one goroutine ever wakes the condition: with two, either may have been the one, and of a lock that a program
 *    makes of a condition the waiter becomes the waker in its turn;
 *  - the wake comes in a section of the condition's mutex, or nothing was asked for between the end of that section and
 *    the wake: what is done in between is concurrent with a waiter that came late;
 *  - the wait has no time limit, and a wake ended it.
 * Everything else is no order: then a prediction stays, as possible. The second is only known when it is judged.
 *
 * COND_WAIT and COND_WAKE begin a new epoch (hb.c), so that a stamp says on which side of them a request lies.
 * Capacity: HANDOFFS_MAX, WORK_MAX; what is beyond orders nothing, so that a prediction stays: nothing is lost by it.
 */
#include "handoff.h"

#include "mem.h"

#define HANDOFFS_MAX 1024u
#define WORK_MAX     20000000u /* looks at hand-offs, in the whole run */

/* obj->handoff of conditions. */
struct wakes {
	const struct gosan_obj *mutex; /* of those that waited before the first wake */
	const struct gosan_g *by;      /* who woke it first; NULL: nobody yet */
	bool many; /* so did others, or there are two mutexes, or the first wake is no hand-off */
	struct gosan_clock from; /* what the first wake comes after */
};

/* In order of their ends: what comes before another in the order of hand-offs comes before it here. */
struct handoff {
	const struct wakes *wakes;
	struct gosan_stamp to; /* the waiter goes on */
	bool after;            /* in a question: after what was asked for */
};
static struct gosan_vec all;
static uint32_t work;

static struct wakes *wakes_of(struct gosan_obj *cond)
{
	if (!cond->handoff)
		cond->handoff = gosan_mem_alloc(sizeof(struct wakes));
	return cond->handoff;
}

/* Is g's last section of m the last that it did, but for this wake? */
static bool just_left(struct gosan_g *g, const struct gosan_obj *m)
{
	const struct gosan_waits *w = gosan_waits_of(g);

	for (size_t i = 0; w && i < GOSAN_LEFT_MAX; i++)
		if (g->left[i].lock == m)
			return g->left[i].tick >= w->asked;
	return false;
}

/* Without a waiter there is nobody to hand anything to, and later waits begin after it. */
static void on_wake(const struct gosan_event *ev)
{
	struct wakes *w = wakes_of(ev->obj);

	if (!w)
		return;
	if (w->by) {
		w->many |= w->by != ev->g;
		return;
	}
	w->by = ev->g;
	ev->obj->woken = true;
	w->many |= !w->mutex || ev->obj->flags & GOSAN_OBJ_SHARED ||
		   !(gosan_waits_holds(ev->g, w->mutex) || just_left(ev->g, w->mutex));
	if (!w->many)
		gosan_clock_copy(&w->from, &ev->g->weak);
}

static void on_wait(const struct gosan_event *ev)
{
	struct gosan_waits *waits = gosan_waits_of(ev->g);
	struct wakes *w = wakes_of(ev->obj);

	if (!waits || !w)
		return;
	waits->unwoken = w->by ? NULL : ev->obj;
	if (w->by)
		return;
	w->many |= w->mutex && w->mutex != ev->obj2;
	w->mutex = ev->obj2;
}

static void on_waited(const struct gosan_event *ev)
{
	struct gosan_waits *waits = gosan_waits_of(ev->g);
	const struct wakes *w = ev->obj->handoff;
	struct handoff *h;

	if (!waits || waits->unwoken != ev->obj)
		return;
	waits->unwoken = NULL;
	if (!w || !w->by || w->many || ev->mode == GOSAN_NOT_WOKEN)
		return;
	h = all.n < HANDOFFS_MAX ? gosan_vec_push(&all, sizeof *h) : NULL;
	if (h)
		*h = (struct handoff){.wakes = w, .to = ev->at};
}

void gosan_handoff_note(const struct gosan_event *ev)
{
	switch (ev->op) {
	case GOSAN_EV_COND_WAKE:
		on_wake(ev);
		break;
	case GOSAN_EV_COND_WAIT:
		on_wait(ev);
		break;
	case GOSAN_EV_COND_WAITED:
		on_waited(ev);
		break;
	default:
		break;
	}
}

/* Is the beginning of h after a, at once or by another hand-off? */
static bool begins_after(const struct handoff *h, const struct gosan_depinst *a)
{
	const struct handoff *earlier = all.data;

	if (gosan_clock_covers(&h->wakes->from, a->at))
		return true;
	work += (uint32_t)(h - earlier);
	for (; earlier < h; earlier++)
		if (earlier->after && gosan_clock_covers(&h->wakes->from, earlier->to))
			return true;
	return false;
}

bool gosan_handoff_orders(const struct gosan_depinst *a, const struct gosan_depinst *b)
{
	struct handoff *h = all.data;

	if (work > WORK_MAX)
		return false;
	for (size_t i = 0; i < all.n; i++) {
		h[i].after = !h[i].wakes->many && begins_after(&h[i], a);
		if (h[i].after && gosan_clock_covers(&b->weak, h[i].to))
			return true;
	}
	return false;
}
