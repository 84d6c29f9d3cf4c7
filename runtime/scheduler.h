/* SPDX-License-Identifier: Apache-2.0
 *
 * scheduler.h: the scheduler's half among itself: processors, threads, and the state that they share.
 * Not for channels and locks, which need only internal.h.
 */
#ifndef GO_SCHEDULER_H
#define GO_SCHEDULER_H

#include "internal.h"

#define GO_MAX_PROCS    256
#define GO_RING         256 /* local run queue; the surplus goes to the global queue by halves */
#define GO_INLINE_LOCKS 8

/* A processor. Its owner is the one M that runs on it; an idle P has empty queues. */
struct go_p {
	uint32_t id;
	uint32_t tick; /* picks so far; read by the poller to see a stale runnext */
	struct go_p *next_idle;
	_Atomic(struct go_g *) runnext; /* readied last, runs next; taken by exchange */
	/* head moves by compare and swap (owner and thieves), tail by the owner only. */
	_Atomic uint32_t head, tail;
	_Atomic(struct go_g *) ring[GO_RING];
	struct go_g *free_g; /* dead control blocks */
	uint32_t n_free_g;
	uint32_t n_stacks;
	void *stacks[32];     /* LIFO cache of stack.c */
	_Atomic int64_t live; /* spawned minus ended here; the sum over all is go_count */
	uint32_t seen_tick;   /* the poller's */
	bool retired;         /* id >= n_procs, and nobody owns it */
};

/* An OS thread. `g` is what it runs, NULL on its scheduler stack. */
struct go_m {
	struct go_g *g;
	struct go_p *p;
	void *sp0; /* the scheduler's context while a goroutine runs */
	struct go_m *next_idle;

	/* What the next context does for the one that stopped, once its registers are saved. */
	struct go_lock *inline_locks[GO_INLINE_LOCKS];
	struct go_lock **locks;
	size_t n_locks;
	struct go_g *requeue; /* yielded: becomes runnable again */
	bool requeue_global;
	void *dead_stack;

	_Atomic uint32_t wake; /* futex of an idle M; 1: go and look at p and poll */
	bool poll;             /* woken to be the poller */
	bool spinning;         /* counted in sched.spinning */
	bool polling;          /* handles events: ready() needs no wake-up of others */
	bool bound;            /* a foreign thread: has no P, its goroutine never leaves it */
	uint64_t rng;
	void *altstack;
};

struct go_sched {
	struct go_lock lock;           /* protects what follows up to the next blank line */
	struct go_g *q_first, *q_last; /* global run queue */
	struct go_p *idle_p;
	struct go_m *idle_m;
	struct go_m *_Atomic poller; /* the M that waits for time, descriptors and signals */
	int32_t running_p;           /* Ps that an M owns */
	int32_t outside;             /* busy without a P: go_blocking, the poller at work, foreign threads */
	uint32_t threads;            /* Ms that this runtime started, and main's */
	uint32_t bound_parked;       /* adopted threads that are parked */
	bool main_exited;            /* by go_exit */

	_Atomic int32_t q_len; /* written under the lock, read without as a hint */
	_Atomic int32_t n_idle_p;
	_Atomic int32_t spinning;
	_Atomic bool poller_missing; /* something to wait for, and nobody does; see go__poller_need */
	_Atomic bool frozen;         /* a panic is being printed: nobody schedules any more */
	_Atomic bool recheck;        /* a standstill that unknown threads may still end */
	_Atomic int32_t io_waiters, notifies;
	_Atomic int32_t n_procs; /* Ps with a higher id retire */
	_Atomic int32_t n_ps;    /* allocated */
	_Atomic uint64_t last_id;
	_Atomic int64_t live_outside; /* like go_p.live for spawns and ends without a P */
	_Atomic int64_t now;          /* a cached go_now(), fresh to some ms while anything runs */
	struct go_p *ps[GO_MAX_PROCS];
};
extern struct go_sched go__sched;

/* arch/<cpu>/switch.S. Save the callee-saved registers, store the stack pointer to *save, and go on where
 * `load` was stored. go__stack_init builds a first frame that enters go__entry(). */
void go__switch(void **save, void *load);
void *go__stack_init(void *top);
void go__entry(void);

/* sched.c */
struct go_g *go__pick(struct go_m *m);         /* without waiting; NULL: nothing to run here */
bool go__must_stop(struct go_m *m);            /* this M is not to run goroutines now */
_Noreturn void go__sched_loop(struct go_m *m); /* on the scheduler stack */
void go__switch_to(struct go_m *m, void **save, struct go_g *to); /* NULL: the scheduler */
void go__finish(void);                                            /* first thing after each switch */

/* proc.c */
static inline bool go__p_retired(const struct go_p *p)
{
	return p->id >= (uint32_t)atomic_load_explicit(&go__sched.n_procs, memory_order_relaxed);
}
void go__sched_start(struct go_m *main);
void go__p_put(struct go_p *p);         /* under the lock: it is idle, and empty */
struct go_p *go__p_get(void);           /* under the lock; NULL: none is idle */
struct go_m *go__m_idle_pop(void);      /* under the lock */
void go__m_wake(struct go_m *m);        /* which was popped, and has its P or its role */
void go__wake_p(void);                  /* there is surplus work: get one more P going */
void go__enter_outside(struct go_m *m); /* give the P away; work without */
bool go__leave_outside(struct go_m *m); /* false: no P is free; the goroutine must queue */

/* poller.c */
void go__poller_need(bool now);  /* timers, descriptors or signals are waited for */
void go__poller_appoint(void);   /* under the lock */
bool go__pollable(void);         /* is anything waited for? */
void go__m_idle(struct go_m *m); /* until it has a P */

/* panic.c */
void go__stall_check(void); /* under sched.lock; does not return when nothing can change any more */
void go__freeze(void);      /* nobody schedules any more */
void go__freeze_check(struct go_m *m);

/* fork.c */
void go__fork_prepare(void);
void go__fork_parent(void);
void go__fork_child(void);

/* park.c */
void go__runnable(struct go_m *m, struct go_g *g); /* queue it, where a hand-off runs next */

/* m.c: threads */
struct go_m *go__m(void); /* of this thread, or NULL. Never keep it over a switch. */
void go__m_set(struct go_m *m);
int go__m_start(struct go_p *p, bool poll, bool spinning); /* under sched.lock */
struct go_m *go__m_adopt(void);

/* runq.c */
void go__runq_put(struct go_p *p, struct go_g *g);
struct go_g *go__runq_get(struct go_p *p);
struct go_g *go__runq_steal(struct go_p *p, struct go_p *victim, bool also_next);
bool go__runq_empty(struct go_p *p);
void go__global_put(struct go_g *g); /* takes sched.lock */
void go__global_put_locked(struct go_g *g);
struct go_g *go__global_get(struct go_p *p); /* a fair share into p's ring; NULL: empty */
void go__runq_drain(struct go_p *p);         /* all of it to the global queue; under sched.lock */

/* g.c */
struct go_g *go__g_new(void);
void go__g_free(struct go_g *g);
void go__g_hold(bool hold);

/* stack.c */
void *go__stack_get(struct go_p *p); /* lowest address of a slot, or NULL */
void go__stack_put(struct go_p *p, void *slot);
size_t go__stack_size(void); /* of a slot, guard included */
size_t go__stack_guard(void);
void go__stack_hold(bool hold);
void go__mem_hold(bool hold); /* mem.c */

/* timer.c */
int64_t go__timer_next(int64_t now);  /* ns until the next one is due; -1: none. Notes it as the poller's */
size_t go__timer_run(struct go_m *m); /* fire what is due */
int32_t go__timer_count(void);
void go__timer_reset(void);
void go__timer_hold(bool hold); /* take or drop the lock, over a fork */

/* netpoll.c */
void go__netpoll_start(void);
void go__netpoll_wait(int64_t ns); /* ns < 0: until something happens. Readies goroutines. */
void go__netpoll_kick(void);       /* async-signal-safe */
void go__netpoll_reset(void);

/* signal.c */
void go__signal_start(void);
void go__signal_stack(struct go_m *m); /* alternate stack for this thread */
void go__signal_deliver(void);

/* dump.c, unwind.c */
void go__dump_all(int fd, struct go_g *first, const void *context);
void go__dump_one(int fd, struct go_g *g, const void *context);
void go__unwind_print(int fd, const void *context); /* NULL: of the caller */
void go__unwind_parked(int fd, void *sp);
void go__print(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Never a call of memset; p is aligned to 8. */
static inline void go__zero(void *p, size_t n)
{
	go__word *w = p;
	for (; n >= sizeof(*w); n -= sizeof(*w)) {
		*w++ = 0;
		__asm__ volatile("" ::: "memory");
	}
	for (char *c = (char *)w; n > 0; n--) {
		*c++ = 0;
		__asm__ volatile("" ::: "memory");
	}
}

#endif
