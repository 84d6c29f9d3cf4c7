/* SPDX-License-Identifier: Apache-2.0
 *
 * relation.c: one clause per sentence of the memory model. A step looks back over all earlier steps for those
 * that are synchronized before it.
 */
#include <string.h>

#include "relation.h"

static bool on(const struct step *a, const struct step *b, enum kind kind)
{
	return a->kind == kind && a->obj == b->obj;
}

/* Locks. "For n < m, call n of Unlock is synchronized before call m of Lock returns." For RWMutex: the same
 * between writers; a read unlock before the next Lock; Unlock before later RLocks. Further, as the reader
 * count of Go's implementation makes it: a read unlock that was before some Lock is before the RLocks after
 * that Lock. */
static bool lock_edge(const struct program *p, int ia, int ib)
{
	const struct step *a = &p->step[ia], *b = &p->step[ib];

	if (b->kind == LOCK)
		return on(a, b, UNLOCK) || on(a, b, RUNLOCK);
	if (b->kind != RLOCK)
		return false;
	if (on(a, b, UNLOCK))
		return true;
	for (int i = ia + 1; on(a, b, RUNLOCK) && i < ib; i++)
		if (on(&p->step[i], b, LOCK))
			return true;
	return false;
}

/* An acquire reads the latest store or a read-modify-write in its release sequence. */
static bool store_between(const struct program *p, int ia, int ib)
{
	for (int i = ia + 1; i < ib; i++)
		if (on(&p->step[i], &p->step[ib], STORE))
			return true;
	return false;
}

/* The latest arm before the fire: arming again replaces. */
static bool armed_by(const struct program *p, int ia, int ib)
{
	for (int i = ia + 1; i < ib; i++)
		if (on(&p->step[i], &p->step[ib], ARM))
			return false;
	return on(&p->step[ia], &p->step[ib], ARM);
}

/* "A release sequence headed by a release operation A on an atomic object M is a maximal contiguous sub-sequence of
 * side effects in the modification order of M, where the first operation is A and every subsequent operation is an
 * atomic read-modify-write operation." (C++20; the steps are in modification order.) Does step r read from one that
 * step a heads? "A release fence A synchronizes with an acquire operation B .. if there exists an atomic operation X
 * such that A is sequenced before X, X modifies M, and B reads the value written by X or .. by any side effect in
 * the hypothetical release sequence X would head if it were a release operation." */
static bool read_from(const struct program *p, int ia, int r)
{
	const struct step *a = &p->step[ia];

	for (int i = r - 1; i >= ia; i--) {
		const struct step *x = &p->step[i];

		if (x->obj != p->step[r].obj || (x->kind != C_STORE && x->kind != C_RMW))
			continue;
		if (i == ia && a->rel)
			return true;
		if (a->kind == FENCE && a->rel && a->g == x->g)
			return true;
		if (x->kind == C_STORE)
			return false;
	}
	return false;
}

/* An acquire fence: "there exists an atomic operation X such that X is sequenced before B, and reads the value". */
static bool fence_read_from(const struct program *p, int ia, int ib)
{
	for (int r = ia + 1; r < ib; r++)
		if (p->step[r].g == p->step[ib].g &&
		    (p->step[r].kind == C_LOAD || p->step[r].kind == C_RMW) && read_from(p, ia, r))
			return true;
	return false;
}

/* Is step a synchronized before the completion of step b, a earlier than b, by anything but a lock? */
static bool edge(const struct program *p, int ia, int ib)
{
	const struct step *a = &p->step[ia], *b = &p->step[ib];

	switch (b->kind) {
	case START: /* "The go statement is synchronized before the start of the goroutine." */
		return a->kind == SPAWN && a->peer == b->g;
	case JOIN:
		return a->kind == END && a->g == b->peer;
	case RECV: /* "The kth send is synchronized before the completion of the kth receive." */
		return on(a, b, SEND) && a->k == b->k;
	case SEND: /* "The kth receive ... before the completion of the (k+C)th send." */
		return on(a, b, RECV) && a->k + p->cap[b->obj] == b->k;
	case RECV_CLOSED:
		return on(a, b, CLOSE);
	case WAITED:
		return on(a, b, DONE);
	case ONCE_RETURN:
		return on(a, b, ONCE_DONE);
	case ACQUIRE:
		return (on(a, b, RELEASE) || on(a, b, STORE)) && !store_between(p, ia, ib);
	case FIRE:
		return armed_by(p, ia, ib);
	case TAKEN:
		return on(a, b, POST);
	case PASSED: /* all who arrive, before all who pass; rounds take turns at two places, where what came stays */
		return on(a, b, ARRIVE) && (a->k ^ b->k) % 2 == 0;
	case C_LOAD:
	case C_RMW:
		return b->acq && read_from(p, ia, ib);
	case FENCE:
		return b->acq && fence_read_from(p, ia, ib);
	case SPAWN:
	case END:
	case PAIR_SEND:
	case PAIR_RECV:
	case CLOSE:
	case LOCK:
	case UNLOCK:
	case RLOCK:
	case RUNLOCK:
	case ADD:
	case DONE:
	case ONCE_DONE:
	case RELEASE:
	case STORE:
	case ARM:
	case POST:
	case ARRIVE:
	case C_STORE:
	case ACCESS:
	case KINDS:
		break;
	}
	return false;
}

static void include(struct relation *r, int b, int a)
{
	for (int w = 0; w < MAX_STEPS / 64; w++)
		r->known[b][w] |= r->known[a][w];
}

static void add(struct relation *r, int b, int a)
{
	r->known[b][a / 64] |= UINT64_C(1) << (a % 64);
}

/* Program order. The system that acts for a timer starts afresh at each fire: it keeps only that its own
 * steps are in order, not what they knew. */
static void program_order(struct relation *r, const struct program *p, int b)
{
	for (int a = b - 1; a >= 0; a--) {
		if (p->step[a].g != p->step[b].g)
			continue;
		if (p->step[b].kind != FIRE) {
			include(r, b, a);
			return;
		}
		add(r, b, a);
	}
}

void relation_close(struct relation *r, const struct program *p, bool with_locks)
{
	memset(r, 0, sizeof *r);
	for (int b = 0; b < p->n; b++) {
		program_order(r, p, b);
		add(r, b, b);
		for (int a = 0; a < b; a++)
			if (edge(p, a, b) || (with_locks && lock_edge(p, a, b)))
				include(r, b, a);
		if (p->step[b].kind == PAIR_RECV) { /* send and receive, each before the completion of both */
			include(r, b, b - 1);
			include(r, b - 1, b);
		}
	}
}

bool relation_races(const struct relation *r, const struct program *p, int a, int b)
{
	const struct step *x = &p->step[a], *y = &p->step[b];

	return x->kind == ACCESS && y->kind == ACCESS && (x->write || y->write) &&
	       !(x->atomic && y->atomic) && x->addr < y->addr + y->size && y->addr < x->addr + x->size &&
	       !relation_has(r, a, b) && !relation_has(r, b, a);
}
