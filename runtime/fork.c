/* SPDX-License-Identifier: Apache-2.0
 *
 * fork.c: the child of a fork has one thread, and so one goroutine: the one that forked.
 *
 * All locks of the scheduler are held over the fork, so that the child finds its structures whole. There,
 * everything that belonged to other threads is dropped: their goroutines never run again, their timers
 * and waits are forgotten. Locks of channels and mutexes keep their state, as pthread's do.
 */
#include "scheduler.h"

#define BIRTHS     1000   /* looks at the threads that are starting: a tenth of a second */
#define BETWEEN_NS 100000 /* two looks */

/* Under sched.lock, so that no more of them come. A thread's first steps are taken in libraries that may not care
 * for forks: AddressSanitizer's allocator, for one, whose locks stay held in the child for ever when a thread that
 * the child does not have was just being set up. Not for longer than it takes on a busy machine: a
 * handler that ran before this one might hold what they wait for. */
static void wait_for_births(void)
{
	static _Atomic uint32_t nobody_wakes;
	for (int i = 0; i < BIRTHS && atomic_load(&go__sched.starting) > 0; i++)
		go__sys_futex_wait(&nobody_wakes, 0, BETWEEN_NS);
}

void go__fork_prepare(void)
{
	go__lock(&go__sched.lock);
	wait_for_births();
	go__timer_hold(true);
	go__g_hold(true);
	go__stack_hold(true);
	go__mem_hold(true);
}

void go__fork_parent(void)
{
	go__mem_hold(false);
	go__stack_hold(false);
	go__g_hold(false);
	go__timer_hold(false);
	go__unlock(&go__sched.lock);
}

/* Not freed: their stacks may hold what the survivor points to. */
static void bury(struct go_g *g, void *arg)
{
	if (g != arg)
		atomic_store(&g->status, GO__DEAD);
}

/* Every P but the survivor's is idle and empty again. */
static void drop_queues(struct go_sched *s, struct go_m *m)
{
	s->q_first = s->q_last = NULL;
	atomic_store(&s->q_len, 0);
	atomic_store(&s->n_idle_p, 0);
	s->idle_p = NULL;
	s->running_p = m->p != NULL;
	for (int32_t i = 0; i < s->n_ps; i++) {
		struct go_p *p = s->ps[i];
		atomic_store(&p->runnext, NULL);
		atomic_store(&p->next_busy, 0);
		atomic_store(&p->next_thief, 0);
		atomic_store(&p->head, atomic_load(&p->tail));
		atomic_store(&p->live, 0);
		if (p == m->p)
			continue;
		p->retired = i >= s->n_procs;
		if (p->retired)
			continue;
		p->next_idle = s->idle_p;
		s->idle_p = p;
		atomic_fetch_add(&s->n_idle_p, 1);
	}
	atomic_store(&s->live_outside, 1);
}

void go__fork_child(void)
{
	struct go_sched *s = &go__sched;
	struct go_m *m = go__m();
	go__fork_parent();
	if (m == NULL || m->g == NULL)
		return;
	go__g_each(bury, m->g);
	drop_queues(s, m);
	s->idle_m = NULL;
	s->outside = m->p == NULL;
	s->threads = m->bound ? 0 : 1;
	s->bound_parked = 0;
	atomic_store(&s->poller, NULL);
	atomic_store(&s->poller_missing, false);
	atomic_store(&s->spinning, 0);
	atomic_store(&s->starting, 0);
	atomic_store(&s->recheck, false);
	atomic_store(&s->poller_deep, false);
	atomic_store(&s->urgent, false);
	go__stack_reset();
	atomic_store(&s->io_waiters, 0);
	go__timer_reset();
	go__netpoll_reset();
}
