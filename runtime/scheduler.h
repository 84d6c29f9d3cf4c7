/* SPDX-License-Identifier: Apache-2.0
 *
 * scheduler.h: the scheduler's half among itself: processors, threads, and the state that they share.
 * Not for channels and locks, which need only internal.h.
 */
#ifndef GO_SCHEDULER_H
#define GO_SCHEDULER_H

#include "state.h"

/* arch/<cpu>/switch.S. Save the callee-saved registers, store the stack pointer to *save, and go on where
 * `load` was stored. go__stack_init builds a first frame that enters go__entry(). */
void go__switch(void **save, void *load);
void *go__stack_init(void *top);
void go__entry(void);

/* sched.c */
_Noreturn void go__sched_loop(struct go_m *m); /* on the scheduler stack */
/* What hot.h leaves: any queue, without waiting; NULL: nothing to run here. */
struct go_g *go__pick_slow(struct go_m *m);
void go__bind_stack(struct go_m *m, struct go_g *g); /* g has not begun */
void go__finish_slow(struct go_m *m);

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
void go__poller_need(bool now); /* timers, descriptors or signals are waited for */
void go__poller_appoint(void);  /* under the lock */
void go__poller_stir(void);     /* under the lock: a P is at work now */
struct go_p *go__left_lying(const struct go_p *mine);
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
/* Of this thread, or NULL. Never keep it over a switch. */
static inline struct go_m *go__m(void)
{
	return go__sys_self();
}
void go__m_set(struct go_m *m);
int go__m_start(struct go_p *p, bool poll, bool spinning); /* under sched.lock */
struct go_m *go__m_adopt(void);

/* runq.c */
void go__runq_overflow(struct go_p *p, struct go_g *g); /* put g, although the ring was full */
struct go_g *go__runq_steal(struct go_p *p, struct go_p *victim,
			    bool also_next);               /* then sched.lock is held */
struct go_g *go__next_take(struct go_p *p);                /* owner only; NULL: empty */
struct go_g *go__next_put(struct go_p *p, struct go_g *g); /* owner only; what g displaces, or NULL */
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
void go__stack_trim(int64_t now);       /* give back the pages of stacks that nobody needs for long */
int64_t go__stack_trim_in(int64_t now); /* ns until that may be due; -1: nothing to give back */
void go__stack_hold(bool hold);
void go__stack_reset(void);   /* in the child of a fork */
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
/* go_wait_fd and go_wait_fd_ctx; look_first: the descriptor may be ready already. */
int go__wait_fd(int fd, short events, int64_t timeout, bool look_first);
int go__wait_fd_ctx(go_context *ctx, int fd, short events, bool look_first);

/* signal.c */
void go__signal_start(void);
void go__signal_stack(struct go_m *m); /* alternate stack for this thread */
void go__signal_deliver(void);

/* dump.c, unwind.c */
void go__dump_all(int fd, struct go_g *first, const void *context);
void go__dump_one(int fd, struct go_g *g, const void *context);
void go__unwind_print(int fd, const void *context); /* NULL: of the caller */
void go__unwind_parked(int fd, void *sp);
size_t go__unwind_addresses(void *sp, uintptr_t *pc, size_t n);
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
