/* SPDX-License-Identifier: Apache-2.0
 *
 * internal.h: what the files of the runtime know of each other, grouped by the file that defines it.
 *
 * The scheduler's half (g.c, sched.c, park.c, timer.c ...) knows nothing of channels and locks; the
 * objects' half (chan.c, mutex.c ...) knows nothing of processors and threads. They meet here.
 *
 * Names: G is a goroutine, P a processor (the right to run goroutines; GO_PROCS of them), M an OS
 * thread. See README.md for the states and the lock order.
 */
#ifndef GO_INTERNAL_H
#define GO_INTERNAL_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GO_CALLS /* the functions are defined here */
#include "goroutine.h"
#include "probe.h"
#include "sys.h"

#define GO_LIKELY(x)   __builtin_expect(!!(x), 1)
#define GO_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Asserts stay on in release: a runtime that lost count must not go on. */
#define GO_ASSERT(cond) \
	do { \
		if (GO_UNLIKELY(!(cond))) \
			go__assert_failed(#cond, __FILE__, __LINE__); \
	} while (0)

/* ---- lock.c: the runtime's own lock. Not reentrant. No goroutine switch while it is held, except
 * into go__park(), which gives it up. Zeroed is free. Async-signal-unsafe. ---- */
struct go_lock {
	_Atomic uint32_t word; /* 0 free, 1 held */
};
void go__lock_slow(struct go_lock *l);

static inline void go__lock(struct go_lock *l)
{
	uint32_t expected = 0;
	if (GO_UNLIKELY(!atomic_compare_exchange_strong_explicit(&l->word, &expected, 1, memory_order_acquire,
								 memory_order_relaxed)))
		go__lock_slow(l);
}

static inline void go__unlock(struct go_lock *l)
{
	atomic_store_explicit(&l->word, 0, memory_order_release);
}

/* ---- g.c: goroutines ---- */
enum go__status { GO__FREE, GO__RUNNABLE, GO__RUNNING, GO__WAITING, GO__DEAD };

struct go_m;

/* Control block. Never returned to the system: a stale pointer reads a goroutine, never garbage. */
struct go_g {
	struct go_ginfo info; /* FIRST member: what the watcher sees */

	/* ADMIN: owned by the scheduler */
	void *sp;                    /* saved stack pointer while not running; NULL before the first run */
	struct go_g *next;           /* link of the run queue or free list that it is in */
	void *stack;                 /* slot of stack.c; NULL while none is bound */
	_Atomic uint32_t status;     /* enum go__status */
	_Atomic uint32_t bound_word; /* futex of a goroutine that is bound to a foreign thread */
	struct go_m *bound;          /* that thread, or NULL */
	void *defers;                /* defer.c: innermost pending go_defer */
	bool system_stack;           /* main and bound goroutines run on the stack of their thread */

	/* EXPOSITION: for dumps */
	enum go_wait why;           /* valid while GO__WAITING */
	struct go_object *wait_obj; /* the first object waited for, may be NULL */
	int64_t since;              /* go_now() at park; 0 when the clock was not read */
	uint64_t creator;           /* id of the goroutine that ran the go statement */
	struct go_call call;        /* copied from the go statement */
} __attribute__((aligned(64)));

/* A million of them may be parked, and spawning touches each line of a block once. */
_Static_assert(sizeof(void *) != 8 || sizeof(struct go_g) == 256, "a control block is four cache lines");

/* The current goroutine. Starts the runtime at the first call: the calling main thread becomes
 * goroutine 1 on its own stack; any other thread that calls in is adopted as a goroutine that is
 * bound to it. Never NULL, except in a timer's callback and on a scheduler stack. The goroutine is the
 * first member of the thread's record, which objects know nothing else of. */
struct go_g *go__self_start(void);

static inline struct go_g *go__self(void)
{
	struct go_g **m = go__sys_self();
	return GO_LIKELY(m != NULL) ? *m : go__self_start();
}

/* Start a goroutine. Any context (goroutine, timer callback). 0, or -ENOMEM / -EAGAIN. */
int go__spawn(const struct go_call *call);

/* End of the calling goroutine: end probe, then something else runs. Its defers have been run. */
_Noreturn void go__g_end(void);

/* Every live goroutine in turn. No lock: others come and go meanwhile. */
void go__g_each(void (*visit)(struct go_g *g, void *arg), void *arg);

/* ---- park.c: stop and go on ---- */
#define GO_PARK_LOCKS 8 /* so many locks are copied */

/* Stop the calling goroutine until go__ready(). Emits the park probe, marks it waiting, switches
 * away; the locks are released only after its registers are saved, so a waker that takes one of them
 * finds the goroutine parked. At least one lock must protect whatever the waker looks at (n_locks 0
 * only for a wait that nobody ends). `unlock` may be on the caller's stack: beyond GO_PARK_LOCKS it is read
 * until the last one is released, so a caller that passes more must re-take them all after it. */
void go__park(enum go_wait why, const struct go_wait_on *on, size_t n, struct go_lock **unlock,
	      size_t n_locks);

/* The same for a goroutine that waits on one object under one lock: what channels and locks mostly do, and
 * so the fast way. */
void go__park_one(enum go_wait why, struct go_object *obj, enum go_wait_op op, struct go_lock *unlock);

/* Make a parked goroutine runnable (emits the ready probe). From goroutines, timer callbacks, other OS
 * threads; the caller may hold object locks. Exactly once per park. */
void go__ready(struct go_g *g);

/* ---- sched.c: the one decision point ---- */
enum go__choice { GO__CHOOSE_CASE, GO__CHOOSE_VICTIM, GO__CHOOSE_NEXT, GO__CHOOSE_WAITER };

/* A number in 0..n-1 (n >= 1). Every random decision of the runtime comes from here. */
uint32_t go__choose(enum go__choice kind, uint32_t n);
uint32_t go__rand(void); /* per processor xorshift; GO_SEED makes it repeatable with GO_PROCS=1 */
bool go__multi(void);    /* more than one processor: worth to spin for a lock, or to wake one */

/* ---- timer.c. The record belongs to the caller and must stay until the timer fired or was stopped.
 * `fire` runs on a scheduler stack between the system_begin and system_end probes; it may call
 * go__ready, go__spawn, go__chan_try_send and go__timer_start, and must not park. ---- */
struct go__timer {
	int64_t when; /* go_now() clock */
	void (*fire)(void *arg);
	void *arg;
	size_t index; /* place in the heap + 1; 0: not armed, or a sleep */
};
void go__timer_start(struct go__timer *t, int64_t when, void (*fire)(void *arg), void *arg);
/* True: it will not fire (was armed). False: it fired or was never armed; if it is firing at this moment
 * on another thread, waits until the callback returned (so never call it with a lock that the callback
 * takes, nor from the callback itself). */
bool go__timer_stop(struct go__timer *t);
/* The same without waiting: after false, the callback may still be running. */
bool go__timer_cancel(struct go__timer *t);

/* ---- panic.c ---- */

/* Misuse: fault probe, Go's message, the goroutine's stack, exit 2. The format is the whole first line
 * without the prefix: kind "panic: " or, for unlock of unlocked, "fatal error: ". Call without locks. */
_Noreturn void go__fault(enum go_fault what, struct go_object *obj, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
_Noreturn void go__fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void go__assert_failed(const char *cond, const char *file, int line);

/* ---- memory (mem.c): the runtime's own, zeroed, from mmap; never the program's malloc, so that a
 * watcher does not see it. Objects up to 64 KiB come back from a free list per size class. NULL when
 * memory ran out. Any context. ---- */
void *go__alloc(size_t size);
void go__free(void *p, size_t size);

typedef uint64_t go__word __attribute__((aligned(1), may_alias));
typedef uint32_t go__half __attribute__((aligned(1), may_alias));

/* Copy n bytes; never a call of memcpy, which a watcher would take for the program's: the empty asm
 * keeps the compiler from recognising the loops. */
static inline void go__copy(void *dst, const void *src, size_t n)
{
	char *d = dst;
	const char *s = src;
	for (; n >= sizeof(go__word); n -= sizeof(go__word), d += sizeof(go__word), s += sizeof(go__word)) {
		*(go__word *)d = *(const go__word *)s;
		__asm__ volatile("" ::: "memory");
	}
	if (n >= sizeof(go__half)) {
		*(go__half *)d = *(const go__half *)s;
		n -= sizeof(go__half), d += sizeof(go__half), s += sizeof(go__half);
	}
	for (; n > 0; n--) {
		*d++ = *s++;
		__asm__ volatile("" ::: "memory");
	}
}

/* ---- the objects' half, called by the scheduler's half ---- */
void go__call_invoke(const struct go_call *call); /* defer.c: call fn with its six words */
/* chan.c. Callable in scheduler context, where the chan_send probe gets g == NULL. False: full. */
bool go__chan_try_send(void *chan, const void *elem);

#endif
