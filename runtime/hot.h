/* SPDX-License-Identifier: Apache-2.0
 *
 * hot.h: the path from one goroutine to the next, inlined where a goroutine stops or another is readied.
 * What is rare (the global queue, a yield, a dead stack, a thread that must stop) is a call into sched.c.
 */
#ifndef GO_HOT_H
#define GO_HOT_H

#include "scheduler.h"

/*
 * runnext is taken and filled by the owner of its P without an atomic read-modify-write, although a thief may
 * empty it: Dekker's mutual exclusion, whose owner pays no fence.
 *
 *     owner                                 thief, under sched.lock
 *     next_busy = 1                         next_thief = 1
 *     (the compiler keeps the order)        membarrier: a full fence in every thread
 *     next_thief? then step back and wait   next_busy? then give up
 *     read and write runnext                read and clear runnext
 *     next_busy = 0, release                next_thief = 0, release
 *
 * After the membarrier the owner's 1 is visible, or the owner has yet to read next_thief and will see 1. The
 * thief never waits for the owner, and the owner only for a few instructions of the thief.
 */
static inline bool go__next_enter(struct go_p *p)
{
	atomic_store_explicit(&p->next_busy, 1, memory_order_relaxed);
	if (GO_UNLIKELY(!go__sched.asymmetric))
		atomic_thread_fence(memory_order_seq_cst);
	else
		atomic_signal_fence(memory_order_seq_cst);
	if (GO_LIKELY(atomic_load_explicit(&p->next_thief, memory_order_acquire) == 0))
		return true;
	atomic_store_explicit(&p->next_busy, 0, memory_order_release);
	return false;
}

static inline void go__next_leave(struct go_p *p)
{
	atomic_store_explicit(&p->next_busy, 0, memory_order_release);
}

/* Owner only. Nobody else fills it, so an empty one needs no exclusion. False: it is taken. */
static inline bool go__next_fill(struct go_p *p, struct go_g *g)
{
	if (atomic_load_explicit(&p->runnext, memory_order_relaxed) != NULL)
		return false;
	atomic_store_explicit(&p->runnext, g, memory_order_release);
	return true;
}

/* The ring. The indices grow without bound and wrap as unsigned numbers do; only differences mean anything. */
static inline struct go_g *go__slot_get(struct go_p *p, uint32_t i)
{
	return atomic_load_explicit(&p->ring[i % GO_RING], memory_order_relaxed);
}

static inline void go__slot_set(struct go_p *p, uint32_t i, struct go_g *g)
{
	atomic_store_explicit(&p->ring[i % GO_RING], g, memory_order_relaxed);
}

/* The acquire pairs with the owner's release of the tail; a head that moved meanwhile voids what was read. */
static inline bool go__ring_take(struct go_p *p, uint32_t head, uint32_t n)
{
	return atomic_compare_exchange_strong_explicit(&p->head, &head, head + n, memory_order_acq_rel,
						       memory_order_relaxed);
}

/* Owner only. */
static inline void go__runq_put(struct go_p *p, struct go_g *g)
{
	uint32_t head = atomic_load_explicit(&p->head, memory_order_acquire);
	uint32_t tail = atomic_load_explicit(&p->tail, memory_order_relaxed);
	if (GO_UNLIKELY(tail - head >= GO_RING)) {
		go__runq_overflow(p, g);
		return;
	}
	go__slot_set(p, tail, g);
	atomic_store_explicit(&p->tail, tail + 1, memory_order_release);
}

/* Owner only. NULL: empty. */
static inline struct go_g *go__runq_get(struct go_p *p)
{
	for (;;) {
		uint32_t head = atomic_load_explicit(&p->head, memory_order_acquire);
		if (head == atomic_load_explicit(&p->tail, memory_order_relaxed))
			return NULL;
		struct go_g *g = go__slot_get(p, head);
		if (GO_LIKELY(go__ring_take(p, head, 1)))
			return g;
	}
}

/* Checked at each pick, so at each point where a goroutine stops; the scheduler's stack then halts,
 * retires the P or finds one. */
static inline bool go__must_stop(struct go_m *m)
{
	return m->p == NULL || go__p_retired(m->p) ||
	       atomic_load_explicit(&go__sched.frozen, memory_order_relaxed);
}

/* The successor of a goroutine that stops. Every sixteenth pick is a careful one, which lets others than the
 * last that was readied have their turn. NULL: go to the scheduler's stack. */
static inline __attribute__((always_inline)) struct go_g *go__pick(struct go_m *m)
{
	struct go_p *p = m->p;
	if (GO_UNLIKELY(go__must_stop(m)))
		return NULL;
	uint32_t tick = atomic_load_explicit(&p->tick, memory_order_relaxed) + 1;
	atomic_store_explicit(&p->tick, tick, memory_order_relaxed);
	if (GO_LIKELY(tick % GO_INHERIT != 0 &&
		      atomic_load_explicit(&p->runnext, memory_order_relaxed) != NULL &&
		      !atomic_load_explicit(&go__sched.poller_missing, memory_order_relaxed) &&
		      !atomic_load_explicit(&go__sched.urgent, memory_order_relaxed) && go__next_enter(p))) {
		struct go_g *g = atomic_load_explicit(&p->runnext, memory_order_relaxed);
		atomic_store_explicit(&p->runnext, NULL, memory_order_relaxed);
		go__next_leave(p);
		if (GO_LIKELY(g != NULL))
			return g;
	}
	return go__pick_slow(m);
}

/* The run probe comes before the switch, still on the old stack: the watcher must know the new goroutine
 * before any of its code runs, and nothing of the old one runs in between. */
static inline void go__switch_to(struct go_m *m, void **save, struct go_g *to)
{
	void *load = m->sp0;
	m->g = to;
	GO_PROBE(run, to == NULL ? NULL : &to->info);
	if (GO_LIKELY(to != NULL)) {
		if (GO_UNLIKELY(to->sp == NULL))
			go__bind_stack(m, to);
		atomic_store_explicit(&to->status, GO__RUNNING, memory_order_relaxed);
		load = to->sp;
	}
	go__switch(save, load);
}

/* Runs on the successor's stack, on the thread where the predecessor stopped. From the release of a
 * lock on, the predecessor may run elsewhere: its stack is read up to then only (see go__park). */
static inline void go__finish(void)
{
	struct go_m *m = go__m();
	struct go_lock *unlock = m->unlock;
	if (unlock != NULL) {
		m->unlock = NULL;
		go__unlock(unlock);
	}
	if (GO_UNLIKELY(m->more_to_do))
		go__finish_slow(m);
}

#endif
