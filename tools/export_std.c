/* SPDX-License-Identifier: Apache-2.0
 *
 * export_std.c: a recording as RAPID's STD text format (std.h): the same happens-before order, the same accesses.
 *
 *	recording				STD
 *	go statement, pthread_create		g1|fork(g2)
 *	pthread_join				t1|join(t2)
 *	lock, unlock of a mutex			g2|acq(L5)   g2|rel(L5)
 *	send over a channel, receive		g2|acq(E1) g2|w(V1) g2|rel(E1)   g1|acq(E1) g1|r(V1) g1|rel(E1)
 *	4 bytes written at 0x1000		g2|w(x1000.0)
 *
 * Go statements, creations and joins of threads are fork and join, mutexes are locks; what every other object does to the
 * order is hb.c's and atomic.c's rules over lists of releases (stdedges.h) instead of clocks. Locations are numbers of
 * program counters, in the order of their appearance.
 *
 * The system's context on a thread is a new thread of STD each time it begins to act, as it forgets then what it knew.
 * What it did itself is still before what it does next; so it hands that on by an edge, if it accessed memory, which may
 * order a little more than the engine does: this can hide a race, and invents none. Neither does anything else here.
 */
#include "access.h"
#include "atomic.h"
#include "stdedges.h"
#include "stdmem.h"
#include "stdrows.h"
#include "tracewords.h"

#include "../runtime/probe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A thread of STD. */
struct thread {
	uint32_t actor;               /* its row in the recording */
	const char *name;             /* "g7", "t2", "s5.0" */
	bool accessed;                /* memory, so that its order matters */
	struct stdedges_list pending; /* read by relaxed loads, for an acquire fence */
	struct stdedges_token fence;  /* the last release fence */
};

/* What a synchronisation object has to tell. */
struct sync {
	struct stdedges_list strong;  /* releases that whoever acquires it comes after */
	struct stdedges_list readers; /* of a lock: releases of readers, which only writers come after */
	uint32_t n_slots;             /* slots that were used, at least */
	struct stdedges_list *slots;  /* of a channel */
	uint32_t owner;               /* thread + 1; native locks */
};

/* The state of one export. Objects and goroutines have tables by their rows; the rest is keyed by address. */
struct std_export {
	struct export_job *x;
	struct stdedges *edges;
	struct stdmem *mem;
	size_t n_actors, n_syncs; /* rooms of the tables below */
	uint32_t *thread_of;      /* by actor: + 1 */
	uint32_t *ages;           /* by actor: how many threads it was before */
	uint32_t n_threads;
	struct thread *threads;
	struct sync *syncs;       /* by object */
	struct stdrows atomics;   /* variables: what was released through them */
	struct stdrows blocks;    /* of the heap: their sizes */
	struct stdrows locations; /* program counters: their numbers */
	struct stdrows benign;    /* bytes: whether races on them are meant */
	int64_t loc;              /* of the event at hand */
};

/* --- Threads and locations -------------------------------------------------------------------------------- */

/* For stdedges.c, which knows threads by number only. */
static const char *thread_name(void *arg, uint32_t thread)
{
	return ((struct std_export *)arg)->threads[thread].name;
}

/* Ids of goroutines and ordinals of threads are unique in a recording; a context of the system gets the number of its
 * row and counts its lives. */
static uint32_t new_thread(struct std_export *s, uint32_t actor)
{
	const struct gosan_trace_actor *row = trace_actor(s->x->t, actor);
	bool system = !row || row->flags & GOSAN_TRACE_SYSTEM;
	struct thread t = {.actor = actor};

	if (system)
		t.name = arena_printf(s->x->a, "s%u.%u", actor, s->ages[actor]++);
	else
		t.name = row->id ? arena_printf(s->x->a, "g%" PRIu64, row->id)
				 : arena_printf(s->x->a, "t%u", row->tid);
	s->threads = arena_grow(s->x->a, s->threads, s->n_threads, sizeof *s->threads);
	s->threads[s->n_threads++] = t;
	s->thread_of[actor] = s->n_threads;
	return s->n_threads - 1;
}

/* Row 0 is nobody's: it stands for whoever has no row, as in a damaged recording. */
static uint32_t thread_of(struct std_export *s, uint32_t actor)
{
	if (actor >= s->n_actors)
		actor = 0;
	return s->thread_of[actor] ? s->thread_of[actor] - 1 : new_thread(s, actor);
}

/* The program counter of the event is all that a location is. */
static int64_t location(struct std_export *s, const struct gosan_trace_rec *r)
{
	uintptr_t pc = 0;
	size_t n = !r->stack                    ? 0
		   : tracewords_is_place(r->op) ? trace_place(s->x->t, r->stack, &pc, 1)
						: trace_stack(s->x->t, r->stack, &pc, 1);

	if (!n)
		return 0;
	struct stdrow *row = stdrows_add(&s->locations, pc);
	if (!row->value)
		row->value = s->locations.n;
	return (int64_t)row->value;
}

/* "fork(t2)", "acq(L7)": the operand is a name or, without one, the number of a lock. */
static void line(struct std_export *s, uint32_t thread, const char *op, const char *name, uint32_t lock)
{
	const char *who = s->threads[thread].name;

	if (name)
		fprintf(s->x->out, "%s|%s(%s)|%" PRId64 "\n", who, op, name, s->loc);
	else
		fprintf(s->x->out, "%s|%s(L%u)|%" PRId64 "\n", who, op, lock, s->loc);
	s->x->n++;
}

/* --- Memory ----------------------------------------------------------------------------------------------- */

/* Races in benign memory are not told. A range has few bytes; each has a count. */
static void benign(struct std_export *s, const struct gosan_trace_rec *r, bool yes)
{
	for (uint64_t i = 0; i < r->size && i < 4096; i++)
		stdrows_add(&s->benign, r->addr + i)->value = yes;
}

/* Where an access begins decides, as in the engine's own question. */
static bool is_benign(const struct std_export *s, const struct gosan_trace_rec *r)
{
	const struct stdrow *row = s->benign.n ? stdrows_find(&s->benign, r->addr) : NULL;

	return row && row->value;
}

struct access {
	struct std_export *s;
	uint32_t thread;
	bool write, atomic;
};

/* The variables of a part are called by its address and age, and those of atomic writers by the goroutine as well
 * (stdmem.c has the table of who touches which). */
static void write_part(const struct stdmem_part *p, void *arg)
{
	const struct access *a = arg;
	FILE *out = a->s->x->out;
	const char *who = a->s->threads[a->thread].name;

	fprintf(out, "%s|%c(x%" PRIx64 ".%u)|%" PRId64 "\n", who, a->write && !a->atomic ? 'w' : 'r', p->addr,
		p->age, a->s->loc);
	for (uint32_t i = 0; i < p->n_writers; i++)
		fprintf(out, "%s|%c(x%" PRIx64 ".%u.%u)|%" PRId64 "\n", who, a->write ? 'w' : 'r', p->addr,
			p->age, p->writers[i], a->s->loc);
	a->s->x->n += 1 + p->n_writers;
}

static void memory(struct std_export *s, const struct gosan_trace_rec *r, uint32_t thread)
{
	struct access a = {s, thread, r->mode & GOSAN_WRITE, r->mode & GOSAN_ATOMIC};
	struct stdrow *block;

	switch (r->op) {
	case GOSAN_TRACE_ACCESS:
		if (is_benign(s, r))
			return;
		s->threads[thread].accessed = true;
		stdmem_each(s->mem, r->addr, r->size, a.write, a.atomic, &s->threads[thread].actor,
			    write_part, &a);
		return;
	case GOSAN_TRACE_ALLOC:
		stdrows_add(&s->blocks, r->addr)->value = r->size;
		stdmem_forget(s->mem, r->addr, r->size);
		return;
	case GOSAN_TRACE_DIES: /* whoever uses the block and is not ordered before is a race */
		block = stdrows_find(&s->blocks, r->addr);
		a.write = true;
		a.atomic = false;
		if (block)
			stdmem_each(s->mem, r->addr, block->value, true, false, NULL, write_part, &a);
		return;
	case GOSAN_TRACE_DROP:
		block = stdrows_find(&s->blocks, r->addr);
		if (block)
			block->value = 0;
		return;
	case GOSAN_TRACE_FORGET:
		stdmem_forget(s->mem, r->addr, r->size);
		return;
	case GOSAN_TRACE_BENIGN:
	case GOSAN_TRACE_BENIGN_FORGET:
		benign(s, r, r->op == GOSAN_TRACE_BENIGN);
		return;
	}
}

/* --- Atomics ---------------------------------------------------------------------------------------------- */

static bool acquires(int mo)
{
	return mo == GOSAN_MO_CONSUME || mo == GOSAN_MO_ACQUIRE || mo == GOSAN_MO_ACQ_REL ||
	       mo == GOSAN_MO_SEQ_CST;
}

static bool releases(int mo)
{
	return mo == GOSAN_MO_RELEASE || mo == GOSAN_MO_ACQ_REL || mo == GOSAN_MO_SEQ_CST;
}

/* An acquire takes what the variable has to tell; a relaxed load keeps it for an acquire fence to come. A variable that
 * nobody released through has nothing. */
static void load(struct std_export *s, const struct gosan_trace_rec *r, uint32_t thread)
{
	const struct stdrow *atom = stdrows_find(&s->atomics, r->addr);

	if (!atom)
		return;
	if (acquires(r->mode & 0xff))
		stdedges_acquire(s->edges, thread, &atom->list, s->loc);
	else
		stdedges_merge_all(s->edges, &s->threads[thread].pending, &atom->list);
}

/* As gosan_atomic_stored: a release publishes, or else an earlier release fence does; a store begins anew, a
 * read-modify-write goes on. */
static void store(struct std_export *s, const struct gosan_trace_rec *r, uint32_t thread)
{
	struct stdedges_token t = s->threads[thread].fence;
	struct stdrow *atom = stdrows_add(&s->atomics, r->addr);

	if (releases(r->mode & 0xff))
		t = stdedges_release(s->edges, thread, s->loc);
	if (!t.number && !r->arg)
		atom->list.n = 0;
	else if (t.number && r->arg)
		stdedges_merge(s->edges, &atom->list, t);
	else if (t.number)
		stdedges_store(s->edges, &atom->list, t);
}

/* Acquire before release: a fence that is both publishes what it acquired. What is pending stays so, for the next one. */
static void fence(struct std_export *s, const struct gosan_trace_rec *r, uint32_t thread)
{
	if (acquires(r->mode & 0xff))
		stdedges_acquire(s->edges, thread, &s->threads[thread].pending, s->loc);
	if (releases(r->mode & 0xff))
		s->threads[thread].fence = stdedges_release(s->edges, thread, s->loc);
}

/* The smaller of the two is walked, the table or the range: a freed arena may have gigabytes. */
static void forget_atomics(struct std_export *s, const struct gosan_trace_rec *r)
{
	for (uint64_t i = 0; i < s->atomics.room && r->size > s->atomics.room; i++) {
		struct stdrow *row = &s->atomics.row[i];

		if (row->key > r->addr && row->key - 1 < r->addr + r->size)
			row->list.n = 0;
	}
	for (uint64_t i = 0; i < r->size && r->size <= s->atomics.room; i++) {
		struct stdrow *row = stdrows_find(&s->atomics, r->addr + i);

		if (row)
			row->list.n = 0;
	}
}

/* --- Objects ---------------------------------------------------------------------------------------------- */

/* A lock of STD is a mutex: one owner, and a release that replaces. Locks for reading are none. */
static bool is_native(const struct std_export *s, uint32_t obj)
{
	const struct gosan_trace_object *row = trace_object(s->x->t, obj);

	return row && (row->kind == GOSAN_OBJ_MUTEX || row->kind == GOSAN_OBJ_SPIN);
}

/* Whoever unlocks without being the owner (Go allows it) may know less than the lock, which then still is after all
 * former unlocks. */
static void native_lock(struct std_export *s, uint32_t obj, uint32_t thread, bool acquire)
{
	struct sync *y = &s->syncs[obj];

	if (acquire || y->owner != thread + 1)
		line(s, thread, "acq", NULL, obj);
	if (!acquire)
		line(s, thread, "rel", NULL, obj);
	y->owner = acquire ? thread + 1 : 0;
}

/* Not native: a writer comes after all unlocks, and moves the readers' releases to the writers' (gosan_hb_lock); a reader
 * comes after the writers' only. */
static void lock(struct std_export *s, uint32_t obj, uint32_t thread, bool read)
{
	struct sync *y = &s->syncs[obj];

	if (is_native(s, obj)) {
		native_lock(s, obj, thread, true);
		return;
	}
	if (!read) {
		stdedges_merge_all(s->edges, &y->strong, &y->readers);
		y->readers.n = 0;
		y->owner = thread + 1;
	}
	stdedges_acquire(s->edges, thread, &y->strong, s->loc);
}

/* The owner acquired what the lock has to tell, so its release stands for all; a reader's is one of many. */
static void unlock(struct std_export *s, uint32_t obj, uint32_t thread, bool read)
{
	struct sync *y = &s->syncs[obj];

	if (is_native(s, obj)) {
		native_lock(s, obj, thread, false);
		return;
	}
	struct stdedges_token t = stdedges_release(s->edges, thread, s->loc);
	if (read)
		stdedges_merge(s->edges, &y->readers, t);
	else if (y->owner == thread + 1)
		stdedges_store(s->edges, &y->strong, t);
	else
		stdedges_merge(s->edges, &y->strong, t);
	if (!read)
		y->owner = 0;
}

/* The effects REL and ACQ of event.def. */
static void release(struct std_export *s, uint32_t obj, uint32_t thread)
{
	stdedges_merge(s->edges, &s->syncs[obj].strong, stdedges_release(s->edges, thread, s->loc));
}

static void acquire(struct std_export *s, uint32_t obj, uint32_t thread)
{
	stdedges_acquire(s->edges, thread, &s->syncs[obj].strong, s->loc);
}

/* A send or a receive acquires what its slot has and leaves its own. */
static void pass_slot(struct std_export *s, const struct gosan_trace_rec *r, uint32_t thread)
{
	struct sync *y = &s->syncs[r->obj];

	if (r->arg < 0 || r->arg > INT64_C(1) << 24)
		return;
	if (r->arg >= y->n_slots) {
		uint32_t n = (uint32_t)r->arg + 1 + y->n_slots;
		struct stdedges_list *slots = arena_alloc(s->x->a, n * sizeof *slots);

		if (y->n_slots)
			memcpy(slots, y->slots, y->n_slots * sizeof *slots);
		y->slots = slots;
		y->n_slots = n;
	}
	stdedges_acquire(s->edges, thread, &y->slots[r->arg], s->loc);
	stdedges_store(s->edges, &y->slots[r->arg], stdedges_release(s->edges, thread, s->loc));
}

/* Unbuffered: each side comes after what the other did before. Both releases first, or the second would tell what it
 * just learned. */
static void rendezvous(struct std_export *s, uint32_t sender, uint32_t receiver)
{
	struct stdedges_token a = stdedges_release(s->edges, sender, s->loc);
	struct stdedges_token b = stdedges_release(s->edges, receiver, s->loc);

	stdedges_acquire(s->edges, receiver, &(struct stdedges_list){.n = 1, .token = &a}, s->loc);
	stdedges_acquire(s->edges, sender, &(struct stdedges_list){.n = 1, .token = &b}, s->loc);
}

/* hb.c's table. Events without an effect there have none here; a fork of a thread that has events already orders what it
 * does from then on. */
static void event(struct std_export *s, const struct gosan_trace_rec *r, uint32_t thread)
{
	enum gosan_op op = (enum gosan_op)(r->op - GOSAN_TRACE_EVENT);
	uint32_t peer = r->peer ? thread_of(s, r->peer) : thread;

	switch ((int)op) {
	case GOSAN_EV_G_SPAWN:
	case GOSAN_EV_G_JOIN:
		if (peer != thread)
			line(s, thread, op == GOSAN_EV_G_SPAWN ? "fork" : "join", s->threads[peer].name, 0);
		return;
	case GOSAN_EV_CHAN_SEND:
	case GOSAN_EV_CHAN_RECV:
		pass_slot(s, r, thread);
		return;
	case GOSAN_EV_CHAN_PAIR:
		rendezvous(s, thread, peer);
		return;
	case GOSAN_EV_LOCK_ACQUIRE:
	case GOSAN_EV_LOCK_RELEASE:
		(op == GOSAN_EV_LOCK_ACQUIRE ? lock : unlock)(s, r->obj, thread, r->mode & GO_LOCK_READ);
		return;
	case GOSAN_EV_WG_ADD:
		if (r->arg < 0)
			release(s, r->obj, thread);
		return;
	case GOSAN_EV_CHAN_CLOSE:
	case GOSAN_EV_ONCE_DONE:
	case GOSAN_EV_SEM_POST:
	case GOSAN_EV_BARRIER_WAIT:
	case GOSAN_EV_HB_RELEASE:
		release(s, r->obj, thread);
		return;
	case GOSAN_EV_HB_RELEASE_STORE:
		stdedges_store(s->edges, &s->syncs[r->obj].strong,
			       stdedges_release(s->edges, thread, s->loc));
		return;
	case GOSAN_EV_CHAN_RECV_CLOSED:
	case GOSAN_EV_WG_WAITED:
	case GOSAN_EV_ONCE_RETURN:
	case GOSAN_EV_SEM_WAITED:
	case GOSAN_EV_BARRIER_PASSED:
	case GOSAN_EV_HB_ACQUIRE:
		acquire(s, r->obj, thread);
		return;
	}
}

/* --- Records ---------------------------------------------------------------------------------------------- */

/* It knows what its timer knows, and nothing else (gosan_hb_system_begin). */
static void begin_system(struct std_export *s, const struct gosan_trace_rec *r)
{
	uint32_t old = s->thread_of[r->peer], now = new_thread(s, r->peer);

	if (old && s->threads[old - 1].accessed) {
		struct stdedges_token t = stdedges_release(s->edges, old - 1, s->loc);

		stdedges_acquire(s->edges, now, &(struct stdedges_list){.n = 1, .token = &t}, s->loc);
		s->threads[now].accessed = true;
	}
	if (r->obj)
		acquire(s, r->obj, now);
}

/* Something is missing before this: whoever goes on may know anything. */
static void bridge(struct std_export *s, uint32_t thread)
{
	for (uint32_t i = 0; i < s->n_threads; i++)
		if (i != thread)
			line(s, thread, "join", s->threads[i].name, 0);
}

/* The short ways of locks have records of their own, with the same effect as the events. */
static void record(struct std_export *s, const struct trace_event *e)
{
	const struct gosan_trace_rec *r = &e->rec;
	uint32_t thread = thread_of(s, e->g);

	s->loc = location(s, r);
	if (e->gap)
		bridge(s, thread);
	if (r->op >= GOSAN_TRACE_EVENT) {
		event(s, r, thread);
		return;
	}
	if (r->op >= GOSAN_TRACE_ACCESS && r->op <= GOSAN_TRACE_BENIGN_FORGET &&
	    r->op != GOSAN_TRACE_ATOMIC_FORGET) {
		memory(s, r, thread);
		return;
	}
	switch (r->op) {
	case GOSAN_TRACE_SYSTEM_BEGIN:
		if (r->peer)
			begin_system(s, r);
		return;
	case GOSAN_TRACE_ACQUIRE:
	case GOSAN_TRACE_TAKE:
	case GOSAN_TRACE_HELD:
		lock(s, r->obj, thread, r->mode & GO_LOCK_READ);
		return;
	case GOSAN_TRACE_RELEASE:
		unlock(s, r->obj, thread, r->mode & GO_LOCK_READ);
		return;
	case GOSAN_TRACE_POST:
		release(s, r->obj, thread);
		return;
	case GOSAN_TRACE_WAIT:
		acquire(s, r->obj, thread);
		return;
	case GOSAN_TRACE_LOAD:
		load(s, r, thread);
		return;
	case GOSAN_TRACE_STORE:
		store(s, r, thread);
		return;
	case GOSAN_TRACE_FENCE:
		fence(s, r, thread);
		return;
	case GOSAN_TRACE_ATOMIC_FORGET:
		forget_atomics(s, r);
		return;
	}
}

/* A thread-local variable of the thread that ran whoever accessed it: the recorder's answer to a question of the race
 * analyzer. */
static bool is_own_tls(const struct trace *t)
{
	int question;
	bool yes;

	for (size_t i = 0; trace_answer(t, i, &question, &yes); i++)
		if (question == GOSAN_TRACE_OWN_TLS && yes)
			return true;
	return false;
}

/* Where every access begins and ends, before the first is written; and how many objects there are. */
static int first_pass(struct std_export *s)
{
	struct trace_event e;
	bool fits = true;

	s->n_syncs = 1;
	while (fits && trace_next(s->x->t, &e) > 0) {
		const struct gosan_trace_rec *r = &e.rec;

		s->n_syncs = r->obj < s->n_syncs ? s->n_syncs : r->obj + (size_t)1;
		if (r->op != GOSAN_TRACE_ACCESS)
			continue;
		fits = stdmem_note(s->mem, r->addr, r->size, r->mode & GOSAN_WRITE, r->mode & GOSAN_ATOMIC,
				   e.g);
		if (is_own_tls(s->x->t))
			stdmem_ignore(s->mem, r->addr, r->size);
	}
	trace_rewind(s->x->t);
	return fits ? 0 : -E2BIG;
}

static int by_number(const void *a, const void *b)
{
	const struct stdrow *x = a, *y = b;

	return (x->value > y->value) - (x->value < y->value);
}

/* NUMBER, FUNCTION, PLACE, with tabs between. */
static void write_locations(struct std_export *s)
{
	struct tracewords *w = tracewords_new(s->x->a, s->x->t);
	size_t n = 0;

	for (uint64_t i = 0; i < s->locations.room; i++)
		if (s->locations.row[i].key)
			s->locations.row[n++] = s->locations.row[i];
	if (n)
		qsort(s->locations.row, n, sizeof *s->locations.row, by_number);
	for (size_t i = 0; i < n; i++)
		fprintf(s->x->locations, "%" PRIu64 "\t%s\n", s->locations.row[i].value,
			tracewords_pc(w, s->locations.row[i].key - 1));
	tracewords_free(w);
}

int export_std(struct export_job *x, char *err, size_t err_size)
{
	uint64_t most = x->most_memory ? x->most_memory : STDMEM_MOST;
	struct std_export s = {.x = x, .mem = stdmem_new(x->a, most), .n_actors = trace_actor_room(x->t) + 1};
	struct trace_event e;
	int rc = first_pass(&s);

	if (rc != 0) {
		snprintf(err, err_size,
			 "accesses to more than %" PRIu64
			 " MiB of memory: too much for variables of eight bytes",
			 most >> 20);
		stdmem_free(s.mem);
		return rc;
	}
	s.edges = stdedges_new(x, thread_name, &s);
	s.thread_of = arena_alloc(x->a, s.n_actors * sizeof *s.thread_of);
	s.ages = arena_alloc(x->a, s.n_actors * sizeof *s.ages);
	s.syncs = arena_alloc(x->a, s.n_syncs * sizeof *s.syncs);
	while (trace_next(x->t, &e) > 0)
		record(&s, &e);
	if (x->locations)
		write_locations(&s);
	stdmem_free(s.mem);
	free(s.atomics.row);
	free(s.blocks.row);
	free(s.locations.row);
	free(s.benign.row);
	return 0;
}
