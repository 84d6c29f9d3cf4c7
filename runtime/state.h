/* SPDX-License-Identifier: Apache-2.0
 *
 * state.h: what a processor, a thread and the scheduler are made of.
 *
 * What many threads read at each switch, what they write, and what one owner writes lie on cache lines of their
 * own: a word that is written often must not take along one that is read often.
 */
#ifndef GO_STATE_H
#define GO_STATE_H

#include "internal.h"

#define GO_MAX_PROCS 256
#define GO_RING      256 /* local run queue; the surplus goes to the global queue by halves */
#define GO_INHERIT   16  /* one pick of so many is a careful one, see go__pick */
#define GO_LUCK      8 /* waits for surplus that may be in vain after one that wasn't; see steal in sched.c */
#define GO_ID_BATCH  16 /* goroutine numbers that a P takes at once */
#define GO_LINE      64 /* bytes of a cache line */

/* A processor. Its owner is the one M that runs on it; an idle P has empty queues. */
struct go_p {
	uint32_t id;
	_Atomic uint32_t tick;          /* picks so far, counted by the owner; the poller reads it */
	_Atomic(struct go_g *) runnext; /* readied last, runs next; see hot.h */
	_Atomic uint32_t next_busy;     /* the owner is at runnext */
	_Atomic uint32_t next_thief;    /* a thief wants it */
	struct go_g *free_g;            /* dead control blocks */
	uint64_t next_id, id_end;       /* goroutine numbers taken from the common counter */
	uint32_t n_free_g;
	uint32_t n_stacks;
	_Atomic int64_t live; /* spawned minus ended here; the sum over all is go_count */
	/* head moves by compare and swap (owner and thieves), tail by the owner only. */
	_Alignas(GO_LINE) _Atomic uint32_t head;
	_Atomic uint32_t tail;
	_Atomic(struct go_g *) ring[GO_RING];
	void *stacks[32]; /* LIFO cache of stack.c */
	struct go_p *next_idle;
	uint32_t seen_tick; /* the poller's */
	bool retired;       /* id >= n_procs, and nobody owns it */
};

/* An OS thread. `g` is what it runs, NULL on its scheduler stack.
 *
 * `p` is written by the thread itself, or by another before the thread exists, or by the one that took it from the
 * idle list, under sched.lock and before `wake` is set: an M on that list gets a P or the poller's role, and nobody
 * else's P ever changes. It is NULL while the M idles, polls, or works outside, and of a bound one always; never
 * on the scheduler stack after go__m_idle, and of a goroutine that is not bound only in go_blocking. */
struct go_m {
	struct go_g *g; /* FIRST member, see go__self */
	struct go_p *p;
	void *sp0;     /* the scheduler's context while a goroutine runs */
	int *errno_at; /* this thread's errno */

	/* What the next context does for the one that stopped, once its registers are saved. */
	struct go_lock *unlock; /* this lock, and if more_to_do: */
	bool more_to_do;
	bool requeue_global;
	struct go_g *requeue; /* yielded: becomes runnable again */
	void *dead_stack;
	struct go_lock **locks;
	size_t n_locks;
	struct go_lock *inline_locks[GO_PARK_LOCKS];
	struct go_m *next_idle;

	_Atomic uint32_t wake; /* futex of an idle M; 1: go and look at p and poll */
	bool poll;             /* woken to be the poller */
	bool spinning;         /* counted in sched.spinning */
	bool polling;          /* handles events: ready() needs no wake-up of others */
	bool bound;            /* a foreign thread: has no P, its goroutine never leaves it */
	uint64_t rng;
	void *altstack;
};

struct go_sched {
	/* Read at each switch, and hardly ever written: a line of their own. */
	_Alignas(GO_LINE) _Atomic int32_t n_procs; /* Ps with a higher id retire */
	_Atomic bool poller_missing; /* something to wait for, and nobody does; see go__poller_need */
	_Atomic bool urgent;         /* the poller put something in the global queue, and no P is idle */
	_Atomic bool frozen;         /* a panic is being printed: nobody schedules any more */
	bool asymmetric;             /* go__sys_fence_heavy works; since the start */
	_Atomic int64_t now;         /* a cached go_now(), fresh to some ms while anything runs */

	_Alignas(GO_LINE) struct go_lock lock; /* protects what follows up to the next blank line */
	struct go_g *q_first, *q_last;         /* global run queue */
	struct go_p *idle_p;
	struct go_m *idle_m;
	struct go_m *_Atomic poller; /* the M that waits for time, descriptors and signals */
	_Atomic bool poller_deep;  /* and sleeps for long, since nothing runs: to be told when that changes */
	_Atomic int32_t running_p; /* Ps that an M owns; a hint without the lock */
	int32_t outside;           /* busy without a P: go_blocking, the poller at work, foreign threads */
	uint32_t threads;          /* Ms that this runtime started, and main's */
	uint32_t bound_parked;     /* adopted threads that are parked */
	bool main_exited;          /* by go_exit */

	_Atomic int32_t q_len; /* written under the lock, read without as a hint */
	_Atomic int32_t n_idle_p;
	_Atomic int32_t spinning;
	_Atomic int32_t luck;     /* how often to wait for surplus before a P is given up */
	_Atomic int32_t starting; /* threads that were created and have not arrived in m_main */
	_Atomic bool recheck;     /* a standstill that unknown threads may still end */
	_Atomic int32_t io_waiters, notifies;
	_Atomic int32_t n_ps; /* allocated */
	_Atomic uint64_t last_id;
	_Atomic int64_t live_outside; /* like go_p.live for spawns and ends without a P */
	struct go_p *ps[GO_MAX_PROCS];
};
extern struct go_sched go__sched __attribute__((visibility("hidden")));

#endif
