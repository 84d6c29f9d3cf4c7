/* SPDX-License-Identifier: Apache-2.0
 *
 * poller.c: Ms without work. The first of them waits for time, descriptors and signals on behalf of all;
 * the others sleep.
 *
 * The poller needs no P to make goroutines runnable. When it has one to run and a P is idle, it takes the
 * P and leaves its role, and somebody else takes over if anything remains to be waited for.
 *
 * It also looks after processors whose goroutine computes and does not stop. What is queued there goes to an
 * idle P, or when there is none to the global queue, where the next P that picks finds it: so with two Ps or
 * more, a goroutine that never stops holds up no other for longer than two naps, 10 ms, as long as another P
 * comes by its scheduler. Nothing of this works with signals: C code cannot be stopped at any instruction.
 */
#include "hot.h"
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
	struct go_sched *s = &go__sched;
	m->p = p;
	atomic_store(&s->poller, NULL);
	atomic_thread_fence(memory_order_seq_cst);
	if (go__pollable() || s->n_procs > 1)
		go__poller_appoint();
}

#define LYING ((int64_t)16000) /* ns; about what waking another thread costs */

/* Two looks at the same tick, a nap apart, mean that the owner did not schedule in between. It may do so right
 * after the look; a wrong guess moves a goroutine. */
static bool is_stale(struct go_p *p)
{
	uint32_t tick = atomic_load_explicit(&p->tick, memory_order_relaxed);
	bool stale = p->seen_tick == tick;
	p->seen_tick = tick;
	return stale;
}

/* Without the lock: a P where somebody was readied and lies there while the goroutine that did it goes on. So both
 * could run at once, as the two sides of a pipeline do. A hand-off is taken when the other stops, after some hundred
 * nanoseconds: the watch of a ping-pong ends at the first change. */
struct go_p *go__left_lying(const struct go_p *mine)
{
	struct go_sched *s = &go__sched;
	for (int32_t i = 0; i < s->n_ps; i++) {
		struct go_p *p = s->ps[i];
		struct go_g *g = atomic_load_explicit(&p->runnext, memory_order_relaxed);
		if (g == NULL || p == mine)
			continue;
		uint32_t tick = atomic_load_explicit(&p->tick, memory_order_relaxed);
		int64_t until = go__sys_now() + LYING;
		bool same;
		do {
			go__sys_pause();
			same = atomic_load_explicit(&p->runnext, memory_order_relaxed) == g &&
			       atomic_load_explicit(&p->tick, memory_order_relaxed) == tick;
		} while (same && go__sys_now() < until);
		if (same)
			return p;
	}
	return NULL;
}

/* While some P idles: a ring that nobody came for, or a runnext that its owner left lying for a whole
 * nap because it computes. While none does: the same, but only where the owner computes. */
static struct go_p *find_stale(bool none_idle, bool *next)
{
	struct go_sched *s = &go__sched;
	for (int32_t i = 0; i < s->n_ps; i++) {
		struct go_p *p = s->ps[i];
		bool stale = is_stale(p);
		*next = stale && atomic_load_explicit(&p->runnext, memory_order_relaxed) != NULL;
		if (*next || ((stale || !none_idle) && !go__runq_empty(p)))
			return p;
	}
	return NULL;
}

/* Under the lock, when no P is idle: what waits behind a computation goes where all Ps look. By halves, as
 * thieves take: what a computing owner queues next comes behind it. */
static void rescue(struct go_p *victim)
{
	struct go_g *g;
	for (int i = 0; i < GO_RING && (g = go__runq_steal(NULL, victim, true)) != NULL; i++)
		go__global_put_locked(g);
}

/* Under the lock: is there something to run, and a P for it? lying: see go__left_lying, or NULL. */
static bool poller_work(struct go_m *m, bool long_nap, struct go_p *lying)
{
	struct go_sched *s = &go__sched;
	bool next = false, none_idle = atomic_load(&s->n_idle_p) == 0;
	struct go_p *victim = NULL;
	if ((s->q_first == NULL || none_idle) && s->running_p > 0 && (long_nap || !none_idle))
		victim = find_stale(none_idle, &next);
	if (victim == NULL && lying != NULL && !none_idle) {
		victim = lying;
		next = true;
		atomic_store_explicit(&s->luck, GO_LUCK, memory_order_relaxed);
	}
	if (victim == NULL && s->q_first == NULL)
		return false;
	struct go_p *p = go__p_get();
	if (p == NULL) {
		if (victim != NULL && s->running_p > 1)
			rescue(victim);
		if (s->q_first != NULL)
			atomic_store_explicit(&s->urgent, true, memory_order_relaxed);
		return false;
	}
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

static int64_t sooner(int64_t a, int64_t b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

#define QUIET 3 /* naps in which nothing ran before the poller sleeps deeply */

/* While others run, look at them from time to time: soon at first, when a hand-off that was not taken costs
 * most, then rarely, so that one long computation costs nothing. With one processor there is nobody to help.
 * When nothing has run for a while, sleep until something happens; whoever then gets a P must tell us. The fence
 * pairs with the one in go__poller_stir: either we see that something runs, or it sees that we sleep deeply. */
static int64_t nap_until_next(int64_t *nap, int *quiet)
{
	struct go_sched *s = &go__sched;
	int64_t now = go__sys_now(), ns = go__timer_next(now);
	atomic_store_explicit(&s->now, now, memory_order_relaxed);
	ns = sooner(ns, go__stack_trim_in(now));
	if (atomic_load(&s->recheck))
		ns = sooner(ns, RECHECK);
	if (s->n_procs == 1)
		return ns;
	atomic_store_explicit(&s->poller_deep, true, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	if (s->running_p > 0) {
		*quiet = 0;
	} else {
		*nap = NAP_MAX;
		if (++*quiet > QUIET)
			return ns;
	}
	atomic_store_explicit(&s->poller_deep, false, memory_order_relaxed);
	ns = sooner(ns, *nap);
	*nap = *nap * 2 > NAP_MAX ? NAP_MAX : *nap * 2;
	return ns;
}

/* Under the lock, after a P was given to somebody: a poller that went to sleep when nothing ran must look again
 * how long it may. */
void go__poller_stir(void)
{
	struct go_sched *s = &go__sched;
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&s->poller_deep, memory_order_relaxed)) {
		atomic_store_explicit(&s->poller_deep, false, memory_order_relaxed);
		go__netpoll_kick();
	}
}

/* Returns with a P. Events are handled without one: what they ready goes to the global queue, and
 * `polling` keeps each single one from waking a thread, since this M looks itself right afterwards. The
 * standstill is judged after each round, for the last timer may have readied nobody. */
void go__poll_loop(struct go_m *m)
{
	struct go_sched *s = &go__sched;
	int64_t nap = NAP_MIN;
	int quiet = 0;
	for (bool got = false; !got;) {
		int64_t ns = nap_until_next(&nap, &quiet);
		m->polling = true;
		go__netpoll_wait(ns);
		atomic_store_explicit(&s->poller_deep, false, memory_order_relaxed);
		go__signal_deliver();
		go__timer_run(m);
		int64_t now = atomic_load_explicit(&s->now, memory_order_relaxed);
		m->polling = false;
		if (go__stack_trim_in(now) == 0)
			go__stack_trim(now);
		struct go_p *lying = atomic_load(&s->n_idle_p) > 0 ? go__left_lying(NULL) : NULL;
		go__lock(&s->lock);
		got = !s->frozen && poller_work(m, nap == NAP_MAX, lying);
		if (!got)
			go__stall_check();
		bool more = s->q_first != NULL;
		go__unlock(&s->lock);
		if (more)
			go__wake_p();
	}
}

/* ---- idle ---- */

/* The word is a token: go__m_wake sets it once for each time that this M was taken from the idle list, and here it
 * is taken back. It is set before the wake-up, so that one that comes early is not lost; and what the waker wrote
 * into m before it may be read after it. */
static void sleep_until_woken(struct go_m *m)
{
	while (atomic_load_explicit(&m->wake, memory_order_acquire) == 0)
		go__sys_futex_wait(&m->wake, 0, -1);
	atomic_store_explicit(&m->wake, 0, memory_order_relaxed);
}

/* The first M without work polls, the others sleep. Returns with a P.
 *
 * Whether this one sleeps is decided under the lock. From then on it may be taken from the list and be given
 * a P or the poller's role: who looked at m->poll instead would follow the role, and leave the token of that wake-up
 * for its next sleep, which would end at once, without a P and still on the list. */
void go__m_idle(struct go_m *m)
{
	struct go_sched *s = &go__sched;
	go__lock(&s->lock);
	bool poll = m->poll; /* of a thread that was started to be the poller */
	if (!poll && atomic_load(&s->poller) == NULL) {
		atomic_store(&s->poller, m);
		atomic_store(&s->poller_missing, false);
		poll = true;
	} else if (!poll) {
		m->next_idle = s->idle_m;
		s->idle_m = m;
	}
	go__unlock(&s->lock);
	if (!poll) {
		sleep_until_woken(m);
		poll = m->poll;
	}
	m->poll = false;
	if (poll)
		go__poll_loop(m);
	GO_ASSERT(m->p != NULL);
}
