/* SPDX-License-Identifier: Apache-2.0
 *
 * program.c: the generator: a simulator that picks a living goroutine and something that it can do without
 * waiting, again and again.
 */
#include <stdio.h>
#include <string.h>

#include "program.h"

struct sim {
	struct program *p;
	uint64_t random;
	int max_gs, wanted;
	bool alive[MAX_GS], started[MAX_GS], joined[MAX_GS];
	size_t sent[MAX_OBJS], received[MAX_OBJS];
	bool closed[MAX_OBJS], done[MAX_OBJS], armed[MAX_OBJS];
	int owner[MAX_OBJS]; /* -1 none */
	int readers[MAX_OBJS][MAX_GS], n_readers[MAX_OBJS];
	int counter[MAX_OBJS];
	size_t round[MAX_OBJS], arrived[MAX_OBJS];
	int waits_at[MAX_GS]; /* a barrier, of this round; -1 none */
	size_t in_round[MAX_GS];
	/* Where accesses come often and of what kind: each program has its own character. */
	unsigned access_share, write_share, atomic_share;
};

static uint64_t next(struct sim *s)
{
	uint64_t z = s->random += UINT64_C(0x9E3779B97F4A7C15); /* splitmix64, Steele et al., OOPSLA 2014 */

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

static int below(struct sim *s, int n)
{
	return (int)(next(s) % (uint64_t)n);
}

static bool percent(struct sim *s, unsigned n)
{
	return next(s) % 100 < n;
}

static struct step *put(struct sim *s, enum kind kind, int g, int peer, int obj)
{
	struct step *t = &s->p->step[s->p->n++];

	*t = (struct step){.kind = kind, .g = g, .peer = peer, .obj = obj};
	return t;
}

static int new_g(struct sim *s, enum role role)
{
	int g = s->p->n_gs++;

	s->p->role[g] = role;
	s->alive[g] = true;
	s->waits_at[g] = -1;
	return g;
}

static void add_object(struct program *p, enum obj_kind kind, size_t cap)
{
	p->obj[p->n_objs] = kind;
	p->cap[p->n_objs++] = cap;
}

/* Who waits at a barrier goes on once its round is full, at any time after. */
static bool leaves(struct sim *s, int g)
{
	int b = s->waits_at[g];

	if (b >= 0 && s->in_round[g] == s->round[b])
		return false;
	if (b >= 0)
		put(s, PASSED, g, -1, b)->k = s->in_round[g];
	s->waits_at[g] = -1;
	return true;
}

/* A living goroutine or thread other than g that doesn't wait; -1 when luck doesn't find one. */
static int another(struct sim *s, int g)
{
	for (int i = 0; i < 8; i++) {
		int o = below(s, s->p->n_gs);

		if (o != g && s->alive[o] && s->p->role[o] != SYSTEM && leaves(s, o))
			return o;
	}
	return -1;
}

static void do_spawn(struct sim *s, int g)
{
	if (s->p->n_gs >= s->max_gs)
		return;
	int child = new_g(s, percent(s, 20) ? THREAD : GOROUTINE);

	put(s, SPAWN, g, child, -1);
	put(s, START, child, -1, -1);
}

static bool holds_something(const struct sim *s, int g)
{
	for (int o = 0; o < s->p->n_objs; o++)
		if (s->owner[o] == g || s->readers[o][g])
			return true;
	return false;
}

static void do_end(struct sim *s, int g)
{
	if (g == 0 || holds_something(s, g) || another(s, g) < 0)
		return;
	put(s, END, g, -1, -1);
	s->alive[g] = false;
}

static void do_join(struct sim *s, int g)
{
	int t = below(s, s->p->n_gs);

	if (s->p->role[t] != THREAD || s->alive[t] || s->joined[t])
		return;
	s->joined[t] = true;
	put(s, JOIN, g, t, -1);
}

static void on_chan(struct sim *s, int g, int ch)
{
	size_t cap = s->p->cap[ch], queued = s->sent[ch] - s->received[ch];
	int peer = another(s, g);

	if (percent(s, 3) && !s->closed[ch]) {
		s->closed[ch] = true;
		put(s, CLOSE, g, -1, ch);
	} else if (s->closed[ch] && !queued) {
		put(s, RECV_CLOSED, g, -1, ch);
	} else if (cap && queued && percent(s, 50)) {
		put(s, RECV, g, -1, ch)->k = s->received[ch]++;
	} else if (cap && queued < cap && !s->closed[ch]) {
		put(s, SEND, g, -1, ch)->k = s->sent[ch]++;
	} else if (!cap && !s->closed[ch] && peer >= 0) {
		put(s, PAIR_SEND, g, peer, ch);
		put(s, PAIR_RECV, peer, g, ch);
	}
}

static void on_mutex(struct sim *s, int g, int mu)
{
	/* Go lets another goroutine unlock: rarely, but it must be exact as well. */
	if (s->owner[mu] == g || (s->owner[mu] >= 0 && percent(s, 10))) {
		put(s, UNLOCK, g, -1, mu);
		s->owner[mu] = -1;
	} else if (s->owner[mu] < 0) {
		put(s, LOCK, g, -1, mu);
		s->owner[mu] = g;
	}
}

static void on_rwmutex(struct sim *s, int g, int rw)
{
	if (s->owner[rw] == g || (s->owner[rw] >= 0 && percent(s, 10))) {
		put(s, UNLOCK, g, -1, rw);
		s->owner[rw] = -1;
	} else if (s->readers[rw][g]) {
		put(s, RUNLOCK, g, -1, rw);
		s->readers[rw][g]--;
		s->n_readers[rw]--;
	} else if (s->owner[rw] < 0 && percent(s, 60)) {
		put(s, RLOCK, g, -1, rw);
		s->readers[rw][g]++;
		s->n_readers[rw]++;
	} else if (s->owner[rw] < 0 && !s->n_readers[rw]) {
		put(s, LOCK, g, -1, rw);
		s->owner[rw] = g;
	}
}

static void on_waitgroup(struct sim *s, int g, int wg)
{
	if (s->counter[wg] == 0 && percent(s, 60)) {
		put(s, WAITED, g, -1, wg);
	} else if (s->counter[wg] > 0 && percent(s, 60)) {
		s->counter[wg]--;
		put(s, DONE, g, -1, wg);
	} else {
		s->counter[wg]++;
		put(s, ADD, g, -1, wg);
	}
}

/* Somebody has to go on, here as when one ends. */
static void on_barrier(struct sim *s, int g, int b)
{
	if (another(s, g) < 0)
		return;
	put(s, ARRIVE, g, -1, b)->k = s->round[b];
	s->waits_at[g] = b;
	s->in_round[g] = s->round[b];
	if (++s->arrived[b] == s->p->cap[b]) {
		s->arrived[b] = 0;
		s->round[b]++;
	}
}

static void on_timer(struct sim *s, int g, int timer)
{
	if (!s->armed[timer]) {
		s->armed[timer] = true;
		put(s, ARM, g, -1, timer);
		return;
	}
	/* Goroutine 1 is the system: it fires and, while it acts, starts a goroutine or sends. */
	s->armed[timer] = false;
	put(s, FIRE, 1, -1, timer);
	if (percent(s, 60))
		do_spawn(s, 1);
	else
		for (int ch = 0; ch < s->p->n_objs; ch++)
			if (s->p->obj[ch] == CHAN && s->p->cap[ch])
				on_chan(s, 1, ch);
}

/* Any operation with any order that C11 has for it. A fence is no variable's, but comes where they are used. */
static void on_cell(struct sim *s, int g, int cell)
{
	static const enum kind kinds[] = {C_LOAD, C_LOAD, C_STORE, C_RMW, FENCE};
	enum kind kind = kinds[below(s, 5)];
	struct step *t = put(s, kind, g, -1, kind == FENCE ? -1 : cell);

	t->acq = kind != C_STORE && percent(s, 50);
	t->rel = kind != C_LOAD && percent(s, 50);
}

static void on_object(struct sim *s, int g)
{
	int o = below(s, s->p->n_objs);
	static const enum kind atomics[] = {RELEASE, STORE, ACQUIRE, ACQUIRE};

	switch (s->p->obj[o]) {
	case CHAN:
		on_chan(s, g, o);
		break;
	case MUTEX:
		on_mutex(s, g, o);
		break;
	case RWMUTEX:
		on_rwmutex(s, g, o);
		break;
	case WAITGROUP:
		on_waitgroup(s, g, o);
		break;
	case ONCE:
		put(s, s->done[o] ? ONCE_RETURN : ONCE_DONE, g, -1, o);
		s->done[o] = true;
		break;
	case ATOMIC:
		put(s, atomics[below(s, 4)], g, -1, o);
		break;
	case SEM:
		put(s, percent(s, 50) ? POST : TAKEN, g, -1, o);
		break;
	case BARRIER:
		on_barrier(s, g, o);
		break;
	case CELL:
		on_cell(s, g, o);
		break;
	case TIMER:
		on_timer(s, g, o);
		break;
	}
}

static void do_access(struct sim *s, int g)
{
	struct step *t = put(s, ACCESS, g, -1, -1);

	t->size = 1u << below(s, 4);
	t->addr = (unsigned)below(s, MEMORY - 16);
	if (percent(s, 85))
		t->addr &= ~(t->size - 1);
	t->write = percent(s, s->write_share);
	t->atomic = percent(s, s->atomic_share);
	if (t->atomic) /* of one size at one address, as atomics are */
		t->addr &= ~7u, t->size = 8;
}

static void objects(struct sim *s)
{
	struct program *p = s->p;

	add_object(p, CHAN, 0);
	add_object(p, CHAN, 1);
	add_object(p, CHAN, (size_t)below(s, 4));
	add_object(p, MUTEX, 0);
	add_object(p, RWMUTEX, 0);
	add_object(p, WAITGROUP, 0);
	add_object(p, ONCE, 0);
	add_object(p, ATOMIC, 0);
	add_object(p, SEM, 0);
	add_object(p, BARRIER, 2);
	add_object(p, CELL, 0);
	add_object(p, CELL, 0);
	add_object(p, TIMER, 0);
	for (int i = below(s, 6); i > 0; i--)
		add_object(p, (enum obj_kind)below(s, TIMER + 1), (size_t)below(s, 3));
	for (int o = 0; o < p->n_objs; o++) {
		s->owner[o] = -1;
		if (p->obj[o] == BARRIER && !p->cap[o])
			p->cap[o] = 3;
	}
}

void program_generate(struct program *p, uint64_t seed)
{
	static struct sim s;

	memset(&s, 0, sizeof s);
	memset(p, 0, sizeof *p);
	s.p = p;
	p->seed = s.random = seed;
	s.max_gs = 3 + (percent(&s, 10) ? below(&s, MAX_GS - 3) : below(&s, 12));
	s.wanted = percent(&s, 20) ? MAX_STEPS - 16 : 20 + below(&s, 200);
	s.access_share = 10 + (unsigned)below(&s, 60);
	s.write_share = (unsigned)below(&s, 80);
	s.atomic_share = percent(&s, 50) ? 0 : (unsigned)below(&s, 40);
	objects(&s);
	new_g(&s, GOROUTINE);
	new_g(&s, SYSTEM);
	while (p->n < s.wanted) {
		int g = another(&s, -1);

		if (g < 0)
			continue;
		if (percent(&s, s.access_share))
			do_access(&s, g);
		else if (percent(&s, 15))
			do_spawn(&s, g);
		else if (percent(&s, 8))
			do_end(&s, g);
		else if (percent(&s, 8))
			do_join(&s, g);
		else
			on_object(&s, g);
	}
}

void program_print(const struct program *p, int upto)
{
	static const char *const names[KINDS] = {
		"go",          "start",        "end",    "join",           "send",   "receive",
		"pair send",   "pair receive", "close",  "receive closed", "lock",   "unlock",
		"rlock",       "runlock",      "add",    "done",           "waited", "once done",
		"once return", "release",      "store",  "acquire",        "arm",    "fire",
		"post",        "taken",        "arrive", "passed",         "c load", "c store",
		"c rmw",       "fence",        "access",
	};

	for (int i = 0; i < p->n && i <= upto; i++) {
		const struct step *t = &p->step[i];

		printf("%4d  g%-3d %-15s", i, t->g, names[t->kind]);
		if (t->obj >= 0)
			printf(" object %d", t->obj);
		if (t->peer >= 0)
			printf(" g%d", t->peer);
		if (t->kind == SEND || t->kind == RECV)
			printf(" number %zu of capacity %zu", t->k, p->cap[t->obj]);
		if (t->kind == ARRIVE || t->kind == PASSED)
			printf(" round %zu of %zu parties", t->k, p->cap[t->obj]);
		if (t->kind >= C_LOAD && t->kind <= FENCE)
			printf(" %s%s", t->acq ? "acquire " : "", t->rel ? "release" : "");
		if (t->kind == ACCESS)
			printf(" %s%s [%u, %u)", t->atomic ? "atomic " : "", t->write ? "write" : "read",
			       t->addr, t->addr + t->size);
		putchar('\n');
	}
}
