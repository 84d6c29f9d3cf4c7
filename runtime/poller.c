/* SPDX-License-Identifier: Apache-2.0
 *
 * poller.c: Ms without work. The first of them waits for time, descriptors and signals on behalf of all;
 * the others sleep.
 *
 * The poller needs no P to make goroutines runnable. When it has one to run and a P is idle, it takes the
 * P and leaves its role, and somebody else takes over if anything remains to be waited for.
 */
#include "scheduler.h"
#include "sys.h"

/* The same three counters decide whether a standstill can end by itself (panic.c). */
bool go__pollable(void)
{
	struct go_sched *s = &go__sched;
	return go__timer_count() > 0 || atomic_load(&s->io_waiters) > 0 || atomic_load(&s->notifies) > 0;
}

/* Under sched.lock: find somebody to be the poller. */
void go__poller_appoint(void)
{
	struct go_sched *s = &go__sched;
	atomic_store(&s->poller_missing, false);
	if (atomic_load(&s->poller) != NULL)
		return;
	struct go_m *m = go__m_idle_pop();
	if (m != NULL) {
		m->poll = true;
		atomic_store(&s->poller, m);
		go__m_wake(m);
	} else if (go__m_start(NULL, true, false) != 0) {
		atomic_store(&s->poller_missing, true);
	}
}

/* The fence pairs with the one in poller_leave: either we see that nobody polls, or the poller that
 * leaves sees what we want to wait for. */
void go__poller_need(bool now)
{
	struct go_sched *s = &go__sched;
	atomic_thread_fence(memory_order_seq_cst);
	if (GO_LIKELY(atomic_load_explicit(&s->poller, memory_order_relaxed) != NULL)) {
		if (atomic_load_explicit(&s->poller_missing, memory_order_relaxed))
			atomic_store(&s->poller_missing, false);
		return;
	}
	if (!now) {
		atomic_store(&s->poller_missing, true);
		return;
	}
	go__lock(&s->lock);
	go__poller_appoint();
	go__unlock(&s->lock);
}

/* Under the lock. Somebody must take over: the goroutine that this M is about to run may never stop. */
static void poller_leave(struct go_m *m, struct go_p *p)
{
	m->p = p;
	atomic_store(&go__sched.poller, NULL);
	atomic_thread_fence(memory_order_seq_cst);
	if (go__pollable())
		go__poller_appoint();
}

/* Two looks at the same tick, a nap apart, mean that the owner did not schedule in between. */
static bool has_stale_next(struct go_p *p)
{
	bool stale =
		p->seen_tick == p->tick && atomic_load_explicit(&p->runnext, memory_order_relaxed) != NULL;
	p->seen_tick = p->tick;
	return stale;
}

/* While some P idles: a ring that nobody came for, or a runnext that its owner left lying for a whole
 * nap because it computes. The reads of `tick` race with its owner; a wrong guess moves a goroutine. */
static struct go_p *find_stale(bool *next)
{
	struct go_sched *s = &go__sched;
	for (int32_t i = 0; i < s->n_ps; i++) {
		struct go_p *p = s->ps[i];
		*next = has_stale_next(p);
		if (*next || !go__runq_empty(p))
			return p;
	}
	return NULL;
}

/* Under the lock: is there something to run, and a P for it? */
static bool poller_work(struct go_m *m)
{
	struct go_sched *s = &go__sched;
	bool next = false;
	struct go_p *victim = NULL;
	if (s->q_first == NULL && (s->running_p == 0 || (victim = find_stale(&next)) == NULL))
		return false;
	struct go_p *p = go__p_get();
	if (p == NULL)
		return false;
	if (victim != NULL) {
		struct go_g *g = go__runq_steal(p, victim, next);
		if (g != NULL)
			go__runq_put(p, g);
	}
	poller_leave(m, p);
	return true;
}

#define NAP_MIN ((int64_t)20000)     /* ns; about what waking another thread costs */
#define NAP_MAX ((int64_t)5000000)   /* ns; 200 looks a second are a thousandth of a processor */
#define RECHECK ((int64_t)100000000) /* ns; a standstill that unknown threads may end */

/* While Ps idle and others run, look at the running ones from time to time: soon at first, when a
 * hand-off that was not taken costs most, then rarely, so that one long computation costs nothing. */
static int64_t nap_until_next(int64_t *nap)
{
	struct go_sched *s = &go__sched;
	int64_t now = go__sys_now(), ns = go__timer_next(now);
	atomic_store_explicit(&s->now, now, memory_order_relaxed);
	if (atomic_load(&s->recheck) && (ns < 0 || ns > RECHECK))
		ns = RECHECK;
	if (atomic_load(&s->n_idle_p) > 0 && s->running_p > 0) {
		if (ns < 0 || ns > *nap)
			ns = *nap;
		*nap = *nap * 2 > NAP_MAX ? NAP_MAX : *nap * 2;
	}
	return ns;
}

/* Returns with a P. Events are handled without one: what they ready goes to the global queue, and
 * `polling` keeps each single one from waking a thread, since this M looks itself right afterwards. The
 * standstill is judged after each round, for the last timer may have readied nobody. */
void go__poll_loop(struct go_m *m)
{
	struct go_sched *s = &go__sched;
	int64_t nap = NAP_MIN;
	for (bool got = false; !got;) {
		int64_t ns = nap_until_next(&nap);
		m->polling = true;
		go__netpoll_wait(ns);
		go__signal_deliver();
		go__timer_run(m);
		m->polling = false;
		go__lock(&s->lock);
		got = !s->frozen && poller_work(m);
		if (!got)
			go__stall_check();
		bool more = s->q_first != NULL;
		go__unlock(&s->lock);
		if (more)
			go__wake_p();
	}
}

/* ---- idle ---- */

/* The word is set before the wake-up, so that one that comes early is not lost. */
static void sleep_until_woken(struct go_m *m)
{
	while (atomic_load_explicit(&m->wake, memory_order_acquire) == 0)
		go__sys_futex_wait(&m->wake, 0, -1);
	atomic_store_explicit(&m->wake, 0, memory_order_relaxed);
}

/* The first M without work polls, the others sleep. Returns with a P. */
void go__m_idle(struct go_m *m)
{
	struct go_sched *s = &go__sched;
	go__lock(&s->lock);
	if (atomic_load(&s->poller) == NULL) {
		atomic_store(&s->poller, m);
		atomic_store(&s->poller_missing, false);
		m->poll = true;
	} else if (!m->poll) {
		m->next_idle = s->idle_m;
		s->idle_m = m;
	}
	go__unlock(&s->lock);
	if (!m->poll)
		sleep_until_woken(m);
	if (m->poll) {
		m->poll = false;
		go__poll_loop(m);
	}
}
