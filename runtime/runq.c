/* SPDX-License-Identifier: Apache-2.0
 *
 * runq.c: where runnable goroutines queue: a ring per processor, and one global list.
 *
 * The ring is the bounded queue of the Go scheduler: the owner appends at the tail without atomic
 * read-modify-write; the owner and thieves take from the head by compare and swap. Full: half of it moves
 * to the global list. Lock context: the ring needs none; the global list is under sched.lock.
 */
#include "scheduler.h"

/* The indices grow without bound and wrap as unsigned numbers do; only differences mean anything. */
static struct go_g *slot_get(struct go_p *p, uint32_t i)
{
	return atomic_load_explicit(&p->ring[i % GO_RING], memory_order_relaxed);
}

static void slot_set(struct go_p *p, uint32_t i, struct go_g *g)
{
	atomic_store_explicit(&p->ring[i % GO_RING], g, memory_order_relaxed);
}

/* The acquire pairs with the owner's release of the tail; a head that moved meanwhile voids what was read. */
static bool take(struct go_p *p, uint32_t head, uint32_t n)
{
	return atomic_compare_exchange_strong_explicit(&p->head, &head, head + n, memory_order_acq_rel,
						       memory_order_relaxed);
}

/* The ring is full: move half of it, then g, to the global list. False: a thief made room meanwhile. */
static bool overflow(struct go_p *p, struct go_g *g, uint32_t head)
{
	struct go_g *half[GO_RING / 2];
	for (uint32_t i = 0; i < GO_RING / 2; i++)
		half[i] = slot_get(p, head + i);
	if (!take(p, head, GO_RING / 2))
		return false;
	go__lock(&go__sched.lock);
	for (uint32_t i = 0; i < GO_RING / 2; i++)
		go__global_put_locked(half[i]);
	go__global_put_locked(g);
	go__unlock(&go__sched.lock);
	return true;
}

void go__runq_put(struct go_p *p, struct go_g *g)
{
	for (;;) {
		uint32_t head = atomic_load_explicit(&p->head, memory_order_acquire);
		uint32_t tail = atomic_load_explicit(&p->tail, memory_order_relaxed);
		if (tail - head < GO_RING) {
			slot_set(p, tail, g);
			atomic_store_explicit(&p->tail, tail + 1, memory_order_release);
			return;
		}
		if (overflow(p, g, head))
			return;
	}
}

struct go_g *go__runq_get(struct go_p *p)
{
	for (;;) {
		uint32_t head = atomic_load_explicit(&p->head, memory_order_acquire);
		if (head == atomic_load_explicit(&p->tail, memory_order_relaxed))
			return NULL;
		struct go_g *g = slot_get(p, head);
		if (take(p, head, 1))
			return g;
	}
}

bool go__runq_empty(struct go_p *p)
{
	return atomic_load_explicit(&p->head, memory_order_acquire) ==
	       atomic_load_explicit(&p->tail, memory_order_acquire);
}

/* Move half of the victim's ring (rounded up) to p's, which is empty; return one of them. */
struct go_g *go__runq_steal(struct go_p *p, struct go_p *victim, bool also_next)
{
	uint32_t tail = atomic_load_explicit(&p->tail, memory_order_relaxed), n;
	for (;;) {
		uint32_t from = atomic_load_explicit(&victim->head, memory_order_acquire);
		n = atomic_load_explicit(&victim->tail, memory_order_acquire) - from;
		n -= n / 2;
		if (n == 0)
			return also_next ? atomic_exchange(&victim->runnext, NULL) : NULL;
		if (n > GO_RING / 2)
			continue; /* head and tail read at different times */
		for (uint32_t i = 0; i < n; i++)
			slot_set(p, tail + i, slot_get(victim, from + i));
		if (take(victim, from, n))
			break;
	}
	n--;
	atomic_store_explicit(&p->tail, tail + n, memory_order_release);
	return slot_get(p, tail + n);
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
	struct go_g *next = atomic_exchange(&p->runnext, NULL);
	if (next != NULL)
		go__global_put_locked(next);
	for (struct go_g *g; (g = go__runq_get(p)) != NULL;)
		go__global_put_locked(g);
}
