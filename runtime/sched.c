/* SPDX-License-Identifier: Apache-2.0
 *
 * sched.c: who runs next. It knows goroutines only as things that can run.
 *
 * A stopping goroutine picks its successor and switches to it directly; only when nothing is to be picked
 * does it go to the scheduler's own stack, which steals, waits, and gives up the processor.
 *
 * Invariants
 *  - An idle P has empty queues. An M without a P runs no goroutine (but bound and blocking ones).
 *  - Whoever makes work visible looks for idle Ps afterwards; whoever goes idle looks for work after it
 *    became visible as idle. Both sides have a full fence in between, so one of them sees the other.
 *  - While anything can be waited for (time, descriptors, signals), or several Ps are at work, one M is the
 *    poller, or poller_missing is set and the next pick makes one.
 *  - Nothing changes any more once no P is owned, nobody works outside, the global queue is empty, and
 *    neither timers nor descriptors nor signals are waited for: that is the deadlock. All of it is read
 *    under sched.lock, which everyone takes to go idle; a timer counts until its callback returned and
 *    a descriptor's waiter until it was queued, so nothing is in flight unseen.
 */
#include "hot.h"
#include "sys.h"

#include <stdlib.h>

#define GLOBAL_EVERY 64 /* picks between looks at the global queue */
#define STEAL_ROUNDS 4
#define SURPLUS_WAIT ((int64_t)40000) /* ns; several times what makes surplus, LYING in poller.c */

struct go_sched go__sched;

/* Decisions. The one place where chance enters: a strategy that replays or explores schedules hooks in
 * here. */
uint32_t go__rand(void)
{
	static uint64_t outside = 0x9e3779b97f4a7c15;
	struct go_m *m = go__m();
	uint64_t x = m != NULL ? m->rng : outside;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	if (m != NULL)
		m->rng = x;
	else
		outside = x;
	return (uint32_t)(x >> 32);
}

/* Multiply and shift instead of a remainder: no bias worth mentioning for small n, and no division. */
uint32_t go__choose(enum go__choice kind, uint32_t n)
{
	(void)kind;
	return n <= 1 ? 0 : (uint32_t)(((uint64_t)go__rand() * n) >> 32);
}

bool go__multi(void)
{
	return atomic_load_explicit(&go__sched.n_procs, memory_order_relaxed) > 1;
}

/* ---- switching ---- */

/* Of AddressSanitizer, when the program has it: a goroutine's last frames never returned, and so left their
 * marks on the stack. */
__attribute__((weak, visibility("default"))) void __asan_unpoison_memory_region(const volatile void *p,
										size_t n);

/* The successor of a goroutine that ended comes with that one's stack already. */
void go__bind_stack(struct go_m *m, struct go_g *g)
{
	if (g->stack == NULL)
		g->stack = go__stack_get(m->p);
	if (g->stack == NULL)
		go__fatal("out of memory (goroutine stack)");
	if (GO_UNLIKELY(__asan_unpoison_memory_region != NULL))
		__asan_unpoison_memory_region(g->stack, go__stack_size());
	g->sp = go__stack_init((char *)g->stack + go__stack_size());
}

/* Back from outside without a P (blocking.c): queued and no longer outside in one step. */
static void requeue_from_outside(struct go_g *g)
{
	struct go_sched *s = &go__sched;
	go__lock(&s->lock);
	go__global_put_locked(g);
	s->outside--;
	go__unlock(&s->lock);
}

/* A goroutine that yields is queued by its successor: before, its registers are not saved, and a thief
 * might run it. */
static void requeue(struct go_m *m)
{
	struct go_g *g = m->requeue;
	m->requeue = NULL;
	atomic_store_explicit(&g->status, GO__RUNNABLE, memory_order_relaxed);
	if (m->requeue_global)
		requeue_from_outside(g);
	else if (m->p == NULL)
		go__global_put(g);
	else
		go__runq_put(m->p, g);
	m->requeue_global = false;
	go__wake_p();
}

/* Several locks, a yield, or a stack that nobody took over. */
void go__finish_slow(struct go_m *m)
{
	size_t n = m->n_locks;
	m->more_to_do = false;
	m->n_locks = 0;
	for (size_t i = 0; i < n; i++)
		go__unlock(m->locks[i]);
	if (GO_UNLIKELY(m->requeue != NULL))
		requeue(m);
	if (m->dead_stack != NULL) {
		go__stack_put(m->p, m->dead_stack);
		m->dead_stack = NULL;
	}
}

/* ---- picking ---- */

/* runnext first, so that a hand-off runs while its data are warm; now and then the others, so that two
 * goroutines that wake each other can't starve them. */
static struct go_g *pick_local(struct go_p *p)
{
	struct go_g *g = NULL;
	if (atomic_load_explicit(&p->tick, memory_order_relaxed) % GO_INHERIT != 0)
		g = go__next_take(p);
	if (g == NULL)
		g = go__runq_get(p);
	if (g == NULL)
		g = go__next_take(p);
	return g;
}

struct go_g *go__pick_slow(struct go_m *m)
{
	struct go_sched *s = &go__sched;
	struct go_p *p = m->p;
	struct go_g *g = NULL;
	if (GO_UNLIKELY(atomic_load_explicit(&p->tick, memory_order_relaxed) % GLOBAL_EVERY == 0)) {
		atomic_store_explicit(&s->now, go__sys_now(), memory_order_relaxed);
		g = go__global_get(p);
	} else if (GO_UNLIKELY(atomic_load_explicit(&s->urgent, memory_order_relaxed))) {
		atomic_store_explicit(&s->urgent, false, memory_order_relaxed);
		g = go__global_get(p);
	}
	if (g == NULL)
		g = pick_local(p);
	if (g == NULL)
		g = go__global_get(p);
	if (g != NULL && GO_UNLIKELY(atomic_load_explicit(&s->poller_missing, memory_order_relaxed)))
		go__poller_need(true);
	return g;
}

/* ---- when nothing is to be picked ---- */

static void stop_spinning(struct go_m *m)
{
	if (!m->spinning)
		return;
	m->spinning = false;
	/* Work that came while we spun did not wake anybody: whoever stops spinning last passes it on. */
	if (atomic_fetch_sub(&go__sched.spinning, 1) == 1)
		go__wake_p();
	/* When the last idle thread gets to work, nobody looks after those that compute. */
	if (go__multi() && atomic_load_explicit(&go__sched.poller, memory_order_relaxed) == NULL)
		atomic_store_explicit(&go__sched.poller_missing, true, memory_order_relaxed);
}

static struct go_g *steal_from_rings(struct go_m *m)
{
	struct go_sched *s = &go__sched;
	uint32_t n = (uint32_t)s->n_ps, first = go__choose(GO__CHOOSE_VICTIM, n);
	for (uint32_t i = 0; i < n; i++) {
		struct go_p *victim = s->ps[(first + i) % n];
		struct go_g *g = victim == m->p ? NULL : go__runq_steal(m->p, victim, false);
		if (g != NULL)
			return g;
	}
	return NULL;
}

/* Where goroutines wake each other and go on, as in a pipeline, one that stops has work again in a moment; a thread
 * that lay down meanwhile would come too late for it. So it waits where that was found to be so, and only there: each
 * wait in vain uses up some of the luck. */
static struct go_g *wait_for_surplus(struct go_m *m)
{
	struct go_sched *s = &go__sched;
	int64_t until = go__sys_now() + SURPLUS_WAIT;
	struct go_g *g;
	do {
		struct go_p *victim = go__left_lying(m->p);
		if (victim == NULL) {
			g = steal_from_rings(m);
		} else {
			go__lock(&s->lock);
			g = go__runq_steal(m->p, victim, true);
			go__unlock(&s->lock);
		}
	} while (g == NULL && atomic_load_explicit(&s->q_len, memory_order_relaxed) == 0 &&
		 !go__must_stop(m) && go__sys_now() < until);
	if (g != NULL)
		atomic_store_explicit(&s->luck, GO_LUCK, memory_order_relaxed);
	else
		atomic_fetch_sub_explicit(&s->luck, 1, memory_order_relaxed);
	return g;
}

/* At most half of the running Ps are searched for by spinning threads: more would only heat the rings.
 * runnext is left to its owner at first, who runs it within the microsecond. */
static struct go_g *steal(struct go_m *m)
{
	struct go_sched *s = &go__sched;
	struct go_g *g = NULL;
	if (!m->spinning) {
		if (2 * atomic_load(&s->spinning) >= s->running_p)
			return NULL;
		m->spinning = true;
		atomic_fetch_add(&s->spinning, 1);
	}
	for (int round = 0; round < STEAL_ROUNDS && g == NULL; round++) {
		g = steal_from_rings(m);
		for (int i = 0; i < 20 && g == NULL; i++)
			go__sys_pause();
	}
	if (g == NULL && atomic_load_explicit(&s->luck, memory_order_relaxed) > 0)
		g = wait_for_surplus(m);
	return g;
}

/* Give the P up. False: work turned up after all. */
static bool release_p(struct go_m *m)
{
	struct go_sched *s = &go__sched;
	go__lock(&s->lock);
	struct go_p *p = m->p;
	if (go__p_retired(p))
		go__runq_drain(p);
	else if (s->q_first != NULL || !go__runq_empty(p) || atomic_load(&p->runnext) != NULL) {
		/* Its own queues too: the pick may have been refused to a P that was retired then, and is not now. */
		go__unlock(&s->lock);
		return false;
	}
	m->p = NULL;
	go__p_put(p);
	if (m->spinning) {
		m->spinning = false;
		atomic_fetch_sub(&s->spinning, 1);
	}
	go__stall_check();
	go__unlock(&s->lock);
	return true;
}

/* After release_p: work that was queued before we were seen as idle. */
static bool reacquire_p(struct go_m *m)
{
	struct go_sched *s = &go__sched;
	bool work = atomic_load(&s->q_len) > 0;
	atomic_thread_fence(memory_order_seq_cst);
	for (int32_t i = 0; i < s->n_ps && !work; i++)
		work = !go__runq_empty(s->ps[i]);
	if (!work)
		return false;
	go__lock(&s->lock);
	m->p = go__p_get();
	go__unlock(&s->lock);
	return m->p != NULL;
}

/* A panic is being printed: this thread must not run anything any more, and has nothing to wait for. */
static void halt_if_frozen(struct go_m *m)
{
	static _Atomic uint32_t never;
	if (GO_UNLIKELY(atomic_load(&go__sched.frozen)))
		go__freeze_check(m);
	while (GO_UNLIKELY(atomic_load(&go__sched.frozen)))
		go__sys_futex_wait(&never, 0, -1);
}

/* On the scheduler's stack, with or without a P; returns with one. */
static struct go_g *find(struct go_m *m)
{
	for (;;) {
		halt_if_frozen(m);
		if (m->p == NULL)
			go__m_idle(m);
		struct go_g *g = go__pick(m);
		if (g == NULL && !go__p_retired(m->p))
			g = steal(m);
		if (g != NULL) {
			stop_spinning(m);
			if (GO_UNLIKELY(
				    atomic_load_explicit(&go__sched.poller_missing, memory_order_relaxed)))
				go__poller_need(true);
			return g;
		}
		if (release_p(m) && !reacquire_p(m))
			go__m_idle(m);
	}
}

void go__sched_loop(struct go_m *m)
{
	for (;;) {
		struct go_g *g = find(m);
		go__switch_to(m, &m->sp0, g);
		go__finish();
	}
}
