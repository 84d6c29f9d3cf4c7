/* SPDX-License-Identifier: Apache-2.0
 *
 * engine.h: goroutines, synchronisation objects, events, and the one pass over them.
 *
 * Front ends call gosan_engine_event(); the engine takes the engine lock, lets every analyzer look
 * (before), applies the happens-before effect (hb.c), lets every analyzer look again (after), and
 * counts. The same pass serves a live program and, later, a recorded trace. The engine never calls
 * the program, and nothing in it knows where events come from.
 */
#ifndef GOSAN_ENGINE_H
#define GOSAN_ENGINE_H

#include "clock.h"

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
	GOSAN_OBJ_CHAN, GOSAN_OBJ_MUTEX, GOSAN_OBJ_RWMUTEX, GOSAN_OBJ_WAITGROUP, GOSAN_OBJ_ONCE,
	GOSAN_OBJ_COND, GOSAN_OBJ_CONTEXT, GOSAN_OBJ_TICKER, GOSAN_OBJ_TIMER, GOSAN_OBJ_SEM,
	GOSAN_OBJ_BARRIER, GOSAN_OBJ_FD, GOSAN_OBJ_ATOMIC, GOSAN_OBJ_OTHER,
};

#define GOSAN_HELD_MAX 64
#define GOSAN_WAIT_MAX 16

/* A lock that a goroutine holds. */
struct gosan_held {
	struct gosan_obj *obj;
	int mode;               /* enum go_lock_mode */
	uint32_t stack;         /* of the acquisition */
	struct gosan_stamp at;
};

/* What a parked goroutine waits for. */
struct gosan_wait {
	int why;                /* enum go_wait; 0: it runs or is runnable */
	uint32_t stack;
	struct gosan_stamp at;
	uint64_t since_ns;      /* CLOCK_MONOTONIC */
	size_t n;               /* how many on[] are valid; more than GOSAN_WAIT_MAX: truncated set */
	bool truncated;
	struct { struct gosan_obj *obj; int op; /* enum go_wait_op */ } on[GOSAN_WAIT_MAX];
};

/* A goroutine, a foreign thread, or the system on one thread. Never freed (reports name the dead);
 * its clocks are released at its end. */
struct gosan_g {
	/* ADMIN */
	struct gosan_g *next;            /* all goroutines, newest first: gosan_engine_all() */
	uint64_t id;                     /* goroutine id, or 0 for threads and the system */
	uint32_t tid;                    /* thread ordinal for threads, 0 for goroutines */
	bool is_thread, is_system, ended;
	/* HAPPENS-BEFORE: written under the engine lock, by itself or on its behalf while parked */
	uint32_t cid;
	uint32_t epoch;                  /* its own current epoch, >= 1 */
	struct gosan_clock strong;       /* all edges */
	struct gosan_clock weak;         /* without lock edges: schedule-independent order */
	/* BLOCKING */
	struct gosan_wait wait;
	size_t n_held;
	struct gosan_held held[GOSAN_HELD_MAX]; /* in order of acquisition */
	/* EXPOSITION */
	char name[32];
	const char *fn_name;
	struct gosan_g *parent;
	uint32_t created_stack;
	uint32_t last_stack;             /* stack of its last synchronisation event */
	uintptr_t stack_lo, stack_hi;
	/* MEMORY ACCESSES: owned by the tsan front end, touched by the running goroutine only */
	uint32_t ctx;                    /* current calling context (context.h) */
	uint32_t ctx_depth;
	void *access;
};

/* A synchronisation object. Freed never; `dead` when its memory was freed or reused. */
struct gosan_obj {
	uint32_t id;                     /* index into the object table; 0 is none */
	enum gosan_obj_kind kind;
	uintptr_t addr;
	uint64_t seq;                    /* number of events on it */
	bool dead;
	uint32_t created_stack;          /* make, or first use */
	uint64_t created_by;             /* goroutine id */
	/* HAPPENS-BEFORE (hb.c) */
	struct gosan_clock strong, weak; /* what a release left */
	struct gosan_clock r_strong;     /* rwmutex: readers' releases */
	struct gosan_clock *slots;       /* channel: [2 * cap], strong and weak per slot */
	size_t cap;
	bool closed;
	/* OWNERSHIP (engine.c keeps it from lock events) */
	struct gosan_g *owner;           /* writer, or NULL */
	size_t readers;
	/* ANALYZERS: one private word each, NULL at birth */
	void *wg, *lock, *chan, *cond, *res;
};

/* One event. The front end fills what event.def lists for op; zero the rest. */
struct gosan_event {
	enum gosan_op op;
	int mode;
	uint32_t stack;                  /* depot id; of g, also when another acts on its behalf */
	struct gosan_g *g;               /* who did it */
	struct gosan_g *peer;
	struct gosan_obj *obj, *obj2;
	int64_t arg, arg2;
	uintptr_t addr;
	size_t size;
	const char *text;                /* FAULT: the message */
	/* Set by the engine */
	struct gosan_stamp at;           /* g's stamp when the event began */
	uint64_t seq;                    /* number of this event on obj */
};

/* Why the end came: end() of the analyzers gets one. */
enum gosan_end { GOSAN_END_EXIT, GOSAN_END_STALL, GOSAN_END_TIMEOUT, GOSAN_END_CRASH };

/* A plug-in. All callbacks run under the engine lock; each may be NULL. Analyzers never print; they
 * call gosan_finding_emit (finding.h). */
struct gosan_analyzer {
	const char *check;               /* name in --checks */
	void (*before)(const struct gosan_event *ev);
	void (*after)(const struct gosan_event *ev);
	void (*end)(enum gosan_end why); /* once, when the run is over: judge what is still open */
};
extern const struct gosan_analyzer gosan_analyze_waitgroup, gosan_analyze_lockorder,
	gosan_analyze_lock, gosan_analyze_channel, gosan_analyze_block, gosan_analyze_resource;

/* Counters live in a MAP_SHARED page, so that they survive the process. X(name, "text") */
#define GOSAN_COUNTERS(X) \
	X(events, "synchronisation events") X(accesses, "memory accesses") X(lost, "events lost") \
	X(goroutines, "goroutines") X(threads, "threads") X(stacks_lost, "stacks lost") \
	X(clock_lost, "clock entries lost") X(shadow_lost, "accesses not remembered") \
	X(cid_lost, "goroutines without a chain of their own") X(held_lost, "held locks not remembered") \
	X(findings, "findings emitted") X(findings_lost, "findings not written")
struct gosan_counters {
#define X(name, text) uint64_t name;
	GOSAN_COUNTERS(X)
#undef X
};
extern struct gosan_counters *gosan_counters; /* never NULL */
#define GOSAN_COUNT(name) __atomic_fetch_add(&gosan_counters->name, 1, __ATOMIC_RELAXED)

/* The running goroutine (or thread, or system context) of this OS thread. Never NULL once
 * gosan_engine_init ran; a thread that nobody announced gets a context at its first hook. */
extern __thread struct gosan_g *gosan_self __attribute__((tls_model("initial-exec")));
struct gosan_g *gosan_engine_self(void);

int gosan_engine_init(void);
/* Lock-free reads outside, everything else inside. Not recursive. */
void gosan_engine_lock(void);
void gosan_engine_unlock(void);

/* Takes the engine lock. */
void gosan_engine_event(struct gosan_event *ev);
/* All analyzers' end(); idempotent. Takes the engine lock. */
void gosan_engine_end(enum gosan_end why);

/* New goroutine, thread or system context. parent NULL: no edge in. Takes the lock. The G_SPAWN event
 * is the caller's to send (it makes the edge). */
struct gosan_g *gosan_engine_new_g(uint64_t id, bool is_thread);
struct gosan_g *gosan_engine_all(void);              /* head of the list; under the lock */

/* The object with this id word at addr (first member of every runtime object), created when the word
 * is 0. An id that belongs to another, living address is a copy: *ret_copied_from gets the original
 * (may be NULL if not wanted) and a new object is made. Takes the lock. */
struct gosan_obj *gosan_engine_object(uint32_t *id_word, enum gosan_obj_kind kind,
                                      struct gosan_obj **ret_copied_from);
/* The object for an address that has no id word (pthread objects, descriptors, atomics, timers). */
struct gosan_obj *gosan_engine_object_at(uintptr_t addr, enum gosan_obj_kind kind);
/* Look up only; NULL when unknown. Under the lock. */
struct gosan_obj *gosan_engine_find(uintptr_t addr, enum gosan_obj_kind kind);
/* Under the lock: call fn for each living object whose addr is in [lo, hi). */
void gosan_engine_each_object(uintptr_t lo, uintptr_t hi, void (*fn)(struct gosan_obj *, void *), void *arg);
/* Under the lock: mark every object in [lo, hi) dead and forget its address (free, munmap, stack). */
void gosan_engine_forget(uintptr_t lo, uintptr_t hi);

/* The stamp of g now. */
static inline struct gosan_stamp gosan_stamp_of(const struct gosan_g *g)
{
	return (struct gosan_stamp){ g->cid, g->epoch };
}

/* hb.c: apply ev's happens-before effect. Under the lock. */
void gosan_hb_apply(const struct gosan_event *ev);
/* hb.c: the last event that ordered a before b: text like "go statement", its stack; 0 if none known. */
const char *gosan_hb_last_common(const struct gosan_g *a, const struct gosan_g *b, uint32_t *ret_stack);

#endif
