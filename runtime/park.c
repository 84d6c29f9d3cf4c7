/* SPDX-License-Identifier: Apache-2.0
 *
 * park.c: stop until somebody says go on; and give way.
 *
 * No wake-up is lost because the object's lock is held until the goroutine's registers are saved: the
 * successor releases it (go__finish). A waker that has the lock finds the goroutine parked.
 */
#include "hot.h"
#include "sys.h"

#include <errno.h>
#include <sched.h>

/* For the dump, and for go__ready's check. The cached clock is good to some ms; reading the real one would
 * cost as much as the rest of a park. */
static inline void note(struct go_g *g, enum go_wait why, struct go_object *obj)
{
	g->why = why;
	g->wait_obj = obj;
	g->since = atomic_load_explicit(&go__sched.now, memory_order_relaxed);
	atomic_store_explicit(&g->status, GO__WAITING, memory_order_relaxed);
}

/* A goroutine that is bound to a thread stops the thread. */
static void park_bound(struct go_g *g, struct go_lock **unlock, size_t n)
{
	struct go_sched *s = &go__sched;
	atomic_store(&g->bound_word, 0);
	go__lock(&s->lock);
	s->outside--;
	s->bound_parked++;
	go__unlock(&s->lock);
	for (size_t i = 0; i < n; i++)
		go__unlock(unlock[i]);
	go__lock(&s->lock);
	go__stall_check();
	go__unlock(&s->lock);
	while (atomic_load_explicit(&g->bound_word, memory_order_acquire) == 0)
		go__sys_futex_wait(&g->bound_word, 0, -1);
	atomic_store(&g->status, GO__RUNNING);
}

/* The waker counts the thread as running again, before it goes on. */
static void ready_bound(struct go_g *g)
{
	struct go_sched *s = &go__sched;
	go__lock(&s->lock);
	s->outside++;
	s->bound_parked--;
	go__unlock(&s->lock);
	atomic_store(&g->status, GO__RUNNABLE);
	atomic_store_explicit(&g->bound_word, 1, memory_order_release);
	go__sys_futex_wake(&g->bound_word, 1);
}

/* The caller's array lies on the stack that is being left. Up to eight are copied; more are read from there
 * while the goroutine can't have passed the re-take of the last one (see go__park in internal.h). */
static void keep_locks(struct go_m *m, struct go_lock **unlock, size_t n)
{
	m->locks = unlock;
	if (n <= GO_PARK_LOCKS) {
		for (size_t i = 0; i < n; i++)
			m->inline_locks[i] = unlock[i];
		m->locks = m->inline_locks;
	}
	m->n_locks = n;
	m->more_to_do = true;
}

/* The one place where a goroutine stops for another: one call of go__switch, which the processor's prediction
 * of returns is right about. errno belongs to the thread, its value to the goroutine. */
static __attribute__((noinline)) void go__stop(struct go_m *m, struct go_g *g)
{
	int saved = *m->errno_at;
	go__switch_to(m, &g->sp, go__pick(m));
	go__finish();
	*go__m()->errno_at = saved;
}

void go__park(enum go_wait why, const struct go_wait_on *on, size_t n, struct go_lock **unlock,
	      size_t n_locks)
{
	struct go_m *m = go__m();
	struct go_g *g = m->g;
	GO_ASSERT(g != NULL);
	GO_PROBE(park, &g->info, why, on, n);
	note(g, why, n > 0 ? on[0].obj : NULL);
	if (m->bound) {
		int saved = *m->errno_at;
		park_bound(g, unlock, n_locks);
		*m->errno_at = saved;
		return;
	}
	keep_locks(m, unlock, n_locks);
	go__stop(m, g);
}

/* Watched, or a thread of its own: what the fast way leaves out. */
static __attribute__((noinline)) void go__park_one_slow(enum go_wait why, struct go_object *obj,
							enum go_wait_op op, struct go_lock *unlock)
{
	struct go_wait_on on = {.obj = obj, .op = op};
	go__park(why, &on, 1, &unlock, 1);
}

void go__park_one(enum go_wait why, struct go_object *obj, enum go_wait_op op, struct go_lock *unlock)
{
	struct go_m *m = go__m();
	struct go_g *g = m->g;
	if (GO_UNLIKELY(go_probe_table != NULL || m->bound)) {
		go__park_one_slow(why, obj, op, unlock);
		return;
	}
	GO_USDT(park, g, why, NULL, 0);
	note(g, why, obj);
	m->unlock = unlock;
	go__stop(m, g);
}

/* Without a P, or with a runnext to displace, which is surplus for others. */
static __attribute__((noinline)) void go__runnable_slow(struct go_m *m, struct go_g *g)
{
	struct go_p *p = m == NULL ? NULL : m->p;
	if (p == NULL) {
		go__global_put(g);
		if (m == NULL || !m->polling)
			go__wake_p();
		return;
	}
	if (GO_LIKELY(go__next_enter(p))) {
		struct go_g *old = atomic_load_explicit(&p->runnext, memory_order_relaxed);
		atomic_store_explicit(&p->runnext, g, memory_order_release);
		go__next_leave(p);
		g = old;
	} else {
		g = go__next_put(p, g);
	}
	if (g == NULL)
		return;
	go__runq_put(p, g);
	if (atomic_load_explicit(&go__sched.n_procs, memory_order_relaxed) > 1)
		go__wake_p();
}

/* A goroutine that was readied runs next on this processor. */
void go__runnable(struct go_m *m, struct go_g *g)
{
	atomic_store_explicit(&g->status, GO__RUNNABLE, memory_order_relaxed);
	if (GO_UNLIKELY(m == NULL || m->p == NULL) || !go__next_fill(m->p, g))
		go__runnable_slow(m, g);
}

static __attribute__((noinline)) void go__ready_slow(struct go_g *g)
{
	GO_ASSERT(atomic_load_explicit(&g->status, memory_order_relaxed) == GO__WAITING);
	GO_PROBE(ready, &g->info);
	if (g->bound != NULL)
		ready_bound(g);
	else
		go__runnable(go__m(), g);
}

/* Object locks may be held: sched.lock comes after them in the order. */
void go__ready(struct go_g *g)
{
	struct go_m *m = go__m();
	if (GO_UNLIKELY(go_probe_table != NULL || g->bound != NULL || m == NULL || m->p == NULL ||
			atomic_load_explicit(&g->status, memory_order_relaxed) != GO__WAITING)) {
		go__ready_slow(g);
		return;
	}
	GO_USDT(ready, g);
	atomic_store_explicit(&g->status, GO__RUNNABLE, memory_order_relaxed);
	if (!go__next_fill(m->p, g))
		go__runnable_slow(m, g);
}

/* Last in this processor's ring. When nothing else is queued here, going on is as fair: other processors
 * have threads of their own. */
void go_yield(void)
{
	struct go_g *g = go__self();
	struct go_m *m = go__m();
	if (m->bound) {
		sched_yield();
		return;
	}
	struct go_g *next = go__pick(m);
	if (next == NULL && !go__must_stop(m))
		return;
	int saved = *m->errno_at;
	m->requeue = g;
	m->more_to_do = true;
	go__switch_to(m, &g->sp, next);
	go__finish();
	*go__m()->errno_at = saved;
}
