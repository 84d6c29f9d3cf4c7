/* SPDX-License-Identifier: Apache-2.0
 *
 * front.h: what the front ends share: whether there is anything to watch, who runs, what dies. A front
 * end turns calls of the program into events; it knows the libc and the runtime, and no bugs.
 *
 * Context: any thread of the program, on any stack, also in its signal handlers. Every hook keeps errno.
 */
#ifndef GOSAN_FRONT_H
#define GOSAN_FRONT_H

#include "access.h"
#include "engine.h"
#include "finding.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* preload.c: the detector is initialised and has not ended. Hooks forward and do nothing else while false. */
extern bool gosan_front_on;
/* goroutine.c: the runtime took our table. */
extern bool gosan_front_attached;
/* preload.c: calls by the program itself that did not come back yet: a signal handler that interrupts one
 * must not wait for a lock of the detector. */
extern __thread int gosan_front_depth __attribute__((tls_model("initial-exec")));

/* Around the work of a hook. False: do nothing, and do not leave. Not nested: an interposed call that the
 * detector itself makes is none of the program's. */
static inline bool gosan_front_enter(int *saved_errno)
{
	if (!gosan_front_on || gosan_front_depth > 0 || gosan_ignore > 0)
		return false;
	gosan_front_depth++;
	gosan_ignore++;
	*saved_errno = errno;
	return true;
}

static inline void gosan_front_leave(int saved_errno)
{
	errno = saved_errno;
	gosan_ignore--;
	gosan_front_depth--;
}

/* goroutine.c: the context of a thread that the program made itself (thread.c sets it), NULL on others. It may
 * be a goroutine meanwhile, when it calls the runtime. */
extern __thread struct gosan_g *gosan_front_thread __attribute__((tls_model("initial-exec")));
/* goroutine.c: attach to the runtime in this process. 0, -ENOENT when there is none, or what it answered. */
int gosan_front_attach(void);
/* goroutine.c: the context that acts for the system (scheduler, timers, signals) on this thread. */
struct gosan_g *gosan_front_system(void);
/* goroutine.c: did the runtime report a fault or a stall? */
extern bool gosan_front_faulted, gosan_front_stalled;

/* free.c: an object of the program lives at addr now: the filter of gosan_front_free has to know. */
void gosan_front_note(uintptr_t addr);
/* free.c: the block [lo, lo + size) is about to die (free, munmap): objects in it die with a FREE event.
 * Cheap when no object was ever near. Call it outside the engine lock, before the memory is given back. */
void gosan_front_free(uintptr_t lo, size_t size);
/* free.c: may there be an object in [lo, lo + size) that gosan_front_free has to hear of? Cheap; a no is certain. */
bool gosan_front_may_hold(uintptr_t lo, size_t size);
/* free.c: the same for a realloc that moves: the bytes live on elsewhere, so only objects in use matter. */
void gosan_front_moved(uintptr_t lo, size_t size);
/* free.c: from inside a hook: objects in the range die silently (a stack is used again). */
void gosan_front_forget(uintptr_t lo, size_t size);

/* thread.c: the program made a thread of POSIX or C11. */
extern bool gosan_pthread_used;
/* thread.c: called once, by preload.c. */
void gosan_pthread_init(void);
/* thread.c: add up what threads counted for themselves, for the counters at the end. */
void gosan_pthread_flush(void);
/* pthread.c: this thread frees [lo, hi): a lock in there that it holds has to be known. */
void gosan_pthread_freed(uintptr_t lo, uintptr_t hi);
/* pthread.c: does this thread hold one? */
bool gosan_pthread_holds_in(uintptr_t lo, uintptr_t hi);
/* preload.c: before a copy of this process is made, and after it, in both. */
void gosan_preload_forking(void);
void gosan_preload_forked(bool in_child);
/* preload.c: there is something to watch now: the time limit holds. */
void gosan_preload_watch(void);
/* hang.c: pthread_create of the libc, for threads of our own. */
int gosan_pthread_hidden(void *(*fn)(void *), void *arg);
/* fate.c: before a fork: what other threads hold, and nobody has heard of, becomes known. */
void gosan_pthread_forking(void);
/* thread.c: in the child of a fork, which has none of them. */
void gosan_pthread_forked(void);
/* tsan_mutex.c: in the child of a fork. */
void gosan_tsan_mutex_forked(void);
/* signal.c: a signal was delivered to the runtime: acquire what raisers released. */
void gosan_signal_received(struct gosan_g *sys);
/* signal.c: judge the run also when a signal ends it. Idempotent. */
void gosan_signal_init(void);
/* signal.c: this thread causes a signal: whoever handles it comes after. */
void gosan_signal_raising(void);
extern unsigned gosan_signal_raised; /* so often */
/* signal.c: is it the action that judges the run before the program dies? */
struct sigaction;
bool gosan_signal_is_ours(const struct sigaction *act);
/* handler.c: the program has installed a handler at some time. */
extern bool gosan_signal_handlers;

/* takeover.c: start the program again without the ThreadSanitizer runtime that it was linked with, if it was. */
void gosan_takeover(char **argv);

/* awake.c: are our interposers the ones that the program calls? */
void gosan_awake_init(void);
/* awake.c: is there anything in this program that can be checked at all? */
bool gosan_awake_any(void);
/* awake.c: does a module bring its own ThreadSanitizer, so that a silent end would be taken for a clean one? */
bool gosan_awake_own_runtime(void);
/* awake.c: call say() for each thing that this run could not check. */
void gosan_awake_not_checked(void (*say)(const char *text));

/* report.c: output without the tool `gosan run` around the program. */
void gosan_report_init(void);
/* report.c: render dir; the exit status for a program that ended with `status`. */
int gosan_report_render(const char *dir, int status);
/* report.c: there is no tool; then each finding is printed at once, with offsets instead of names. */
bool gosan_report_prints_itself(void);
void gosan_report_alone(void); /* there is no stream: print itself from now on */
void gosan_report_finding(const struct gosan_finding *f);

/* exit.c: judge and close the stream; at most once per process. Returns the exit status to use. */
int gosan_exit_finish(enum gosan_end why, int status);
/* exit.c: the status of the process for findings at a timeout and at halt_on_error. */
void gosan_exit_now(int status) __attribute__((noreturn));
void gosan_exit_init(void);
/* exit.c: in the child of a fork, whose end is still to come. */
void gosan_exit_forked(void);

#endif
