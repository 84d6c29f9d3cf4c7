/* SPDX-License-Identifier: Apache-2.0
 *
 * pthread.h: what the files of the pthread front end share: who calls, what this thread holds, and the events
 * of locks and waits. Knows nothing of the libc's functions themselves.
 *
 * A thread notes the locks that it holds in records of its own. In a program without instrumented code and
 * without goroutines nobody needs to hear of a lock that is free when it is taken and given back before the
 * thread takes another: order matters to accesses only, and a lone lock can't be part of a cycle. So its pair
 * is a record that is filled and dropped, and no event. As soon as somebody may ask, the record is *told*:
 * its request and acquisition are sent late, with the stack of the acquisition. That is before the thread
 *  - takes another lock, waits for anything, or ends;
 *  - destroys or frees the lock.
 * Whoever waits for a lock whose record is not told meets a holder that runs, and may conclude nothing yet.
 */
#ifndef GOSAN_PTHREAD_H
#define GOSAN_PTHREAD_H

#include "front.h"
#include "intercept.h"
#include "record.h"

#include "../module.h"

#include <pthread.h>
#include <signal.h>
#include <sys/types.h>

#define GOSAN_RECORDS      16 /* held locks beyond are told at once and have no record */
#define GOSAN_ONCES        16
#define GOSAN_POSTED       4  /* a power of two */
#define GOSAN_LEFT         8  /* a power of two */
#define GOSAN_NESTED       64 /* a power of two */
#define GOSAN_NESTED_SHIFT 58

/* glibc's control word of a once: these bits of it. */
#define GOSAN_ONCE_RUNNING 1
#define GOSAN_ONCE_DONE    2
#define GOSAN_ONCE_MASK    3

/* A semaphore's last post by a thread: what it had sent and learned by then (sem.c), and the tokens that it took since,
 * of which nobody heard. */
struct gosan_posted {
	uintptr_t sem;
	uint64_t moves;
	uint64_t taken;
};

/* A thread that was seen. Lives from its creation (or first call) to its join in the detector's memory; a detached
 * one's until its handle is used again. */
struct gosan_thread {
	struct gosan_thread *next, *next_all; /* by handle; all of them: under the table's lock (thread.c) */
	pthread_t handle;
	struct gosan_g *g;
	pid_t tid;           /* the kernel's number; 0: it has not begun */
	int round;           /* of the destructors */
	bool ended, crowded; /* crowded: it once held more locks than there are records */
	union {
		void *(*posix)(void *);
		int (*c11)(void *);
	} fn;
	void *arg;
	uintptr_t stack_hi;
	sigset_t mask; /* to be set when it has begun, if masked */
	bool masked;
	/* THE THREAD ITSELF */
	unsigned n; /* records */
	struct gosan_record record[GOSAN_RECORDS];
	uint64_t untold; /* events that were never told */
	uint64_t moves;  /* events that were sent */
	struct {         /* the last ones, by the lock's address */
		uintptr_t addr;
		int64_t wakes; /* wakes of conditions so far, at its unlock */
	} left[GOSAN_LEFT];
	const struct gosan_obj *onces[GOSAN_ONCES]; /* whose end was acquired */
	struct {
		uint64_t key; /* gosan_pthread_nested_key; 0: none */
		uint32_t stack;
	} nested[GOSAN_NESTED]; /* acquisitions with others held that were told before */
	struct gosan_posted posted[GOSAN_POSTED];
	uint64_t taken;      /* tokens that are not told, in all */
	uint64_t generation; /* of what other threads can order after */
};

/* The thread of this call; NULL before its first one. */
extern __thread struct gosan_thread *gosan_pthread_me __attribute__((tls_model("initial-exec")));

/* One call of the program. */
struct gosan_call {
	struct gosan_thread *t; /* NULL: not watched */
	uintptr_t pc, sp;
};

/* A lock as a call names it. */
struct gosan_lock {
	const volatile void *addr;
	enum gosan_obj_kind kind;
	unsigned flags; /* enum gosan_obj_flag */
};

#define GOSAN_SP ((uintptr_t)__builtin_frame_address(0) + 2 * sizeof(void *))

/* pthread.c: the thread of this call, made at need; NULL when the call is none of the program's. */
struct gosan_thread *gosan_pthread_watch(uintptr_t pc);
/* In the exported function itself. */
#define GOSAN_CALL ((struct gosan_call){gosan_pthread_watch(GOSAN_CALLER), GOSAN_CALLER, GOSAN_SP})

/* pthread.c: must every lock be told at once (accesses to order, or goroutines)? */
bool gosan_pthread_precise(void);

/* Locks. mode: enum go_lock_mode and gosan_lock_more; of an acquisition also: its request was sent before, or there is
 * none to send. */
#define GOSAN_REQUESTED 64
void gosan_pthread_acquired(const struct gosan_call *c, const struct gosan_lock *l, int mode);
/* Before the lock is given back. False: this thread does not hold it, as far as is known; no event was sent. */
bool gosan_pthread_release(const struct gosan_call *c, const struct gosan_lock *l, int mode);
bool gosan_pthread_holds(const struct gosan_call *c, const struct gosan_lock *l);
/* A misuse; peer may be NULL, error is the errno that the program gets. */
void gosan_pthread_fault(const struct gosan_call *c, const struct gosan_lock *l, int fault, pid_t owner,
			 int error);
/* A use of what was destroyed, or never initialised. use: "lock" ... */
void gosan_pthread_dead(const struct gosan_call *c, const struct gosan_lock *l, const char *use);
/* After a fault on a lock that is unlocked all the same: whoever had it has it no more. */
void gosan_pthread_snatch(const struct gosan_call *c, const struct gosan_lock *l, int mode);

/* mutex.c: what kind of lock it is. */
struct gosan_lock gosan_mutex_describe(const pthread_mutex_t *m);
/* How many wakes of conditions there had been when t last gave m back untold; 0: unknown. */
extern int64_t gosan_pthread_wakes; /* so far */
int64_t gosan_pthread_left(const struct gosan_thread *t, const volatile void *m);

/* Waits. A request is sent before a wait for a lock; then the park; after the real call the return. Everything that
 * the thread holds is told first. */
struct gosan_park {
	int why;               /* enum go_wait or gosan_wait_why */
	struct gosan_obj *obj; /* NULL for a join */
	struct gosan_obj *relock;
	struct gosan_g *joins;
	bool timed;
};
void gosan_pthread_request(const struct gosan_call *c, const struct gosan_lock *l, int mode);
void gosan_pthread_park(const struct gosan_call *c, const struct gosan_park *p);
/* The wait for a lock: request and park. */
void gosan_pthread_block(const struct gosan_call *c, const struct gosan_lock *l, int mode);
void gosan_pthread_back(const struct gosan_call *c);

/* Any other event on an object, by this thread, here. */
void gosan_pthread_event(const struct gosan_call *c, struct gosan_event ev);
/* A post, or a wait that did not block, the short way (lockpath.h); false: it has to be sent. */
bool gosan_pthread_short(const struct gosan_call *c, enum gosan_op op, struct gosan_obj *obj);
struct gosan_obj *gosan_pthread_object(const struct gosan_lock *l);
/* Initialisation: whatever was there is another object. value: of a semaphore, parties of a barrier; -1: none. */
void gosan_pthread_init_object(const struct gosan_call *c, const struct gosan_lock *l, int64_t value);
/* The end of an object. refused: the errno with which the libc refused, 0 when it is gone. */
void gosan_pthread_destroy(const struct gosan_call *c, const struct gosan_lock *l, int refused);
/* Everything that this thread holds becomes known to the engine. */
void gosan_pthread_tell_all(struct gosan_thread *t);
/* The tokens of semaphores that t took become known. */
void gosan_pthread_tell_tokens(struct gosan_thread *t);

/* For fate.c, inside a hook but for touch: the event, by whoever runs here; all records are told; the object as memory
 * is used (GOSAN_ATOMIC) or begins or ends (GOSAN_WRITE). */
void gosan_pthread_emit(const struct gosan_call *c, struct gosan_event ev);
void gosan_pthread_tell_records(struct gosan_thread *t);
void gosan_pthread_touch(const struct gosan_call *c, uintptr_t addr, unsigned flags);
extern uint64_t gosan_pthread_births; /* initialisations and ends of objects */

/* thread.c: the thread with this kernel number, its goroutine only: NULL when unknown. */
struct gosan_g *gosan_thread_by_tid(pid_t tid);
/* thread.c: threads that were made and have not begun, so that gosan_thread_each does not know them. */
extern unsigned gosan_thread_unborn;
/* thread.c: call fn for each thread that is known, under the table's lock (a leaf), until it returns true. */
bool gosan_thread_each(bool (*fn)(struct gosan_thread *, void *), void *arg);
/* thread.c: the context of a thread by its handle; NULL when it is unknown. */
struct gosan_g *gosan_thread_context(pthread_t handle);
/* thread.c: a thread that nobody announced, or the main thread. NULL when memory is exhausted. */
struct gosan_thread *gosan_thread_adopt(void);
/* hang.c: whether somebody may act whom nobody knows; the detector's own threads. */
/* sem.c: in the child of a fork. */
void gosan_sem_forked(void);
void gosan_hang_init(void);
void gosan_hang_forked(void);

#endif
