/* SPDX-License-Identifier: Apache-2.0
 *
 * proc.c: processors: who has which, how many there are, and working without one.
 *
 * All lists are under sched.lock. An idle P has empty queues, so that a standstill can be told from the
 * lists alone; a P that is given up with work in it goes straight to another M.
 */
#include "scheduler.h"
#include "sys.h"

#include <stdlib.h>

/* Under the lock. The caller has emptied it: thieves don't look at idle Ps, and the judgement of a
 * standstill relies on it. */
void go__p_put(struct go_p *p)
{
	struct go_sched *s = &go__sched;
	GO_ASSERT(go__runq_empty(p) && atomic_load(&p->runnext) == NULL);
	s->running_p--;
	if (go__p_retired(p)) {
		p->retired = true; /* go_set_procs brings it back */
		return;
	}
	p->next_idle = s->idle_p;
	s->idle_p = p;
	atomic_fetch_add(&s->n_idle_p, 1);
}

/* Under the lock. Last in, first out: the P whose caches are warmest. Ps that retired while they idled
 * are dropped on the way, which is cheaper than searching the list when the number changes. */
struct go_p *go__p_get(void)
{
	struct go_sched *s = &go__sched;
	struct go_p *p;
	while ((p = s->idle_p) != NULL) {
		s->idle_p = p->next_idle;
		atomic_fetch_sub(&s->n_idle_p, 1);
		if (!go__p_retired(p)) {
			s->running_p++;
			go__poller_stir();
			return p;
		}
		p->retired = true;
	}
	return NULL;
}

struct go_m *go__m_idle_pop(void)
{
	struct go_m *m = go__sched.idle_m;
	if (m != NULL)
		go__sched.idle_m = m->next_idle;
	return m;
}

/* The store publishes what the waker wrote into m (its P, its role). A thread that has not gone to sleep
 * yet sees the word and does not. */
void go__m_wake(struct go_m *m)
{
	atomic_store_explicit(&m->wake, 1, memory_order_release);
	go__sys_futex_wake(&m->wake, 1);
}

/* Get an M going on p. When no thread can be had, p goes idle with nothing in it. */
static void p_hand(struct go_p *p, bool spinning)
{
	struct go_m *m = go__m_idle_pop();
	if (m != NULL) {
		m->p = p;
		m->spinning = spinning;
		go__m_wake(m);
	} else if (go__m_start(p, false, spinning) != 0) {
		go__runq_drain(p);
		go__p_put(p);
		if (spinning)
			atomic_fetch_sub(&go__sched.spinning, 1);
	}
}

/* One thread at a time looks for work: while one spins, another that wakes would only compete with it for
 * the same ring. It passes the call on when it found something (stop_spinning in sched.c). */
void go__wake_p(void)
{
	struct go_sched *s = &go__sched;
	int32_t none = 0;
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&s->n_idle_p, memory_order_relaxed) == 0 ||
	    atomic_load_explicit(&s->spinning, memory_order_relaxed) != 0 ||
	    !atomic_compare_exchange_strong(&s->spinning, &none, 1))
		return;
	go__lock(&s->lock);
	struct go_p *p = go__p_get();
	if (p != NULL)
		p_hand(p, true);
	else
		atomic_fetch_sub(&s->spinning, 1);
	go__unlock(&s->lock);
}

/* ---- outside: working without a P ---- */

/* What is queued on p must not wait for the end of a blocking call. */
static void p_release_busy(struct go_p *p)
{
	if (go__runq_empty(p) && atomic_load(&p->runnext) == NULL && go__sched.q_first == NULL)
		go__p_put(p);
	else
		p_hand(p, false);
}

/* This thread would have become the poller when it ran out of work. Now it is gone for an unknown time, so
 * somebody else must wait for timers and descriptors. */
void go__enter_outside(struct go_m *m)
{
	struct go_sched *s = &go__sched;
	go__lock(&s->lock);
	s->outside++;
	struct go_p *p = m->p;
	m->p = NULL;
	if (p != NULL)
		p_release_busy(p);
	if (atomic_load(&s->poller) == NULL && go__pollable())
		go__poller_appoint();
	go__unlock(&s->lock);
}

/* A blocking call that used the runtime may have brought the goroutine to an M that has a P already.
 * No P left: the caller stays counted until it has queued (sched.c), or the last owner of a P could give it
 * up in between and see a standstill. */
bool go__leave_outside(struct go_m *m)
{
	struct go_sched *s = &go__sched;
	go__lock(&s->lock);
	if (!m->bound && m->p == NULL)
		m->p = go__p_get();
	if (m->p != NULL)
		s->outside--;
	go__unlock(&s->lock);
	return m->p != NULL;
}

/* ---- number of processors ---- */

static struct go_p *p_new(uint32_t id)
{
	struct go_p *p = go__alloc(sizeof(*p));
	if (p == NULL)
		go__fatal("out of memory (processor)");
	p->id = id;
	return p;
}

/* Under the lock. Ps above the new number retire when their owners next look; a P that comes back is idle
 * unless somebody still owns it. */
static void set_procs(int32_t n)
{
	struct go_sched *s = &go__sched;
	for (int32_t i = s->n_ps; i < n; i++) {
		s->ps[i] = p_new((uint32_t)i);
		s->ps[i]->retired = true;
		atomic_store(&s->n_ps, i + 1);
	}
	atomic_store(&s->n_procs, n);
	for (int32_t i = n - 1; i >= 0; i--) {
		if (!s->ps[i]->retired)
			continue;
		s->ps[i]->retired = false;
		s->running_p++;
		go__p_put(s->ps[i]);
	}
}

void go_set_procs(int n)
{
	go__self();
	if (n < 1)
		return;
	go__lock(&go__sched.lock);
	set_procs(n > GO_MAX_PROCS ? GO_MAX_PROCS : n);
	go__unlock(&go__sched.lock);
	go__wake_p();
	if (go__multi())
		go__poller_need(true);
}

int go_procs(void)
{
	go__self();
	return atomic_load(&go__sched.n_procs);
}

/* m is main's thread, or NULL when a foreign thread made the first call: then all Ps start idle and the
 * first goroutine wakes a thread for one. */
void go__sched_start(struct go_m *m)
{
	struct go_sched *s = &go__sched;
	const char *env = getenv("GO_PROCS");
	int n = env == NULL ? 0 : atoi(env);
	if (n < 1)
		n = go__sys_cpus();
	atomic_store(&s->now, go__sys_now());
	go__lock(&s->lock);
	set_procs(n > GO_MAX_PROCS ? GO_MAX_PROCS : n);
	if (m != NULL) {
		m->p = go__p_get();
		s->threads = 1;
	}
	go__unlock(&s->lock);
}
