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

#include "event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Why the end came: end() of the analyzers gets one. */
enum gosan_end { GOSAN_END_EXIT, GOSAN_END_STALL, GOSAN_END_TIMEOUT, GOSAN_END_CRASH };

/* A plug-in. All callbacks run under the engine lock; each may be NULL. Analyzers never print; they
 * call gosan_finding_emit (finding.h). */
struct gosan_analyzer {
	const char *check; /* name in --checks */
	/* Which events it looks at; NULL: all. Asked once. Say yes to what you don't know. */
	bool (*wants)(enum gosan_op op);
	/* Which of them after() looks at; NULL: the same. */
	bool (*wants_after)(enum gosan_op op);
	void (*before)(const struct gosan_event *ev);
	void (*after)(const struct gosan_event *ev);
	void (*end)(enum gosan_end why); /* once, when the run is over: judge what is still open */
	void (*reap)(void); /* now and then: drop what names the dead and is of no use any more */
};
extern const struct gosan_analyzer gosan_analyze_waitgroup, gosan_analyze_lockorder, gosan_analyze_lock,
	gosan_analyze_channel, gosan_analyze_block, gosan_analyze_resource;

/* Every thread that is known stands still by the analyzers' books. May somebody act whom they do not know: another
 * task of the process, a signal handler, another process? NULL: nobody. Called under the engine lock; it sends
 * no events. */
extern bool (*gosan_engine_can_act)(void);

/* Counters live in a MAP_SHARED page, so that they survive the process. X(name, "text") */
/* clang-format off */
#define GOSAN_COUNTERS(X) \
	X(events, "synchronisation events") \
	X(accesses, "memory accesses, repeats within an epoch left out") \
	X(lost, "events lost") \
	X(goroutines, "goroutines") \
	X(threads, "threads") \
	X(stacks_lost, "stacks lost") \
	X(clock_lost, "clocks replaced by an upper bound") \
	X(shadow_lost, "accesses not remembered") \
	X(cid_lost, "goroutines without a chain of their own") \
	X(held_lost, "held locks not remembered") \
	X(wg_lost, "WaitGroup questions not answered") \
	X(deps_lost, "lock dependencies not remembered") \
	X(memory_mb, "MiB of the detector's memory at most") \
	X(findings, "findings emitted") \
	X(findings_lost, "findings not written") \
	X(pairs_cut, "pairs of places raced on more objects than are listed")
/* clang-format on */
struct gosan_counters {
#define X(name, text) uint64_t name;
	GOSAN_COUNTERS(X)
#undef X
};
extern struct gosan_counters *gosan_counters; /* never NULL */
#define GOSAN_COUNT(name) __atomic_fetch_add(&gosan_counters->name, 1, __ATOMIC_RELAXED)

/* The running goroutine (or thread, or system context) of this OS thread. Never NULL once
 * gosan_engine_init ran; a thread that nobody announced gets a context at its first hook. */
extern __thread struct gosan_g *gosan_self __asm__(GOSAN_HOT_SELF)
	__attribute__((tls_model("initial-exec"), visibility("default")));
struct gosan_g *gosan_engine_self(void);

int gosan_engine_init(void);
/* Lock-free reads outside, everything else inside. Not recursive: a signal handler that interrupts a holder
 * must look at gosan_engine_inside() first. The functions below that take the lock do so themselves: inside,
 * they count an event as lost and return (NULL). */
void gosan_engine_lock(void);
void gosan_engine_unlock(void);
bool gosan_engine_lock_within(unsigned ms); /* false: not to be had in this time */
bool gosan_engine_inside(void); /* does this thread hold it or wait for it, or is it on a short way? */
/* For the short ways, which do without the lock: set around them, so that a signal handler finds it. */
extern __thread bool gosan_engine_busy __attribute__((tls_model("initial-exec")));
/* Events that came the long way so far: only compared with each other. */
extern uint64_t gosan_engine_tick;
/* While a recording is replayed: the time that it was then, CLOCK_MONOTONIC. 0: it is now. */
extern uint64_t gosan_engine_replayed_ns;
/* clock_gettime; preload.c puts libc's own there. */
extern int (*gosan_engine_clock)(clockid_t, struct timespec *);
/* Around fork: true takes every lock of the core (engine, depot, memory), false releases them, in parent and
 * child alike. */
void gosan_engine_fork(bool before);

/* The counter of events includes those of goroutines that came the short way and were not added yet. Under the lock. */
void gosan_engine_flush(struct gosan_g *g);

/* Takes the engine lock. */
void gosan_engine_event(struct gosan_event *ev);
/* All analyzers' end(); idempotent. Takes the engine lock. */
void gosan_engine_end(enum gosan_end why);

/* New goroutine (id != 0), thread or system context (id 0, is_thread; the caller sets is_system). No edge in:
 * the G_SPAWN event, which is the caller's to send, makes one. Never NULL: when memory is exhausted, one
 * context that covers everything and whose events are dropped and counted as lost. Takes the lock. */
struct gosan_g *gosan_engine_new_g(uint64_t id, bool is_thread);
struct gosan_g *gosan_engine_all(void);   /* head of the list; under the lock */
struct gosan_g **gosan_engine_list(void); /* the head itself, for reap.c */
/* Those whose G_END was not seen, by next_alive; some of them may have ended all the same. Under the lock. */
struct gosan_g *gosan_engine_alive(void);
/* Whose moment s is: chains are reused, so a cid alone does not say. NULL when unknown. Under the lock. */
struct gosan_g *gosan_engine_whose(struct gosan_stamp s);
/* The system context sys starts to act for a timer that fired (NULL: a signal): it knows what the arming
 * goroutine knew, and nothing of what other timers brought it. Takes the lock. */
void gosan_engine_system_begin(struct gosan_g *sys, struct gosan_obj *timer);

/* The object with this id word at addr (first member of every runtime object), created when the word
 * is 0. An id that belongs to another, living address is a copy: *ret_copied_from gets the original
 * (may be NULL if not wanted) and a new object is made. Takes the lock. */
struct gosan_obj *gosan_engine_object(uint32_t *id_word, enum gosan_obj_kind kind,
				      struct gosan_obj **ret_copied_from);
/* The object for an address that has no id word (pthread objects, descriptors, atomics, timers). */
struct gosan_obj *gosan_engine_object_at(uintptr_t addr, enum gosan_obj_kind kind);
/* The same for an initialisation: whatever lived there is dead, and the new object is another one. */
struct gosan_obj *gosan_engine_renew_at(uintptr_t addr, enum gosan_obj_kind kind);
/* Look up only; NULL when unknown. Under the lock. */
struct gosan_obj *gosan_engine_find(uintptr_t addr, enum gosan_obj_kind kind);
/* Under the lock: call fn for each living object whose addr is in [lo, hi). */
void gosan_engine_each_object(uintptr_t lo, uintptr_t hi, void (*fn)(struct gosan_obj *, void *), void *arg);
/* Under the lock: mark every object in [lo, hi) dead and forget its address (free, munmap, stack). */
void gosan_engine_forget(uintptr_t lo, uintptr_t hi);

/* hb.c: apply ev's happens-before effect. Under the lock. */
void gosan_hb_apply(const struct gosan_event *ev);
/* hb.c: the last event that ordered a before b: text like "go statement", its stack; NULL when it is not
 * known for sure. Under the lock. */
const char *gosan_hb_last_common(const struct gosan_g *a, const struct gosan_g *b, uint32_t *ret_stack);

#endif
