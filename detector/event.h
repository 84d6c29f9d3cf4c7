/* SPDX-License-Identifier: Apache-2.0
 *
 * event.h: the nouns of the engine: synchronisation object and event (the goroutine is in actor.h). What is done with
 * them is in engine.h. Fields are grouped by who keeps them; all are written under the engine lock unless a group
 * says otherwise.
 */
#ifndef GOSAN_EVENT_H
#define GOSAN_EVENT_H

#include "actor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gosan_op {
#define X(name, text, effect) GOSAN_EV_##name,
#include "event.def"
#undef X
	GOSAN_EV_COUNT
};

enum gosan_obj_kind {
	GOSAN_OBJ_CHAN,
	GOSAN_OBJ_MUTEX,
	GOSAN_OBJ_RWMUTEX,
	GOSAN_OBJ_WAITGROUP,
	GOSAN_OBJ_ONCE,
	GOSAN_OBJ_COND,
	GOSAN_OBJ_CONTEXT,
	GOSAN_OBJ_TICKER,
	GOSAN_OBJ_TIMER,
	GOSAN_OBJ_SEM,
	GOSAN_OBJ_BARRIER,
	GOSAN_OBJ_FD,
	GOSAN_OBJ_ATOMIC,
	GOSAN_OBJ_OTHER,
	GOSAN_OBJ_SPIN,
};

/* What a thread's object is like. Goroutines' have none of these: anybody may unlock their locks. */
enum gosan_obj_flag {
	GOSAN_OBJ_OWNED = 1,          /* a lock that only its owner may give back */
	GOSAN_OBJ_RECURSIVE = 2,      /* its owner may take it again: only the outermost pair sends events */
	GOSAN_OBJ_ERRORCHECK = 4,     /* misuse is refused with an error that the program sees */
	GOSAN_OBJ_ROBUST = 8,         /* the death of its owner is told to the next one */
	GOSAN_OBJ_SHARED = 16,        /* other processes may act on it: nothing follows from absence */
	GOSAN_OBJ_WRITERS_FIRST = 32, /* rwlock: a queued writer keeps new readers out */
};

/* Lock modes beside enum go_lock_mode, or-ed in. */
enum gosan_lock_mode {
	GOSAN_LOCK_TIMED = 4, /* the wait for it ends by itself */
	GOSAN_LOCK_DIED = 8,  /* acquired from an owner who died with it (robust) */
};

/* Mode of COND_WAITED: its time was up, or the thread was cancelled. */
#define GOSAN_NOT_WOKEN 1

/* Why a thread is parked, beside enum go_wait. */
enum gosan_wait_why { GOSAN_WAIT_SEM = 32, GOSAN_WAIT_BARRIER, GOSAN_WAIT_JOIN };

/* Misuse that a thread's front end saw, beside enum go_fault. */
enum gosan_fault {
	GOSAN_FAULT_UNLOCK_BY_OTHER = 64, /* peer = the owner, if known; arg2 = errno of the refusal or 0 */
	GOSAN_FAULT_LOCK_OF_LOCKED,       /* announced as taken while peer holds it for writing */
	GOSAN_FAULT_USE_OF_DEAD, /* no object any more, or none yet; text: the use; peer, arg2: who destroyed it, and
					   the stack, if known */
};

/* A place in a channel's buffer: what the last send or receive through it left. */
struct gosan_slot {
	struct gosan_clock strong, weak;
	struct gosan_stamp at;
	const struct gosan_g *from;
};

/* A synchronisation object. Freed never; `dead` when its memory was freed or reused.
 * Aligned: neighbours in memory are mostly other goroutines' locks. */
struct gosan_obj {
	uint32_t id; /* index into the object table; 0 is none */
	enum gosan_obj_kind kind;
	uintptr_t addr;
	uint64_t seq; /* number of events on it */
	bool dead;
	uint32_t created_stack; /* make, or first use */
	uint64_t created_by;    /* goroutine id */
	/* HAPPENS-BEFORE (hb.c) */
	struct gosan_clock strong, weak;    /* what a release left */
	struct gosan_clock r_strong;        /* rwmutex: readers' releases */
	struct gosan_clock seen, seen_weak; /* what was merged last: strong (r_strong) and weak cover it */
	struct gosan_stamp at;      /* strong and weak are exactly what was released then; 0: a merge */
	const struct gosan_g *from; /* who released last, and where: exposition */
	uint32_t release_stack;
	char bit; /* a leaf lock over clocks, owner, readers and seq of kinds that have a short way */
	struct gosan_slot *slots; /* channel: [cap] */
	size_t cap;
	bool closed;
	bool counted;   /* count is known: OBJ_INIT was seen */
	uint32_t count; /* first value of a semaphore, number of threads of a barrier */
	uint32_t gifts; /* semaphore: posts by those who had not taken a token: how often its value grew */
	uint32_t wakes; /* condition: wakes sent whose waiter did not say yet that it woke */
	bool woken;     /* condition: the first wake was seen */
	unsigned flags; /* enum gosan_obj_flag; the front end sets them before the first event */
	struct gosan_obj *link; /* object.c */
	/* OWNERSHIP (engine.c keeps it from lock events) */
	struct gosan_g *owner; /* writer, or NULL */
	size_t readers;
	bool crossed; /* a running reader's lock was given back by another: no entry for reading counts any more */
	/* ANALYZERS: one private word each, NULL at birth */
	void *wg, *lock, *chan, *cond, *res;
	void *use;     /* analyze/waits.c: who uses it */
	void *handoff; /* analyze/handoff.c, of conditions */
} __attribute__((aligned(64)));

/* One event. The front end fills what event.def lists for op; zero the rest. */
struct gosan_event {
	enum gosan_op op;
	int mode;
	uint32_t stack;    /* depot id; of g, also when another acts on its behalf */
	struct gosan_g *g; /* who did it */
	struct gosan_g *peer;
	struct gosan_obj *obj, *obj2;
	int64_t arg, arg2;
	uintptr_t addr;
	size_t size;
	const char *text; /* FAULT: the message */
	/* Set by the engine */
	struct gosan_stamp at; /* g's stamp when the event began */
	uint64_t seq;          /* number of this event on obj */
};

/* The stamp of g now. */
static inline struct gosan_stamp gosan_stamp_of(const struct gosan_g *g)
{
	return (struct gosan_stamp){g->cid, g->epoch};
}

#endif
