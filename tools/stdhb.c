/* SPDX-License-Identifier: Apache-2.0
 *
 * stdhb.c: clocks for threads and locks, the accesses that still count for each variable.
 *
 * The rule for what counts is the detector's own (shadow.h; FastTrack, Flanagan and Freund, PLDI 2009): an access is
 * forgotten when a later one that is ordered after it conflicts with everything that it conflicts with: a read by any
 * later access, a write by a later write. Whatever then races with the forgotten one races with the later one, too. So
 * an event is found racing if and only if it is, and lists stay as short as there are unordered threads.
 *
 * A thread's epoch grows when others learn from it. Its entry in its own clock is its epoch, so that an access at
 * epoch e is ordered before whoever knows e or more of the thread.
 */
#include "stdhb.h"

#include "clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define INLINE 2 /* accesses of most variables */

struct stdhb_thread {
	struct gosan_clock clock; /* what it comes after */
	uint32_t epoch;           /* 0: not seen yet */
};

struct stdhb_lock {
	struct gosan_clock clock; /* of the last release */
	uint32_t by;              /* who released last, + 1: knows all of it */
};

/* An access that still counts. */
struct access {
	uint32_t thread, epoch; /* when */
	int32_t loc;            /* where */
	bool write;
};

struct stdhb_variable {
	uint32_t n, room; /* room 0: in few */
	union {
		struct access few[INLINE];
		struct access *many;
	};
};

/* Room for element `want` in an array that grows by doubling. New ones are zero, which is an empty clock, no releaser, no
 * access: the state that everything has before its first event. Numbers come in the order of appearance, so there are
 * no holes to speak of. */
static void *reserve(void *array, uint32_t *n, uint32_t want, size_t element)
{
	uint32_t room = *n ? *n : 64;

	if (want < *n)
		return array;
	while (room <= want)
		room *= 2;
	array = realloc(array, room * element);
	if (!array)
		abort(); /* as the arena does */
	memset((char *)array + *n * element, 0, (room - *n) * element);
	*n = room;
	return array;
}

/* A thread begins to exist with its first event, or with the fork that names it. Its own entry is 1 from then on, so that
 * nobody who never heard of it counts as ordered after it. */
static struct stdhb_thread *thread(struct stdhb *h, uint32_t number)
{
	h->threads = reserve(h->threads, &h->n_threads, number, sizeof *h->threads);

	struct stdhb_thread *t = &h->threads[number];
	if (!t->epoch) {
		t->epoch = 1;
		gosan_clock_own(&t->clock, number, 1);
	}
	return t;
}

/* What others know of t from now on does not cover what it does next. */
static void tick(struct stdhb_thread *t, uint32_t number)
{
	gosan_clock_own(&t->clock, number, ++t->epoch);
}

/* --- Races ------------------------------------------------------------------------------------------------ */

/* Locations are small numbers and operations two of them: each must reach the low bits, which choose the place. */
static uint64_t mix(const struct stdhb_race *r)
{
	uint64_t h = (uint64_t)(uint32_t)r->loc[0] << 32 | (uint32_t)r->loc[1];

	h = (h ^ (uint64_t)r->op[0] << 17 ^ (uint64_t)r->op[1] << 41) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

/* What makes two pairs one race. The variable does not: a loop over an array is one place in the program. */
static bool is_same(const struct stdhb_race *a, const struct stdhb_race *b)
{
	return a->loc[0] == b->loc[0] && a->loc[1] == b->loc[1] && a->op[0] == b->op[0] &&
	       a->op[1] == b->op[1];
}

/* The place in the table for r, which has a free place always: it is at most half full. */
static uint32_t *find(struct stdhb *h, const struct stdhb_race *r)
{
	for (uint64_t i = mix(r);; i++) {
		uint32_t *e = &h->table[i & (h->table_room - 1)];

		if (!*e || is_same(&h->races[*e - 1], r))
			return e;
	}
}

/* The table has numbers of races, so only it is made anew. */
static void rehash(struct stdhb *h)
{
	h->table_room = h->table_room ? 2 * h->table_room : 256;
	free(h->table);
	h->table = calloc(h->table_room, sizeof *h->table);
	if (!h->table)
		abort();
	for (uint32_t i = 0; i < h->n_races; i++)
		*find(h, &h->races[i]) = i + 1;
}

/* The pair's first example stays: a reader wants the place in the file where it begins. */
static void found(struct stdhb *h, const struct access *old, const struct std_event *ev)
{
	struct stdhb_race r = {
		.loc = {old->loc, ev->loc},
		.op = {old->write ? STD_WRITE : STD_READ, ev->op},
		.thread = {old->thread, ev->thread},
		.variable = ev->operand,
		.line = ev->line,
	};

	if (h->n_races >= h->table_room / 2)
		rehash(h);
	uint32_t *e = find(h, &r);
	if (!*e) {
		h->races = arena_grow(h->a, h->races, h->n_races, sizeof *h->races);
		h->races[h->n_races++] = r;
		*e = (uint32_t)h->n_races;
	}
	h->races[*e - 1].count++;
}

/* --- Events ----------------------------------------------------------------------------------------------- */

/* Most variables are owned by one thread at a time and have one write and one read that count: these lie in the variable
 * itself, and reading them costs no further miss of the cache. */
static struct access *accesses(struct stdhb_variable *v)
{
	return v->room ? v->many : v->few;
}

static void append(struct stdhb_variable *v, struct access a)
{
	if (v->n == (v->room ? v->room : INLINE)) {
		struct access *many = malloc(2 * v->n * sizeof *many);

		if (!many)
			abort();
		memcpy(many, accesses(v), v->n * sizeof *many);
		if (v->room)
			free(v->many);
		v->many = many;
		v->room = 2 * v->n;
	}
	accesses(v)[v->n++] = a;
}

/* One walk over what still counts does all: it finds the races, and drops what this access stands for from now on. A
 * thread's own accesses are ordered whatever its clock says, so its entry is not looked up. What was unordered stays
 * also after it was told: it races with what other threads do next, too. */
static void on_access(struct stdhb *h, const struct std_event *ev)
{
	struct stdhb_thread *t = thread(h, ev->thread);
	bool write = ev->op == STD_WRITE, racing = false;

	h->variables = reserve(h->variables, &h->n_variables, ev->operand, sizeof *h->variables);
	struct stdhb_variable *v = &h->variables[ev->operand];
	struct access *list = accesses(v);
	uint32_t kept = 0;
	for (uint32_t i = 0; i < v->n; i++) {
		struct access old = list[i];
		bool ordered =
			old.thread == ev->thread || gosan_clock_get(&t->clock, old.thread) >= old.epoch;

		if (!ordered && (write || old.write)) {
			found(h, &old, ev);
			racing = true;
		}
		if (!ordered || (old.write && !write))
			list[kept++] = old;
	}
	v->n = kept;
	append(v, (struct access){ev->thread, t->epoch, ev->loc, write});
	h->n_racing += racing;
}

/* Whoever released last knows what the lock says. A release replaces what the lock said before, as in RAPID: in a sound
 * recording the releaser acquired that, in another one an order is lost rather than invented. */
static void on_lock(struct stdhb *h, const struct std_event *ev)
{
	struct stdhb_thread *t = thread(h, ev->thread);

	h->locks = reserve(h->locks, &h->n_locks, ev->operand, sizeof *h->locks);
	struct stdhb_lock *l = &h->locks[ev->operand];
	if (ev->op == STD_ACQUIRE) {
		if (l->by && l->by != ev->thread + 1)
			gosan_clock_join(&t->clock, &l->clock);
		return;
	}
	gosan_clock_copy(&l->clock, &t->clock);
	l->by = ev->thread + 1;
	tick(t, ev->thread);
}

/* `from` happens before whatever `to` does from now on. */
static void order(struct stdhb *h, uint32_t from, uint32_t to)
{
	thread(h, from);
	thread(h, to);
	gosan_clock_join(&h->threads[to].clock, &h->threads[from].clock);
	tick(&h->threads[from], from);
}

int stdhb_event(struct stdhb *h, const struct std_event *ev)
{
	if (ev->thread > GOSAN_CID_MAX)
		return -E2BIG;
	h->n_events++;
	switch (ev->op) {
	case STD_READ:
	case STD_WRITE:
		on_access(h, ev);
		break;
	case STD_ACQUIRE:
	case STD_RELEASE:
		on_lock(h, ev);
		break;
	/* A thread that forks or joins itself says nothing. A fork after the first event of its thread orders the rest. */
	case STD_FORK:
	case STD_JOIN:
		if (ev->operand > GOSAN_CID_MAX)
			return -E2BIG;
		if (ev->operand != ev->thread)
			order(h, ev->op == STD_FORK ? ev->thread : ev->operand,
			      ev->op == STD_FORK ? ev->operand : ev->thread);
		break;
	case STD_BEGIN:
	case STD_END:
		break;
	}
	return 0;
}

/* Races are in the arena and stay; clocks share nodes, so each is given back by itself. */
void stdhb_free(struct stdhb *h)
{
	for (uint32_t i = 0; i < h->n_threads; i++)
		gosan_clock_clear(&h->threads[i].clock);
	for (uint32_t i = 0; i < h->n_locks; i++)
		gosan_clock_clear(&h->locks[i].clock);
	for (uint32_t i = 0; i < h->n_variables; i++)
		if (h->variables[i].room)
			free(h->variables[i].many);
	free(h->threads);
	free(h->locks);
	free(h->variables);
	free(h->table);
}
