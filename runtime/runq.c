/* SPDX-License-Identifier: Apache-2.0
 *
 * runq.c: where runnable goroutines queue: a ring per processor, and one global list.
 *
 * The ring is the bounded queue of the Go scheduler: the owner appends at the tail without atomic
 * read-modify-write; the owner and thieves take from the head by compare and swap. Full: half of it moves
 * to the global list. Lock context: the ring needs none; the global list is under sched.lock.
 */
#include "hot.h"

#include <sched.h>

/* The ring is full: move half of it, then g, to the global list. False: a thief made room meanwhile. */
static bool overflow(struct go_p *p, struct go_g *g, uint32_t head)
{
	struct go_g *half[GO_RING / 2];
	for (uint32_t i = 0; i < GO_RING / 2; i++)
		half[i] = go__slot_get(p, head + i);
	if (!go__ring_take(p, head, GO_RING / 2))
		return false;
	go__lock(&go__sched.lock);
	for (uint32_t i = 0; i < GO_RING / 2; i++)
		go__global_put_locked(half[i]);
	go__global_put_locked(g);
	go__unlock(&go__sched.lock);
	return true;
}

void go__runq_overflow(struct go_p *p, struct go_g *g)
{
	for (;;) {
		uint32_t head = atomic_load_explicit(&p->head, memory_order_acquire);
		if (atomic_load_explicit(&p->tail, memory_order_relaxed) - head < GO_RING) {
			go__runq_put(p, g);
			return;
		}
		if (overflow(p, g, head))
			return;
	}
}

bool go__runq_empty(struct go_p *p)
{
	return atomic_load_explicit(&p->head, memory_order_acquire) ==
	       atomic_load_explicit(&p->tail, memory_order_acquire);
}

/* The owner of p, alone with runnext. A thief is between two stores, unless the system took its processor
 * away. */
static void enter_next(struct go_p *p)
{
	while (!go__next_enter(p)) {
		for (int i = 0; atomic_load_explicit(&p->next_thief, memory_order_acquire) != 0; i++) {
			if (i < 100)
				go__sys_pause();
			else
				sched_yield();
		}
	}
}

struct go_g *go__next_take(struct go_p *p)
{
	if (atomic_load_explicit(&p->runnext, memory_order_relaxed) == NULL)
		return NULL;
	return go__next_put(p, NULL);
}

struct go_g *go__next_put(struct go_p *p, struct go_g *g)
{
	enter_next(p);
	struct go_g *old = atomic_load_explicit(&p->runnext, memory_order_relaxed);
	atomic_store_explicit(&p->runnext, g, memory_order_release);
	go__next_leave(p);
	return old;
}

/* The thief's side of what hot.h draws. NULL also when the owner is at it, who runs it then. */
static struct go_g *steal_next(struct go_p *victim)
{
	struct go_g *g = NULL;
	if (atomic_load_explicit(&victim->runnext, memory_order_relaxed) == NULL)
		return NULL;
	atomic_store_explicit(&victim->next_thief, 1, memory_order_relaxed);
	if (go__sched.asymmetric)
		go__sys_fence_heavy();
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&victim->next_busy, memory_order_acquire) == 0) {
		/* An empty one may be filled by the owner at this moment: then hands off. */
		g = atomic_load_explicit(&victim->runnext, memory_order_acquire);
		if (g != NULL)
			atomic_store_explicit(&victim->runnext, NULL, memory_order_relaxed);
	}
	atomic_store_explicit(&victim->next_thief, 0, memory_order_release);
	return g;
}

/* Move half of the victim's ring (rounded up) to p's, which is empty; return one of them. Without p: its first. */
struct go_g *go__runq_steal(struct go_p *p, struct go_p *victim, bool also_next)
{
	uint32_t tail = p == NULL ? 0 : atomic_load_explicit(&p->tail, memory_order_relaxed), n;
	for (;;) {
		uint32_t from = atomic_load_explicit(&victim->head, memory_order_acquire);
		n = atomic_load_explicit(&victim->tail, memory_order_acquire) - from;
		n = p == NULL && n > 0 ? 1 : n - n / 2;
		if (n == 0)
			return also_next ? steal_next(victim) : NULL;
		if (n > GO_RING / 2)
			continue; /* head and tail read at different times */
		if (p == NULL) {
			struct go_g *g = go__slot_get(victim, from);
			if (go__ring_take(victim, from, 1))
				return g;
			continue;
		}
		for (uint32_t i = 0; i < n; i++)
			go__slot_set(p, tail + i, go__slot_get(victim, from + i));
		if (go__ring_take(victim, from, n))
			break;
	}
	n--;
	atomic_store_explicit(&p->tail, tail + n, memory_order_release);
	return go__slot_get(p, tail + n);
}

void go__global_put_locked(struct go_g *g)
{
	struct go_sched *s = &go__sched;
	g->next = NULL;
	if (s->q_last != NULL)
		s->q_last->next = g;
	else
		s->q_first = g;
	s->q_last = g;
	atomic_fetch_add_explicit(&s->q_len, 1, memory_order_relaxed);
}

void go__global_put(struct go_g *g)
{
	go__lock(&go__sched.lock);
	go__global_put_locked(g);
	go__unlock(&go__sched.lock);
}

/* Under the lock, and only when the list isn't empty. */
static struct go_g *global_pop(void)
{
	struct go_sched *s = &go__sched;
	struct go_g *g = s->q_first;
	s->q_first = g->next;
	if (s->q_first == NULL)
		s->q_last = NULL;
	atomic_fetch_sub_explicit(&s->q_len, 1, memory_order_relaxed);
	return g;
}

struct go_g *go__global_get(struct go_p *p)
{
	struct go_sched *s = &go__sched;
	if (atomic_load_explicit(&s->q_len, memory_order_relaxed) == 0)
		return NULL;
	go__lock(&s->lock);
	/* A fair share at once, so that the lock is taken once for many. */
	int32_t share = s->q_len / s->n_procs + 1;
	if (share > GO_RING / 4)
		share = GO_RING / 4;
	struct go_g *g = s->q_first == NULL ? NULL : global_pop();
	for (; share > 1 && s->q_first != NULL; share--) {
		/* Under the lock the ring must not overflow, which would take it again. */
		if (p->tail - p->head >= GO_RING / 2)
			break;
		go__runq_put(p, global_pop());
	}
	go__unlock(&s->lock);
	return g;
}

/* Under sched.lock, by the owner: runnext comes first, as it would have here. */
void go__runq_drain(struct go_p *p)
{
	struct go_g *next = go__next_take(p);
	if (next != NULL)
		go__global_put_locked(next);
	for (struct go_g *g; (g = go__runq_get(p)) != NULL;)
		go__global_put_locked(g);
}
