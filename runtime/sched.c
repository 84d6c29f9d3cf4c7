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
 *  - While anything can be waited for (time, descriptors, signals), one M is the poller, or poller_missing
 *    is set and the next pick makes one.
 *  - Nothing changes any more once no P is owned, nobody works outside, the global queue is empty, and
 *    neither timers nor descriptors nor signals are waited for: that is the deadlock. All of it is read
 *    under sched.lock, which everyone takes to go idle; a timer counts until its callback returned and
 *    a descriptor's waiter until it was queued, so nothing is in flight unseen.
 */
#include "sched.h"
#include "sys.h"

#include <stdlib.h>

#define GLOBAL_EVERY 61 /* picks between looks at the global queue: a prime, as in Go */
#define INHERIT 16      /* readied goroutines that run before the ring's head gets a turn */
#define STEAL_ROUNDS 4

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

static void bind_stack(struct go_m *m, struct go_g *g)
{
	if (g->stack == NULL)
		g->stack = go__stack_get(m->p);
	if (g->stack == NULL)
		go__fatal("out of memory (goroutine stack)");
	g->sp = go__stack_init((char *)g->stack + go__stack_size());
}

void go__switch_to(struct go_m *m, void **save, struct go_g *to)
{
	m->g = to;
	GO_PROBE(run, to == NULL ? NULL : &to->info);
	if (to == NULL) {
		go__switch(save, m->sp0);
		return;
	}
	if (to->sp == NULL)
		bind_stack(m, to);
	atomic_store_explicit(&to->status, GO__RUNNING, memory_order_relaxed);
	go__switch(save, to->sp);
}

static void requeue(struct go_m *m)
{
	struct go_g *g = m->requeue;
	m->requeue = NULL;
	atomic_store_explicit(&g->status, GO__RUNNABLE, memory_order_relaxed);
	if (m->p == NULL || m->requeue_global)
		go__global_put(g);
	else
		go__runq_put(m->p, g);
	m->requeue_global = false;
	go__wake_p();
}

/* Runs on the successor's stack, on the thread where the predecessor stopped. From the release of a
 * lock on, the predecessor may run elsewhere: its stack is read up to then only (see go__park). */
void go__finish(void)
{
	struct go_m *m = go__m();
	size_t n = m->n_locks;
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

static bool retired(struct go_p *p)
{
	return p->id >= (uint32_t)atomic_load_explicit(&go__sched.n_procs, memory_order_relaxed);
}

bool go__must_stop(struct go_m *m)
{
	return m->p == NULL || retired(m->p) ||
	       atomic_load_explicit(&go__sched.frozen, memory_order_relaxed);
}

static struct go_g *take_next(struct go_p *p)
{
	if (atomic_load_explicit(&p->runnext, memory_order_relaxed) == NULL)
		return NULL;
	return atomic_exchange_explicit(&p->runnext, NULL, memory_order_acquire);
}

/* runnext first, so that a hand-off runs while its data are warm; now and then the others, so that two
 * goroutines that wake each other can't starve them. */
static struct go_g *pick_local(struct go_p *p)
{
	struct go_g *g = NULL;
	if (p->tick % INHERIT != 0)
		g = take_next(p);
	if (g == NULL)
		g = go__runq_get(p);
	if (g == NULL)
		g = take_next(p);
	return g;
}

struct go_g *go__pick(struct go_m *m)
{
	struct go_sched *s = &go__sched;
	struct go_p *p = m->p;
	struct go_g *g = NULL;
	if (GO_UNLIKELY(go__must_stop(m)))
		return NULL;
	if (GO_UNLIKELY(p->tick++ % GLOBAL_EVERY == 0)) {
		atomic_store_explicit(&s->now, go__sys_now(), memory_order_relaxed);
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

/* ---- idle processors, under sched.lock ---- */

static void p_put(struct go_p *p)
{
	struct go_sched *s = &go__sched;
	s->running_p--;
	if (retired(p)) {
		p->retired = true; /* go_set_procs brings it back */
		return;
	}
	p->next_idle = s->idle_p;
	s->idle_p = p;
	atomic_fetch_add(&s->n_idle_p, 1);
}

static struct go_p *p_get(void)
{
	struct go_sched *s = &go__sched;
	struct go_p *p;
	while ((p = s->idle_p) != NULL) {
		s->idle_p = p->next_idle;
		atomic_fetch_sub(&s->n_idle_p, 1);
		if (!retired(p)) {
			s->running_p++;
			return p;
		}
		p->retired = true;
	}
	return NULL;
}

static struct go_m *idle_m_pop(void)
{
	struct go_m *m = go__sched.idle_m;
	if (m != NULL)
		go__sched.idle_m = m->next_idle;
	return m;
}

static void m_wake(struct go_m *m)
{
	atomic_store_explicit(&m->wake, 1, memory_order_release);
	go__sys_futex_wake(&m->wake, 1);
}

/* Get an M going on p. When no thread can be had, p goes idle with nothing in it. */
static void p_hand(struct go_p *p, bool spinning)
{
	struct go_m *m = idle_m_pop();
	if (m != NULL) {
		m->p = p;
		m->spinning = spinning;
		m_wake(m);
	} else if (go__m_start(p, false, spinning) != 0) {
		go__runq_drain(p);
		p_put(p);
		if (spinning)
			atomic_fetch_sub(&go__sched.spinning, 1);
	}
}

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
	struct go_p *p = p_get();
	if (p != NULL)
		p_hand(p, true);
	else
		atomic_fetch_sub(&s->spinning, 1);
	go__unlock(&s->lock);
}

/* ---- the poller ---- */

static bool pollable(void)
{
	struct go_sched *s = &go__sched;
	return go__timer_count() > 0 || atomic_load(&s->io_waiters) > 0 || atomic_load(&s->notifies) > 0;
}

/* Under sched.lock: find somebody to be the poller. */
static void poller_appoint(void)
{
	struct go_sched *s = &go__sched;
	atomic_store(&s->poller_missing, false);
	if (atomic_load(&s->poller) != NULL)
		return;
	struct go_m *m = idle_m_pop();
	if (m != NULL) {
		m->poll = true;
		atomic_store(&s->poller, m);
		m_wake(m);
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
	poller_appoint();
	go__unlock(&s->lock);
}

/* Under the lock. Somebody must take over: the goroutine that this M is about to run may never stop. */
static void poller_leave(struct go_m *m, struct go_p *p)
{
	m->p = p;
	atomic_store(&go__sched.poller, NULL);
	atomic_thread_fence(memory_order_seq_cst);
	if (pollable())
		poller_appoint();
}

static bool has_stale_next(struct go_p *p)
{
	bool stale = p->seen_tick == p->tick &&
		     atomic_load_explicit(&p->runnext, memory_order_relaxed) != NULL;
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
	struct go_p *p = p_get();
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

#define NAP_MIN ((int64_t)20000)
#define NAP_MAX ((int64_t)5000000)
#define RECHECK ((int64_t)100000000)

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

/* Returns with a P. */
static void poll_loop(struct go_m *m)
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

/* ---- an M without work ---- */

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
		poll_loop(m);
	}
}

static void stop_spinning(struct go_m *m)
{
	if (!m->spinning)
		return;
	m->spinning = false;
	/* Work that came while we spun did not wake anybody: whoever stops spinning last passes it on. */
	if (atomic_fetch_sub(&go__sched.spinning, 1) == 1)
		go__wake_p();
}

static struct go_g *steal(struct go_m *m)
{
	struct go_sched *s = &go__sched;
	uint32_t n = (uint32_t)s->n_ps;
	if (!m->spinning) {
		if (2 * atomic_load(&s->spinning) >= s->running_p)
			return NULL;
		m->spinning = true;
		atomic_fetch_add(&s->spinning, 1);
	}
	for (int round = 0; round < STEAL_ROUNDS; round++) {
		uint32_t first = go__choose(GO__CHOOSE_VICTIM, n);
		for (uint32_t i = 0; i < n; i++) {
			struct go_p *victim = s->ps[(first + i) % n];
			struct go_g *g = victim == m->p ? NULL : go__runq_steal(m->p, victim, false);
			if (g != NULL)
				return g;
		}
		for (int i = 0; i < 20; i++)
			go__sys_pause();
	}
	return NULL;
}

/* Give the P up. False: work turned up after all. */
static bool release_p(struct go_m *m)
{
	struct go_sched *s = &go__sched;
	go__lock(&s->lock);
	struct go_p *p = m->p;
	if (retired(p))
		go__runq_drain(p);
	else if (s->q_first != NULL) {
		go__unlock(&s->lock);
		return false;
	}
	m->p = NULL;
	p_put(p);
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
	m->p = p_get();
	go__unlock(&s->lock);
	return m->p != NULL;
}

static void halt_if_frozen(void)
{
	static _Atomic uint32_t never;
	while (GO_UNLIKELY(atomic_load(&go__sched.frozen)))
		go__sys_futex_wait(&never, 0, -1);
}

static struct go_g *find(struct go_m *m)
{
	for (;;) {
		halt_if_frozen();
		if (m->p == NULL)
			go__m_idle(m);
		struct go_g *g = go__pick(m);
		if (g == NULL && !retired(m->p))
			g = steal(m);
		if (g != NULL) {
			stop_spinning(m);
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

/* ---- outside: working without a P ---- */

static void p_release_busy(struct go_p *p)
{
	if (go__runq_empty(p) && atomic_load(&p->runnext) == NULL && go__sched.q_first == NULL)
		p_put(p);
	else
		p_hand(p, false);
}

void go__enter_outside(struct go_m *m)
{
	struct go_sched *s = &go__sched;
	go__lock(&s->lock);
	s->outside++;
	struct go_p *p = m->p;
	m->p = NULL;
	if (p != NULL)
		p_release_busy(p);
	if (atomic_load(&s->poller) == NULL && pollable())
		poller_appoint();
	go__unlock(&s->lock);
}

bool go__leave_outside(struct go_m *m)
{
	struct go_sched *s = &go__sched;
	go__lock(&s->lock);
	s->outside--;
	if (!m->bound)
		m->p = p_get();
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
	for (int32_t i = 0; i < n; i++) {
		if (!s->ps[i]->retired)
			continue;
		s->ps[i]->retired = false;
		s->running_p++;
		p_put(s->ps[i]);
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
}

int go_procs(void)
{
	go__self();
	return atomic_load(&go__sched.n_procs);
}

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
		m->p = p_get();
		s->threads = 1;
	}
	go__unlock(&s->lock);
}
